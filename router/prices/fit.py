"""Fitting output lengths: slopes by least squares on logarithms, levels so that totals are right.

The slopes are those within models, so that what the router sends to whom is no part of them. A
level is then set so that a model's expected tokens sum up to what it wrote: the mean of a
log-normal is not the exponential of its mean logarithm, and money goes by the mean.

Answers of an hour are alike: people come with the same work, and yesterday's level is not today's.
Taken as independent, the standard error of a level would be several times too small. So it is
taken from the means of blocks of time, for blocks of several lengths, and the largest stands.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from router.prices.answers import UNTIMED, Answers
from router.prices.features import NAMES, Floats
from router.prices.fitted import Fit, Five, Level, Speed

LEAST_ROWS: Final = 50
"""Answers of a model below which its prior stands: their mean is uncertain by over a tenth."""
FEWEST_BLOCKS: Final = 8
"""Longest blocks: an eighth of the time. Fewer would say little of how much blocks differ."""
SLOPE_PRIOR: Final = 0.5
"""Standard deviation of a slope before it is fitted: a feature that never varies has slope 0, give
or take this. Where a few dozen rows vary it is not felt."""
_LEAST_BLOCK: Final = 8
_WIDE: Final = 29.0


def fit_lengths(answers: Answers, *, least_rows: int = LEAST_ROWS) -> Fit:
    """The lengths of every model that has `least_rows` answers or more."""
    counts = np.bincount(answers.model, minlength=len(answers.models))
    enough = counts >= least_rows
    kept = enough[answers.model] if answers.rows else np.zeros(0, dtype=np.bool_)
    slopes, covariance = _slopes(answers, kept)
    levels = {
        model: _level(answers, np.flatnonzero(answers.model == code), slopes)
        for code, model in enumerate(answers.models)
        if enough[code]
    }
    timed = answers.at_us[kept & (answers.at_us != UNTIMED)]
    return Fit(
        simulated=answers.simulated,
        since_us=int(timed.min(initial=2**62)) if len(timed) else 0,
        until_us=int(timed.max(initial=0)),
        slopes=_five(slopes),
        covariance=tuple(tuple(map(float, row)) for row in covariance),
        levels=levels,
        few={
            model: int(counts[code])
            for code, model in enumerate(answers.models)
            if not enough[code]
        },
    )


def drifting_error(residual: Floats, expected: Floats) -> float:
    """Standard error of a mean whose rows stand in the order of time, as a share of the mean.

    `residual` and `expected`, (n,), are what was written beyond expectation, and the expectation.
    Means of independent rows would give the same for blocks of any length; the largest is taken.
    """
    rows, total = len(residual), float(expected.sum())
    errors = [float(np.sqrt(np.square(residual).sum())) / total]
    blocks = FEWEST_BLOCKS
    while rows // blocks >= _LEAST_BLOCK:
        sums = np.array([block.sum() for block in np.array_split(residual, blocks)])
        errors.append(float(sums.std(ddof=1)) * blocks**0.5 / total)
        blocks *= 2
    return max(errors)


def fit_speed(output: Floats, duration_ms: Floats, *, least_rows: int = LEAST_ROWS) -> Speed | None:
    """First byte and pace of a model, by weighted least squares; none where few have timings.

    Neither is below 0. Long answers vary more, and weigh less.
    """
    known = ~np.isnan(duration_ms)
    rows = int(known.sum())
    if rows < least_rows:
        return None
    tokens, took = output[known], duration_ms[known]
    weight = 1.0 / np.square(tokens + tokens.mean())
    weight /= weight.sum()
    mean_tokens, mean_took = float(weight @ tokens), float(weight @ took)
    variance = float(weight @ np.square(tokens - mean_tokens))
    covariance = float(weight @ ((tokens - mean_tokens) * (took - mean_took)))
    pace = max(0.0, covariance / variance) if variance > 0 else 0.0
    first = mean_took - pace * mean_tokens
    if first < 0:
        first, pace = 0.0, float(weight @ (tokens * took)) / float(weight @ np.square(tokens))
    return Speed(first_ms=first, per_token_ms=pace, rows=rows)


def _slopes(answers: Answers, kept: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Common slopes (5,) and their covariance (5, 5), by least squares within models."""
    width = len(NAMES)
    vectors, logs = answers.vectors[kept].copy(), np.log(answers.output[kept])
    codes = answers.model[kept]
    for code in np.unique(codes):
        own = codes == code
        vectors[own] -= vectors[own].mean(axis=0)
        logs[own] -= logs[own].mean()
    square = vectors.T @ vectors
    freedom = max(1, len(logs) - width - len(np.unique(codes)))
    plain = np.linalg.lstsq(square, vectors.T @ logs, rcond=None)[0]
    variance = max(1e-9, float(np.square(logs - vectors @ plain).sum()) / freedom)
    bound = np.linalg.inv(square + np.eye(width) * variance / SLOPE_PRIOR**2)
    slopes = np.asarray(np.clip(bound @ (vectors.T @ logs), -_WIDE, _WIDE), dtype=np.float64)
    return slopes, np.asarray(variance * bound, dtype=np.float64)


def _level(answers: Answers, own: NDArray[np.int64], slopes: Floats) -> Level:
    """The level of one model, whose rows are `own`."""
    own = own[np.argsort(answers.at_us[own], kind="stable")]
    vectors, output = answers.vectors[own], answers.output[own]
    centre = vectors.mean(axis=0)
    shape = np.exp((vectors - centre) @ slopes)
    log_mean = float(np.log(output.sum() / shape.sum()))
    expected = shape * np.exp(log_mean)
    residual = output - expected
    spread = float(np.sqrt(np.square(residual / expected).mean()))
    return Level(
        rows=len(own),
        log_mean=log_mean,
        centre=_five(centre),
        shared=min(_WIDE, drifting_error(residual, expected)),
        own=min(_WIDE, spread),
        reasoning=float(answers.reasoning[own].sum() / output.sum()),
        speed=fit_speed(output, answers.duration_ms[own]),
    )


def _five(values: Floats) -> Five:
    a, b, c, d, e = (float(value) for value in values)
    return a, b, c, d, e
