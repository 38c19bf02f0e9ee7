"""Encoders to be made small: fine-tuned by the shipped path, resumable; or as they are."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from classifier.corpus import Example
from classifier.finetune import Plan, Progress, Tuned, finetune


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """Which encoder is tuned, and for how long."""

    layers: int
    tokens: int
    """Pieces of a prompt that are read, in training and after it."""
    epochs: int

    @property
    def name(self) -> str:
        """The folder that its runs are kept in."""
        return f"tuned-{self.layers}x{self.tokens}-e{self.epochs}"

    @property
    def plan(self) -> Plan:
        """As the shipped path takes it."""
        return Plan(epochs=self.epochs, tokens=self.tokens)


def shorten(base: Path, layers: int, folder: Path) -> Path:
    """The first `layers` layers of the encoder in `base`: in `folder` where it has more."""
    config = json.loads((base / "config.json").read_bytes())
    if config["num_hidden_layers"] <= layers:
        return base
    if folder.is_dir():
        return folder
    draft = folder.with_name(f"{folder.name}.part")
    draft.mkdir(parents=True, exist_ok=True)
    for file in base.iterdir():
        link = draft / file.name
        if file.is_file() and file.name != "config.json" and not link.exists():
            link.symlink_to(file.resolve())
    config["num_hidden_layers"] = layers
    (draft / "config.json").write_text(json.dumps(config))
    draft.rename(folder)
    return folder


def tune(
    tuning: Tuning, examples: Sequence[Example], base: Path, work: Path, progress: Progress
) -> Tuned:
    """The encoder in `base`, tuned on `examples`; goes on where it stopped, by what `work` has."""
    import torch  # noqa: PLC0415 (an extra)

    torch.set_num_threads(1)  # CPU time is what is compared, and others use the machine
    return finetune(examples, base, work, tuning.plan, progress)


def frozen(base: Path) -> Tuned:
    """The encoder in `base` as it is: without a head it says the mean over the pieces."""
    import torch  # noqa: PLC0415 (an extra)
    from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415

    tokenizer = AutoTokenizer.from_pretrained(base)
    numbers = tokenizer.get_vocab()
    net = {"encoder": AutoModel.from_pretrained(base), "head": torch.nn.Identity()}
    return Tuned(
        teacher=lambda asked: np.empty((len(asked), 0)),
        net=torch.nn.ModuleDict(net),
        vocabulary=tuple(sorted(numbers, key=numbers.__getitem__)),
        ends=(tokenizer.cls_token_id, tokenizer.sep_token_id),
    )
