"""What is known of each model's lengths before anyone asks: a line, fitted or stated."""

from collections.abc import Mapping
from math import log, sqrt
from typing import Final, Literal

import numpy as np
from msgspec import Struct

from router.config.schema import Config
from router.domain import ModelId
from router.prices.features import Floats, Vector
from router.prices.fitted import Fit

WIDTH: Final = 2 * 1.96
"""A 95 % range is so many standard deviations wide."""
REFERENCE_TOKENS: Final = 210
"""What the reference model writes to a prompt whose answer nobody has seen, before any fit: the
mean of the chats in Azure's LLM inference trace of 2023 (Splitwise, arXiv 2311.18677)."""
REFERENCE_RANGE: Final = (28, 350)
"""Its range: means of the code completions of that trace, 28, and of Mooncake's chats, 343."""
PRIOR_OWN: Final = 1.0
"""Standard deviation of one answer's length, as a share of the mean, before any fit. In the chats
of those traces it is 0.77 and 0.73, in the code completions 2.1."""
ALIKE: Final = 0.5
"""Correlation of the lengths that two models write to one prompt. A prior of this project: a log
has one answer to a prompt, so no fit can tell. The sandbox's own is 0.64."""
STILL: Final[Vector] = (0.0, 0.0, 0.0, 0.0, 0.0)


class Prior(Struct, frozen=True, kw_only=True):
    """What is stated of a model before any fit."""

    ratio: float
    """Output for a token of the reference model."""
    shared: float
    """Standard deviation of the logarithm of `ratio`: its range is taken for a 95 % range."""


class Line(Struct, frozen=True, kw_only=True):
    """One model's level, whatever it comes from."""

    base: Literal["fitted", "anchored", "reference"]
    """A level of its own; a prior in the fit's unit; a prior over the stated reference length."""
    log_mean: float
    centre: Vector = STILL
    shared: float
    common: float
    """Doubt that it shares with all lines of its base, and that is no matter among them."""
    own: float


def lines_of(priors: Mapping[ModelId, Prior], fit: Fit | None) -> dict[ModelId, Line]:
    """The line of every model that has a level or a prior."""
    lines: dict[ModelId, Line] = {}
    anchor = None if fit is None else _anchor(priors, fit)
    for model, prior in priors.items():
        lines[model] = _reference_line(prior) if anchor is None else _anchored(prior, anchor)
    for model, level in ({} if fit is None else fit.levels).items():
        lines[model] = Line(
            base="fitted",
            log_mean=level.log_mean,
            centre=level.centre,
            shared=level.shared,
            common=0.0,
            own=level.own,
        )
    return lines


def _reference_line(prior: Prior) -> Line:
    low, high = REFERENCE_RANGE
    return Line(
        base="reference",
        log_mean=log(REFERENCE_TOKENS * prior.ratio),
        shared=prior.shared,
        common=log(high / low) / WIDTH,
        own=PRIOR_OWN,
    )


def _anchored(prior: Prior, anchor: Line) -> Line:
    return Line(
        base="anchored",
        log_mean=anchor.log_mean + log(prior.ratio),
        centre=anchor.centre,
        shared=prior.shared,
        common=anchor.common,
        own=anchor.own,
    )


def _anchor(priors: Mapping[ModelId, Prior], fit: Fit) -> Line | None:
    """What the reference model writes by the fit: each fitted model that has a prior says it.

    The better known weigh more. None where no fitted model has a prior.
    """
    both = [(level, priors[model]) for model, level in fit.levels.items() if model in priors]
    if not both:
        return None
    weights = np.array([1 / (level.shared**2 + prior.shared**2 + 1e-6) for level, prior in both])
    weights /= weights.sum()
    centres = np.array([level.centre for level, _ in both])
    centre = weights @ centres
    slopes = np.array(fit.slopes)
    units = [level.log_mean - log(prior.ratio) for level, prior in both]
    there = np.array(units) + (centre - centres) @ slopes
    variances = np.array([level.shared**2 + prior.shared**2 for level, prior in both])
    return Line(
        base="anchored",
        log_mean=float(weights @ there),
        centre=five(centre),
        shared=0.0,
        common=sqrt(float(weights**2 @ variances)),
        own=max(level.own for level, _ in both),
    )


def priors_of(config: Config) -> dict[ModelId, Prior]:
    """What the profiles of `config` state."""
    return {
        model: Prior(ratio=said.value, shared=log(said.high / said.low) / WIDTH)
        for model, settings in config.model.items()
        if (said := settings.output_ratio) is not None
    }


def five(values: Floats) -> Vector:
    """A vector of an array of five."""
    a, b, c, d, e = (float(value) for value in values)
    return a, b, c, d, e
