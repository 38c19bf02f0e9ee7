"""When the second stage is asked and how it is read, from rows that neither stage was fitted on."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from classifier import targets
from classifier.calibrate import calibrate
from classifier.contextual import Contextual
from classifier.corpus import Example
from classifier.features import scored_text
from classifier.model import HEADS, Classifier, SecondStage, sigmoid
from classifier.targets import Floats
from classifier.types import TIERS, Prompt

SHARE: Final = 0.05
"""Of the held rows, how many are asked about. Most of what the second stage gains on sources that
were left out it gains on these: benchmarks/results/2026-11-26-second-stage.md."""
PIECES: Final = 62
"""With the two marks at its ends 64. On longer texts, which cost most, it gained nothing there."""


def second_stage(
    first: Classifier, encoder: Contextual, examples: Sequence[Example], asked: Sequence[Prompt]
) -> SecondStage:
    """How `encoder` joins `first`, which has one stage; `asked` is what is scored of `examples`.

    Its logits are calibrated on the rows that are short enough, and the doubt is set so that SHARE
    of all rows lie below it.
    """
    found = [encoder.pieces(scored_text(prompt), PIECES) for prompt in asked]
    short = [(at, pieces) for at, pieces in enumerate(found) if pieces is not None]
    sure = np.ones(len(asked))
    for at, _ in short:
        chances = msgspec.structs.astuple(first.glance(asked[at]).verdict.probabilities)
        sure[at] = max(chances)
    logits = np.array([encoder.logits(pieces) for _, pieces in short]).reshape(-1, len(HEADS))
    slope, offset = _calibrate([examples[at] for at, _ in short], logits)
    return SecondStage(
        below=float(np.quantile(sure, SHARE)) if short else 0.0,
        pieces=PIECES,
        slope=slope,
        offset=offset,
    )


def _calibrate(
    examples: Sequence[Example], logits: Floats
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Slope and offset of each head's `logits`, shape (examples, heads)."""
    tasks = [targets.needs_info(examples)]
    tasks += [targets.above(examples, tier) for tier in range(len(TIERS) - 1)]
    before = np.zeros(len(examples))
    lines = [calibrate(logits[:, at], before, task) for at, task in enumerate(tasks)]
    for tier in range(len(TIERS)):
        own = logits[:, len(tasks) + tier]
        slope, offset = calibrate(own, before, targets.solved(examples, tier))
        lines.append((slope, offset))
        before = before + (1 - before) * sigmoid(slope * own + offset)
    slopes, offsets = zip(*lines, strict=True)
    return slopes, offsets
