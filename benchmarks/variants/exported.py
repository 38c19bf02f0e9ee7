"""A transformer as it would serve: int8 ONNX, one prompt at a time, one thread.

The only door to onnxruntime, and to torch for the export. Dynamic quantisation takes its scales
from each input, so what is fitted and judged must come from the same lone prompts as serving sees.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from classifier.features import scored_text
from classifier.finetune import STATE, cut
from classifier.model import HEADS
from classifier.types import Prompt

FULL: Final = "float.onnx"
SMALL: Final = "int8.onnx"

Encode: TypeAlias = Callable[[Prompt], NDArray[np.float32]]
"""The numbers of one prompt: an embedding, or the logits of the heads."""


def export(base: Path, work: Path) -> Path:
    """The encoder in folder `base` as int8 ONNX in `work`, made once.

    Where `work` holds the state of a fine-tuning its weights are taken and the output is the logit
    of each head; otherwise it is the mean over the pieces, which is the base encoder's embedding.
    """
    small = work / SMALL
    if not small.exists():
        work.mkdir(parents=True, exist_ok=True)
        _export(base, work)
        _quantise(work)
    return small


def _export(base: Path, work: Path) -> None:
    import torch  # noqa: PLC0415 (an extra)
    from safetensors.torch import load_file  # noqa: PLC0415
    from transformers import AutoModel  # noqa: PLC0415

    encoder = AutoModel.from_pretrained(base, attn_implementation="eager").eval()
    head: torch.nn.Module = torch.nn.Identity()
    if (work / STATE).exists():
        head = torch.nn.Linear(encoder.config.hidden_size, len(HEADS))
        net = torch.nn.ModuleDict({"encoder": encoder, "head": head})
        saved = load_file(work / STATE)
        net.load_state_dict({n[4:]: value for n, value in saved.items() if n.startswith("net.")})

    class Served(torch.nn.Module):  # type: ignore[misc]
        """The mean over the pieces of one text, through the head."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.head = encoder, head

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            hidden = self.encoder(input_ids=ids, attention_mask=torch.ones_like(ids))
            return self.head(hidden.last_hidden_state.mean(dim=1))

    torch.onnx.export(
        Served().eval(),
        (torch.ones((1, 12), dtype=torch.long),),
        str(work / FULL),
        input_names=["ids"],
        output_names=["out"],
        dynamic_axes={"ids": {1: "pieces"}},
        dynamo=False,
    )


def _quantise(work: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415 (an extra)

    draft = work / f"{SMALL}.part"
    quantize_dynamic(
        work / FULL,
        draft,
        weight_type=QuantType.QInt8,
        per_channel=True,  # one scale a matrix loses the embedding: cosine .85 with the float one
        reduce_range=True,  # else sums overflow on processors without VNNI
    )
    (work / FULL).unlink()
    draft.rename(work / SMALL)


def encode(model: Path, tokenizer: Path, tokens: int) -> Encode:
    """What the ONNX file says of one prompt, of which at most `tokens` pieces are read."""
    import onnxruntime  # noqa: PLC0415 (an extra)
    from tokenizers import Tokenizer  # noqa: PLC0415 (an extra)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    split = Tokenizer.from_file(str(tokenizer))
    split.no_truncation()
    split.no_padding()
    (begin, end) = split.encode("").ids  # the marks around nothing
    ends = (begin, end)

    def one(prompt: Prompt) -> NDArray[np.float32]:
        pieces = split.encode(scored_text(prompt), add_special_tokens=False).ids
        ids = np.array([cut(pieces, tokens, ends)], np.int64)
        found: NDArray[np.float32] = session.run(None, {"ids": ids})[0][0]
        return found

    return one
