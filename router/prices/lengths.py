"""How much a model writes: what a counterfactual multiplies prices by, and how unsure that is.

A length is log-linear: a level for each model over slopes that all models share. Levels come from
a fit (`gearshift costs fit`), else from the stated prior of the model's profile, `output_ratio`.
Both kinds meet in one unit: where a fitted model has a prior too, it says how many tokens the
reference model's one is. Doubts are of two kinds, see `router.domain.Doubt`.
"""

from collections.abc import Mapping, Sequence
from math import exp, sqrt
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from msgspec import Struct

from router.config.schema import Config
from router.domain import ModelId
from router.errors import ConfigError
from router.prices.features import Features, Floats, Vector, vector
from router.prices.fitted import Fit, Level, digest_of, read_fit
from router.prices.lines import (
    ALIKE,
    PRIOR_OWN,
    REFERENCE_TOKENS,
    STILL,
    Prior,
    five,
    lines_of,
    priors_of,
)

Source: TypeAlias = Literal["fit", "prior", "unknown"]


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
        self._slopes: Vector = STILL if fit is None else fit.slopes
        self._covariance = np.zeros((5, 5)) if fit is None else np.array(fit.covariance)
        self._lines = lines_of(priors, fit)
        self._ratios: dict[tuple[ModelId, ModelId], Ratio | None] = {}
        self.version = digest_of(self.stated, fit, REFERENCE_TOKENS, PRIOR_OWN, ALIKE)
        """Digest over everything that a length follows from, 16 hex digits."""

    @classmethod
    def priors(cls, config: Config) -> "Lengths":
        """What the profiles of `config` say, without any fit."""
        return cls(priors_of(config), _limits(config))

    @classmethod
    def load(cls, path: Path, config: Config) -> "Lengths":
        """The fit at `path` over the priors of `config`; those alone where there is no file.

        A fit on simulated answers serves a sandbox alone, one on real answers never one. Raises
        ConfigError for a file that is no fit.
        """
        fit = read_fit(path)
        if fit is None or fit.simulated == config.simulated:
            return cls(priors_of(config), _limits(config), fit)
        return cls.priors(config)

    @classmethod
    def load_or_priors(cls, path: Path, config: Config) -> "Lengths":
        """As `load`, but a broken file leaves the priors, and `trouble` says why."""
        try:
            return cls.load(path, config)
        except ConfigError as error:
            return cls(priors_of(config), _limits(config), trouble=str(error))

    def limit(self, model: ModelId) -> int:
        """Cap on output that `model` is sent where the caller gives none, tokens; 0: none."""
        return self._limits.get(model, 0)

    def source(self, model: ModelId) -> Source:
        """What the lengths of `model` rest on."""
        line = self._lines.get(model)
        if line is None:
            return "unknown"
        return "fit" if line.base == "fitted" else "prior"

    @property
    def middle(self) -> Vector:
        """The mean request of the log that was fitted; a typical one before any fit."""
        levels = () if self.fit is None else tuple(self.fit.levels.values())
        if not levels:
            return STILL
        weights = np.array([level.rows for level in levels], dtype=np.float64)
        return five(weights / weights.sum() @ np.array([level.centre for level in levels]))

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
        away = _minus(vector(features), line.centre) if line.base != "reference" else STILL
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

    def forecast(self, model: ModelId, vectors: Floats) -> Length | None:
        """Total output tokens of n other requests at another time; none where nothing was fitted.

        `vectors` is (n, 5). The level was wrong when it was fitted and will move again: blocks of
        time say by how much, in proportion to how long both are, in rows. That holds the spread of
        single answers too, so nothing is left for `own_sd`.
        """
        level = self.level(model)
        if level is None or not len(vectors):
            return None
        away = vectors - np.array(level.centre)
        each = np.exp(level.log_mean + away @ np.array(self._slopes))
        mean = float(each.sum())
        far = each @ away / mean
        variance = level.shared**2 * (1 + level.rows / len(vectors))
        slope = max(0.0, float(far @ self._covariance @ far))
        return Length(mean=mean, shared_sd=mean * sqrt(variance + slope), own_sd=0.0)

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
        if away == STILL:
            return 0.0
        far = np.array(away)
        return max(0.0, float(far @ self._covariance @ far))


def _limits(config: Config) -> dict[ModelId, int]:
    return {model: settings.max_tokens for model, settings in config.model.items()}


def _minus(left: Vector, right: Vector) -> Vector:
    a, b, c, d, e = (one - other for one, other in zip(left, right, strict=True))
    return a, b, c, d, e


def _dot(left: Vector, right: Vector) -> float:
    return sum(one * other for one, other in zip(left, right, strict=True))
