"""A fine-tuned encoder as one int8 ONNX file, which serves without torch.

The only door to torch's export and to onnxruntime's quantisation.
"""

import copy
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.finetune import Tuned
from classifier.pieces import UNKNOWN

if TYPE_CHECKING:
    import torch


def shrink(tuned: Tuned, vocabulary: Sequence[str], file: Path) -> None:
    """Write `tuned` to `file` as an ONNX model that reads one text (`classifier.contextual`).

    It takes piece numbers of `vocabulary`, and then two more for the marks that begin and end a
    text. A piece that the encoder does not have is unknown to it. Raises ImportError without the
    train extra.
    """
    import torch  # noqa: PLC0415 (an extra: not needed to serve)

    whole = file.with_name(f"{file.name}.float")
    with redirect_stderr(StringIO()), warnings.catch_warnings(action="ignore"):
        torch.onnx.export(  # its notes are on itself, and not ours to show
            _renumbered(tuned, vocabulary),
            (torch.ones((1, 12), dtype=torch.long),),
            str(whole),
            input_names=["pieces"],
            output_names=["logits"],
            dynamic_axes={"pieces": {1: "length"}},
            dynamo=False,
        )
        _quantise(whole, file)
    whole.unlink()


def _renumbered(tuned: Tuned, vocabulary: Sequence[str]) -> "torch.nn.Module":
    """The encoder under the numbers of `vocabulary`: the mean over one text, through the head."""
    import torch  # noqa: PLC0415

    net = copy.deepcopy(tuned.net).cpu().eval()
    encoder, head = net["encoder"], net["head"]
    encoder.set_attn_implementation("eager")  # the others are no plain ONNX
    numbers = {piece: number for number, piece in enumerate(tuned.vocabulary)}
    unknown = numbers[UNKNOWN]
    rows = [*(numbers.get(piece, unknown) for piece in vocabulary), *tuned.ends]
    table = encoder.get_input_embeddings().weight[rows]
    encoder.set_input_embeddings(torch.nn.Embedding.from_pretrained(table))

    class Served(torch.nn.Module):  # type: ignore[misc]
        """The mean over the pieces of one text, through the head."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.head = encoder, head

        def forward(self, pieces: torch.Tensor) -> torch.Tensor:
            hidden = self.encoder(input_ids=pieces, attention_mask=torch.ones_like(pieces))
            return self.head(hidden.last_hidden_state.mean(dim=1))

    return Served().eval()


def _quantise(whole: Path, small: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415 (an extra)

    quantize_dynamic(
        whole,
        small,
        weight_type=QuantType.QInt8,
        per_channel=True,  # one scale a matrix loses the embedding: cosine .85 with the float one
        reduce_range=True,  # else sums overflow on processors without VNNI
    )
