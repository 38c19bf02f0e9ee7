"""How much a model writes: what a counterfactual multiplies prices by, and how unsure that is.

A length is log-linear: a level for each model over slopes that all models share. Levels come from
a fit (`gearshift costs fit`), else from the stated prior of the model's profile, `output_ratio`.
Both kinds meet in one unit: where a fitted model has a prior too, it says how many tokens the
reference model's one is. Doubts are of two kinds, see `router.domain.Doubt`.
"""

from collections.abc import Mapping, Sequence
from math import exp, log, sqrt
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np
from msgspec import Struct

from router.config.schema import Config
from router.domain import ModelId
from router.errors import ConfigError
from router.prices.features import Features, Floats, Vector, vector
from router.prices.fitted import Fit, Level, digest_of, read_fit

Source: TypeAlias = Literal["fit", "prior", "unknown"]

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
_STILL: Final[Vector] = (0.0, 0.0, 0.0, 0.0, 0.0)


class Length(Struct, frozen=True, kw_only=True):
    """Output tokens that are expected, and one standard deviation of either doubt."""

    mean: float
    shared_sd: float
    own_sd: float


class Ratio(Struct, frozen=True, kw_only=True):
    """Output of one model for a token of another's, and one standard deviation of either doubt."""

    value: float
    shared_sd: float
    own_sd: float


class Lengthwise(Struct, frozen=True, kw_only=True):
    """Lengths of n requests by m models, each (n, m); NaN where nobody knows."""

    mean: Floats
    shared_sd: Floats
    own_sd: Floats


class Prior(Struct, frozen=True, kw_only=True):
    """What is stated of a model before any fit."""

    ratio: float
    """Output for a token of the reference model."""
    shared: float
    """Standard deviation of the logarithm of `ratio`: its range is taken for a 95 % range."""


class _Line(Struct, frozen=True, kw_only=True):
    """One model's level, whatever it comes from."""

    base: Literal["fitted", "anchored", "reference"]
    """A level of its own; a prior in the fit's unit; a prior over the stated reference length."""
    log_mean: float
    centre: Vector = _STILL
    shared: float
    common: float
    """Doubt that it shares with all lines of its base, and that is no matter among them."""
    own: float


class Lengths:
    """The output lengths of the configured models."""

    def __init__(
        self,
        priors: Mapping[ModelId, Prior],
        limits: Mapping[ModelId, int],
        fit: Fit | None = None,
        *,
        trouble: str | None = None,
    ) -> None:
        self.stated = dict(priors)
        """The priors, whether a fit outranks them or not."""
        self.fit = fit
        """The fit in use; none before any."""
        self.trouble = trouble
        """Why a fit that is there is not used; none when all is well."""
        self._limits = dict(limits)
        self._slopes: Vector = _STILL if fit is None else fit.slopes
        self._covariance = np.zeros((5, 5)) if fit is None else np.array(fit.covariance)
        self._lines = _lines(priors, fit)
        self._ratios: dict[tuple[ModelId, ModelId], Ratio | None] = {}
        self.version = digest_of(self.stated, fit, REFERENCE_TOKENS, PRIOR_OWN, ALIKE)
        """Digest over everything that a length follows from, 16 hex digits."""

    @classmethod
    def priors(cls, config: Config) -> "Lengths":
        """What the profiles of `config` say, without any fit."""
        return cls(_priors(config), _limits(config))

    @classmethod
    def load(cls, path: Path, config: Config) -> "Lengths":
        """The fit at `path` over the priors of `config`; those alone where there is no file.

        A fit on simulated answers serves a sandbox alone, one on real answers never one. Raises
        ConfigError for a file that is no fit.
        """
        fit = read_fit(path)
        if fit is None or fit.simulated == config.simulated:
            return cls(_priors(config), _limits(config), fit)
        return cls.priors(config)

    @classmethod
    def load_or_priors(cls, path: Path, config: Config) -> "Lengths":
        """As `load`, but a broken file leaves the priors, and `trouble` says why."""
        try:
            return cls.load(path, config)
        except ConfigError as error:
            return cls(_priors(config), _limits(config), trouble=str(error))

    def limit(self, model: ModelId) -> int:
        """Cap on output that `model` is sent where the caller gives none, tokens; 0: none."""
        return self._limits.get(model, 0)

    def source(self, model: ModelId) -> Source:
        """What the lengths of `model` rest on."""
        line = self._lines.get(model)
        if line is None:
            return "unknown"
        return "fit" if line.base == "fitted" else "prior"

    def level(self, model: ModelId) -> Level | None:
        """What was fitted for `model`, reasoning share and speed included."""
        return None if self.fit is None else self.fit.levels.get(model)

    def expect(self, model: ModelId, features: Features) -> Length | None:
        """What `model` writes to a prompt whose answer nobody has seen; none where unknown.

        A level moves from one time to the next, so its doubt counts twice: then, and now.
        """
        line = self._lines.get(model)
        if line is None:
            return None
        away = _minus(vector(features), line.centre) if line.base != "reference" else _STILL
        mean = exp(line.log_mean + _dot(self._slopes, away))
        drift = line.shared**2 + line.common**2 + (line.base == "fitted") * line.shared**2
        shared = sqrt(drift + self._slope_variance(away))
        return Length(mean=mean, shared_sd=mean * shared, own_sd=mean * line.own)

    def ratio(
        self, answered_by: ModelId, model: ModelId, _features: Features | None = None
    ) -> Ratio | None:
        """What `model` would have written for each token that `answered_by` wrote; none: unknown.

        The slopes are common, so it is the same for all requests. What a question needs is in the
        answer that came.
        """
        key = (answered_by, model)
        if key not in self._ratios:
            self._ratios[key] = self._compare(answered_by, model)
        return self._ratios[key]

    def expect_many(self, models: Sequence[ModelId], vectors: Floats) -> Lengthwise:
        """`expect` of n requests, `vectors` (n, 5) from `features.matrix`, by m models."""
        shape = (len(vectors), len(models))
        mean, shared, own = (np.full(shape, np.nan) for _ in range(3))
        for at, model in enumerate(models):
            line = self._lines.get(model)
            if line is None:
                continue
            away = vectors - np.array(line.centre)
            if line.base == "reference":
                away = np.zeros_like(vectors)
            mean[:, at] = np.exp(line.log_mean + away @ np.array(self._slopes))
            drift = line.shared**2 + line.common**2 + (line.base == "fitted") * line.shared**2
            slope = np.einsum("ij,jk,ik->i", away, self._covariance, away)
            shared[:, at] = mean[:, at] * np.sqrt(drift + np.maximum(0.0, slope))
            own[:, at] = mean[:, at] * line.own
        return Lengthwise(mean=mean, shared_sd=shared, own_sd=own)

    def ratios(self, models: Sequence[ModelId]) -> Lengthwise:
        """`ratio` of every pair, each (m, m): row answered, column would have; NaN: unknown."""
        found = np.full((3, len(models), len(models)), np.nan)
        for row, answered_by in enumerate(models):
            for column, model in enumerate(models):
                if (ratio := self.ratio(answered_by, model)) is not None:
                    found[:, row, column] = (ratio.value, ratio.shared_sd, ratio.own_sd)
        return Lengthwise(mean=found[0], shared_sd=found[1], own_sd=found[2])

    def latency_ms(self, model: ModelId, output_tokens: float) -> float | None:
        """Expected time to the last byte of so long an answer; none where nothing was fitted."""
        level = self.level(model)
        if level is None or level.speed is None:
            return None
        return level.speed.first_ms + level.speed.per_token_ms * output_tokens

    def _compare(self, answered_by: ModelId, model: ModelId) -> Ratio | None:
        if answered_by == model:
            return Ratio(value=1.0, shared_sd=0.0, own_sd=0.0)
        here, there = self._lines.get(answered_by), self._lines.get(model)
        if here is None or there is None:
            return None
        if "reference" in {here.base, there.base} and here.base != there.base:
            return None  # nothing says how many tokens of the fit are one of the prior's
        away = _minus(here.centre, there.centre)
        value = exp(there.log_mean - here.log_mean + _dot(self._slopes, away))
        common = 0.0 if here.base == there.base else here.common**2 + there.common**2
        variance = here.shared**2 + there.shared**2 + common + self._slope_variance(away)
        own = here.own**2 + there.own**2 - 2 * ALIKE * here.own * there.own
        return Ratio(value=value, shared_sd=value * sqrt(variance), own_sd=value * sqrt(own))

    def _slope_variance(self, away: Vector) -> float:
        if away == _STILL:
            return 0.0
        far = np.array(away)
        return max(0.0, float(far @ self._covariance @ far))


def _lines(priors: Mapping[ModelId, Prior], fit: Fit | None) -> dict[ModelId, _Line]:
    """The line of every model that has a level or a prior."""
    lines: dict[ModelId, _Line] = {}
    anchor = None if fit is None else _anchor(priors, fit)
    for model, prior in priors.items():
        lines[model] = _reference_line(prior) if anchor is None else _anchored(prior, anchor)
    for model, level in ({} if fit is None else fit.levels).items():
        lines[model] = _Line(
            base="fitted",
            log_mean=level.log_mean,
            centre=level.centre,
            shared=level.shared,
            common=0.0,
            own=level.own,
        )
    return lines


def _reference_line(prior: Prior) -> _Line:
    low, high = REFERENCE_RANGE
    return _Line(
        base="reference",
        log_mean=log(REFERENCE_TOKENS * prior.ratio),
        shared=prior.shared,
        common=log(high / low) / WIDTH,
        own=PRIOR_OWN,
    )


def _anchored(prior: Prior, anchor: _Line) -> _Line:
    return _Line(
        base="anchored",
        log_mean=anchor.log_mean + log(prior.ratio),
        centre=anchor.centre,
        shared=prior.shared,
        common=anchor.common,
        own=anchor.own,
    )


def _anchor(priors: Mapping[ModelId, Prior], fit: Fit) -> _Line | None:
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
    return _Line(
        base="anchored",
        log_mean=float(weights @ there),
        centre=_five(centre),
        shared=0.0,
        common=sqrt(float(weights**2 @ variances)),
        own=max(level.own for level, _ in both),
    )


def _priors(config: Config) -> dict[ModelId, Prior]:
    return {
        model: Prior(ratio=said.value, shared=log(said.high / said.low) / WIDTH)
        for model, settings in config.model.items()
        if (said := settings.output_ratio) is not None
    }


def _limits(config: Config) -> dict[ModelId, int]:
    return {model: settings.max_tokens for model, settings in config.model.items()}


def _five(values: Floats) -> Vector:
    a, b, c, d, e = (float(value) for value in values)
    return a, b, c, d, e


def _minus(left: Vector, right: Vector) -> Vector:
    a, b, c, d, e = (one - other for one, other in zip(left, right, strict=True))
    return a, b, c, d, e


def _dot(left: Vector, right: Vector) -> float:
    return sum(one * other for one, other in zip(left, right, strict=True))
