"""State → Simulation: what the log would have cost, with intervals."""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TypeVar

from classifier.types import TIERS
from router.domain import REASONS
from router.report.simulation.answer import Comparison, Figure, Outcome, Part, Simulation, Totals
from router.report.simulation.arrays import Floats, total
from router.report.simulation.controls import controls, versus
from router.report.simulation.draws import Draws, draw, noise, part, shared
from router.report.simulation.fold import State, conversations
from router.report.simulation.frontier import frontier
from router.report.simulation.grouped import grouped
from router.report.simulation.groups import Table
from router.report.simulation.question import Option, Question
from router.report.simulation.scenario import (
    beside,
    mean_ms,
    money,
    saving_doubt,
    scaled,
    share,
    sides,
    spent,
)
from router.report.simulation.sensitivity import sensitivity
from router.report.simulation.sums import WHY_NOT, Sums

Name = TypeVar("Name", bound=str)


def conclude(state: State) -> Simulation:
    """The answer. A tenth of a second or two for each policy, however long the log is."""
    question = state.question
    first = state.sums[0]
    drawn = draw(question, conversations(state), first.priced, first.cost)
    return Simulation(
        question=question,
        requests=state.requests,
        conversations=conversations(state),
        first_us=state.first_us if state.last_us >= 0 else None,
        last_us=state.last_us if state.last_us >= 0 else None,
        policies=tuple(
            _outcome(drawn, question, option, sums, tables)
            for option, sums, tables in zip(question.options, state.sums, state.groups, strict=True)
        ),
        comparisons=tuple(_comparisons(drawn, state)),
    )


def _outcome(
    draws: Draws, question: Question, option: Option, sums: Sums, tables: tuple[Table, ...]
) -> Outcome:
    reasons, why_not = sums.notes
    return Outcome(
        name=option.name,
        totals=_totals(draws, question, option, sums),
        unpriced=_counted(WHY_NOT, why_not.tolist()),
        mix=_counted(TIERS, sums.mix[: len(TIERS)].tolist()),
        reasons=_counted(REASONS, reasons.tolist()),
        cost_doubt=_cost_doubt(draws, option, sums),
        saving_doubt=_saving_doubt(draws, question, option, sums),
        controls=controls(draws, sums, option),
        logged=versus(draws, sums.logged, option, "logged"),
        frontier_requests=total(sums.whole.requests),
        frontier=frontier(draws, sums, option, question.baseline),
        sensitivity=sensitivity(sums.parts, option, question.baseline),
        groups=grouped(tables, question.baseline),
    )


def _totals(draws: Draws, question: Question, option: Option, sums: Sums) -> Totals:
    alone = sums.tiers[TIERS.index(question.baseline)]
    against = versus(draws, alone, option, f"always {question.baseline}")
    requests, priced, scored = (total(one) for one in (sums.requests, sums.priced, sums.scored))
    return Totals(
        requests=requests,
        unpriced_requests=requests - priced,
        compared_requests=against.compared_requests,
        cost_usd=_cost(draws, option, sums) if priced else None,
        baseline_cost_usd=against.cost_usd,
        saving_usd=against.saving_usd,
        saving_pct=against.saving_pct,
        scored_requests=scored,
        quality=share(draws, draws.of(sums.quality), draws.of(sums.scored)),
        latency_ms=mean_ms(draws, draws.of(alone.routed_time), draws.of(alone.timed)),
    )


def _cost(draws: Draws, option: Option, sums: Sums) -> Figure:
    drawn = scaled(draws, draws.of(sums.cost), draws.of(sums.priced))
    return money(draws, sums.cost, spent(drawn + sum(_cost_noise(draws, option, sums))))


def _cost_noise(draws: Draws, option: Option, sums: Sums) -> tuple[Floats, Floats]:
    own = math.sqrt(float(sums.cost_own.sum())) * draws.normal("cost own")
    return shared(draws, sums.cost_shared, option), own


def _cost_doubt(draws: Draws, option: Option, sums: Sums) -> Part | None:
    if not sums.priced.any():
        return None
    drawn = scaled(draws, draws.of(sums.cost), draws.of(sums.priced))
    return part(draws, drawn, _cost_noise(draws, option, sums))


def _saving_doubt(draws: Draws, question: Question, option: Option, sums: Sums) -> Part | None:
    against = sums.tiers[TIERS.index(question.baseline)]
    if not against.requests.any():
        return None
    doubt = noise(draws, against.doubts, option, option, f"always {question.baseline}")
    return saving_doubt(draws, sides(draws, against), doubt)


def _comparisons(draws: Draws, state: State) -> Iterator[Comparison]:
    """Each policy with each that comes after it."""
    each = combinations(state.question.options, 2)
    for (one, other), pair in zip(each, state.pairs, strict=True):
        doubt = noise(draws, pair.doubts, one, other, f"{one.name} and {other.name}")
        found = beside(draws, sides(draws, pair), doubt, pair)
        yield Comparison(policy=one.name, other=other.name, beside=found)


def _counted(names: Sequence[Name], counts: Sequence[int]) -> dict[Name, int]:
    return {name: count for name, count in zip(names, counts, strict=True) if count}
