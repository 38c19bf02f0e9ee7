"""A world with a known law of lengths, to see whether a fit finds it."""

import numpy as np

from router.domain import ModelId
from router.prices.answers import UNTIMED, Answers
from router.prices.features import Floats, matrix

SMALL, LARGE, OTHER = ModelId("small"), ModelId("large"), ModelId("other")
TRUE_SLOPES = (0.3, 1.2, -0.5, 0.2, 0.0)
TRUE_MEANS = {SMALL: 180.0, LARGE: 900.0}
"""Expected tokens of a request at the middle of all features."""


def requests(rng: np.random.Generator, rows: int, *, low: float = 0.0, high: float = 1.0) -> Floats:
    """Vectors of `rows` scored requests, difficulties between `low` and `high`."""
    return matrix(
        rng.integers(20, 20_000, rows),
        rng.uniform(low, high, rows),
        rng.uniform(0.0, 0.4, rows),
        rng.random(rows) < 0.3,
    )


def written(
    rng: np.random.Generator, mean: float, vectors: Floats, *, spread: float = 0.7
) -> Floats:
    """What a model of that mean writes to `vectors`: log-normal about its expectation."""
    noise = np.exp(spread * rng.standard_normal(len(vectors)) - spread**2 / 2)
    output = np.rint(mean * np.exp(vectors @ np.array(TRUE_SLOPES)) * noise)
    return np.asarray(np.maximum(1.0, output), dtype=np.float64)


def answers(
    rng: np.random.Generator,
    rows: dict[ModelId, int],
    *,
    apart: bool = False,
    simulated: bool = False,
) -> Answers:
    """Answers of the true law; `apart`: the small model gets the easier half, as routing does."""
    models = tuple(rows)
    halves = {SMALL: (0.0, 0.55), LARGE: (0.45, 1.0)}
    parts = [
        requests(rng, count, low=low, high=high)
        for model, count in rows.items()
        for low, high in [halves.get(model, (0.0, 1.0)) if apart else (0.0, 1.0)]
    ]
    output = np.concatenate(
        [
            written(rng, TRUE_MEANS.get(model, 300.0), part)
            for model, part in zip(models, parts, strict=True)
        ]
    )
    total = len(output)
    return Answers(
        simulated=simulated,
        models=models,
        model=np.repeat(np.arange(len(models)), list(rows.values())),
        vectors=np.concatenate(parts),
        output=output,
        reasoning=np.floor(output * 0.6),
        at_us=np.full(total, UNTIMED),
        duration_ms=300.0 + 12.0 * output,
    )
