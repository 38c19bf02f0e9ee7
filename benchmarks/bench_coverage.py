"""Share of generated worlds whose truth lies inside the simulation's 95 % interval.

    python -m benchmarks.bench_coverage [--worlds 1000] [--requests 500]

A world draws conversations by a law, how much each model writes beside the log's (for all requests
alike), and how far each answer is from that. The simulation sees the log and the stated doubts.
Truth "similar traffic" is what as many requests of the same law cost on average; truth "same
requests" is what these very requests cost when they are run. To show that the check can fail, the
law of lengths is shifted by half: then the intervals must miss.
"""

import argparse
from collections.abc import Iterator
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from router.columns import Columns, Floats, Routed
from router.domain import PICO, REASONS, ModelId
from router.report.simulation.answer import Figure, Outcome, Part
from router.report.simulation.conclude import conclude
from router.report.simulation.fold import add, begin
from router.report.simulation.question import Option, Question

Truth: TypeAlias = Literal["similar traffic", "same requests"]
Costs: TypeAlias = tuple[float, float]
"""By the policy and on the hard tier, pico-USD."""
Named: TypeAlias = Literal["cost_usd", "saving_usd", "saving_pct"]

PRICES: Final = np.array([[0.3, 1.2], [0.6, 2.5], [1.0, 12.0]])
"""Millionths of a USD per token, by tier: input, output."""
SHARED: Final = 0.15
"""Of what a model's answers cost: one standard deviation of what is common to all of them."""
OWN: Final = 0.6
"""Of what one answer costs."""
POPULATION: Final = 400_000
TRUTHS: Final[tuple[Truth, ...]] = get_args(Truth)
MODELS: Final = (ModelId("small"), ModelId("middle"), ModelId("large"))


class Drawn(Struct, frozen=True, kw_only=True):
    """Requests of the law."""

    conversation: NDArray[np.uint64]
    tier: NDArray[np.intp]
    costs: Floats
    """(n, 3, 2) By tier: input and expected output, pico-USD."""


class Hits(Struct, frozen=True, kw_only=True):
    """Worlds whose truth was inside, by figure."""

    truth: Truth
    worlds: int
    inside: dict[Named, int]


def law(requests: int, chance: np.random.Generator) -> Drawn:
    """Conversations of three turns on average: sizes with a long tail, turns that are alike."""
    turns = chance.geometric(1 / 3, requests)
    where = np.repeat(np.arange(requests), turns)[:requests]
    hardness = chance.uniform(0, 1, requests)[where]
    size = np.exp(chance.normal(6, 1, requests)[where] + chance.normal(0, 0.3, requests))
    output = np.exp(4.5 + 1.5 * hardness + chance.normal(0, 0.7, requests))
    tokens = np.stack([size, output], axis=1)
    return Drawn(
        conversation=where.astype(np.uint64),
        tier=np.digitize(hardness, [0.45, 0.8]),
        costs=tokens[:, None, :] * PRICES * PICO / 1e6,
    )


def simulate(drawn: Drawn, question: Question) -> Outcome:
    """What the simulation says of a log that the hard tier answered: that tier's cost is known."""
    requests, every = len(drawn.tier), np.arange(len(drawn.tier))
    parts = np.zeros((requests, 3, 3), np.int64)
    parts[:, :, [0, 2]] = np.rint(drawn.costs)
    output = drawn.costs[:, :, 1].copy()
    output[:, 2] = 0.0
    routed = Routed(
        tier=drawn.tier.astype(np.uint8),
        model=drawn.tier.astype(np.int32),
        models=MODELS,
        reason=np.full(requests, REASONS.index("success"), np.uint8),
        cost=parts[every, drawn.tier],
        cost_shared=SHARED * output[every, drawn.tier],
        cost_own=OWN * output[every, drawn.tier],
        tiers=parts,
        tiers_shared=SHARED * output,
        tiers_own=OWN * output,
        latency_ms=np.full((requests, 3), np.nan),
    )
    columns = Columns(
        conversation=drawn.conversation,
        at_us=np.full(requests, -1),
        label=np.zeros(requests, np.uint8),
        characters=np.zeros(requests, np.int64),
        success=np.full((requests, 3), np.nan),
        user=("",) * requests,
        key=("",) * requests,
        logged=np.full(requests, -1),
        logged_model=("",) * requests,
        tokens=np.full((requests, 3), -1),
        policies=(routed,),
    )
    return conclude(add(begin(question), columns)).policies[0]


def coverage(
    worlds: int, requests: int, *, shift: float = 1.0, rounds: int = 200
) -> tuple[Hits, ...]:
    """How often each truth is inside. With `shift`, cheaper models write so many times more."""
    question = Question(options=(Option(name="policy"),), rounds=rounds)
    population = law(POPULATION, np.random.default_rng(1))
    inside: dict[Truth, dict[Named, int]] = {truth: {} for truth in TRUTHS}
    for world in range(worlds):
        chance = np.random.default_rng([2, world])
        drawn = law(requests, chance)
        said = simulate(drawn, question)
        factor = shift * (1 + SHARED * chance.standard_normal(3))
        factor[2] = 1.0
        routed, alone = _means(population, factor)
        truths: dict[Truth, Costs] = {
            "similar traffic": (requests * routed, requests * alone),
            "same requests": _run(drawn, factor, chance),
        }
        for truth, costs in truths.items():
            for name, low, high in _intervals(said, truth):
                hit = low <= _value(name, *costs) <= high
                inside[truth][name] = inside[truth].get(name, 0) + hit
    return tuple(Hits(truth=truth, worlds=worlds, inside=inside[truth]) for truth in TRUTHS)


def _means(drawn: Drawn, factor: Floats) -> Costs:
    """Mean cost of a request by the policy and on the hard tier, pico-USD."""
    every = np.arange(len(drawn.tier))
    costs = drawn.costs[:, :, 0] + drawn.costs[:, :, 1] * factor
    return float(costs[every, drawn.tier].mean()), float(costs[:, 2].mean())


def _run(drawn: Drawn, factor: Floats, chance: np.random.Generator) -> Costs:
    """What these requests cost when they are run."""
    every = np.arange(len(drawn.tier))
    output = drawn.costs[every, drawn.tier, 1] * factor[drawn.tier]
    spread = np.where(drawn.tier == 2, 0.0, OWN)
    output = output * (1 + spread * chance.standard_normal(len(every)))
    routed = float((drawn.costs[every, drawn.tier, 0] + output).sum())
    return routed, float(drawn.costs[:, 2].sum())


def _value(name: Named, routed: float, alone: float) -> float:
    values: dict[Named, float] = {
        "cost_usd": routed / PICO,
        "saving_usd": (alone - routed) / PICO,
        "saving_pct": 100 * (1 - routed / alone),
    }
    return values[name]


def _intervals(said: Outcome, truth: Truth) -> Iterator[tuple[Named, float, float]]:
    """What the simulation says of the truth that is asked for."""
    totals = said.totals
    if truth == "similar traffic":
        yield ("cost_usd", *_ends(totals.cost_usd))
        yield ("saving_usd", *_ends(totals.saving_usd))
        yield ("saving_pct", *_ends(totals.saving_pct))
    else:
        yield ("cost_usd", *_around(totals.cost_usd, said.cost_doubt))
        yield ("saving_usd", *_around(totals.saving_usd, said.saving_doubt))


def _ends(figure: Figure | None) -> tuple[float, float]:
    assert figure is not None
    assert figure.low is not None
    assert figure.high is not None
    return float(figure.low), float(figure.high)


def _around(figure: Figure | None, doubt: Part | None) -> tuple[float, float]:
    assert figure is not None
    assert doubt is not None
    half = float(doubt.these_requests_usd)
    return float(figure.value) - half, float(figure.value) + half


def main() -> None:
    """Print the shares."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--worlds", type=int, default=1_000)
    reader.add_argument("--requests", type=int, default=500)
    said = reader.parse_args()
    print(f"{said.worlds:,} worlds of {said.requests:,} requests; 95 % are to be inside")
    for shift in (1.0, 1.5, 3.0):
        for hits in coverage(said.worlds, said.requests, shift=shift):
            shares = ", ".join(f"{name} {n / hits.worlds:.1%}" for name, n in hits.inside.items())
            print(f"{hits.truth}, lengths × {shift:g}: {shares}")  # noqa: RUF001 (times)


if __name__ == "__main__":
    main()
