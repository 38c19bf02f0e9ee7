"""Fine-tuned encoders, one a run: trained by the shipped path, kept in a folder, resumable."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from classifier.corpus import Example
from classifier.finetune import Plan, Progress, finetune

DONE: Final = "done"
"""Stands in the folder of a run that came to its end."""


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
) -> None:
    """Tune the encoder in `base` on `examples` and keep it in `work`; goes on where it stopped."""
    import torch  # noqa: PLC0415 (an extra)

    torch.set_num_threads(1)  # CPU time is what is compared, and others use the machine
    finetune(examples, base, work, tuning.plan, progress)
    (work / DONE).touch()
