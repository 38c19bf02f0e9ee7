"""How many labels flip when a prompt is disturbed in ways that leave its difficulty alone."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.features import extract
from classifier.judge.rows import Judged
from classifier.metrics import Interval, mean, positions
from classifier.model import Classifier
from classifier.noise import NOISES, TEMPLATES, disturb, wrap
from classifier.types import Prompt, Turn

MOST_ROWS: Final = 1_000
SEED: Final = 20_261_123
"""Draws the rows and the noise."""


class Flips(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of disturbance."""

    name: str
    changed: float
    """Share of the prompts that it changed at all: one sentence has no order."""
    flipped: Interval
    """Share of all prompts whose label is another one than before."""


class Robustness(msgspec.Struct, frozen=True, kw_only=True):
    """Flipped labels over the same rows for every kind."""

    rows: int
    seed: int
    mean: Interval
    """Over the kinds of noise."""
    noises: tuple[Flips, ...]
    templates_mean: Interval
    """Over the wrappers, which are no noise: people mean them."""
    templates: tuple[Flips, ...]


def robustness(
    classifier: Classifier, prompts: Sequence[Prompt], seen: Judged, rows: int = MOST_ROWS
) -> Robustness | None:
    """Flips over at most `rows` of `prompts`, whose verdicts are in `seen`; none without any."""
    if not prompts:
        return None
    draw = np.random.default_rng(SEED)
    chosen = np.sort(draw.permutation(len(prompts))[:rows])
    kept, said, alike = [prompts[at] for at in chosen], seen.said[chosen], seen.alike[chosen]

    def flips(change: Callable[[str], str]) -> tuple[float, NDArray[np.bool_]]:
        moved = [retold(prompt, change) for prompt in kept]
        changed = np.array([one != other for one, other in zip(moved, kept, strict=True)])
        labels = [verdict.label for verdict in classifier.assess_many(moved)]
        return float(changed.mean()), positions(labels) != said

    noises = {name: flips(partial(disturb, name, seed=SEED)) for name in NOISES}
    wrapped = {template: flips(partial(wrap, template)) for template in TEMPLATES}
    return Robustness(
        rows=len(kept),
        seed=SEED,
        mean=_mean(noises, alike),
        noises=_flips(noises, alike),
        templates_mean=_mean(wrapped, alike),
        templates=_flips(wrapped, alike),
    )


def retold(prompt: Prompt, change: Callable[[str], str]) -> Prompt:
    """`prompt` as it is scored when its last turn is changed; turns before it stay."""
    turns = [Turn(role="user", text=text) for text in (prompt.context, change(prompt.text)) if text]
    told = extract(turns)
    if told is None:
        return prompt
    # What the bound had left out of a long turn still counts.
    hidden = prompt.length - len(prompt.text)
    return msgspec.structs.replace(
        told, length=told.length + hidden, truncated=prompt.truncated or told.truncated
    )


def _mean(kinds: dict[str, tuple[float, NDArray[np.bool_]]], alike: NDArray[np.intp]) -> Interval:
    return mean(np.stack([flipped for _, flipped in kinds.values()]).mean(axis=0), alike)


def _flips(
    kinds: dict[str, tuple[float, NDArray[np.bool_]]], alike: NDArray[np.intp]
) -> tuple[Flips, ...]:
    return tuple(
        Flips(name=name, changed=changed, flipped=mean(flipped, alike))
        for name, (changed, flipped) in kinds.items()
    )
