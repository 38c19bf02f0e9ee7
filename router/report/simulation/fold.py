"""The fold over a log: begin, add batch by batch in any order, join the states of partitions.

A state is a value of arrays, some ten megabytes a policy however long the log is.
"""

import math
from itertools import combinations
from typing import Final

import numpy as np
from msgspec import Struct

from classifier.types import TIERS
from router.columns import Columns, Routed
from router.report.simulation.arrays import Mask, combine
from router.report.simulation.groups import AXES, Table, join_tables, measure_groups, no_table
from router.report.simulation.measure import measure
from router.report.simulation.question import Question
from router.report.simulation.rows import digests, read_rows
from router.report.simulation.sums import Sums, Versus, no_sums, no_versus
from router.report.simulation.versus import measure_pair

_SEEN: Final = 2**20
"""Flags by which conversations are counted: to half a per cent up to five million of them."""
_NEVER: Final = np.iinfo(np.int64).max


class State(Struct, frozen=True, kw_only=True):
    """What is known after some batches."""

    question: Question
    requests: int
    first_us: int
    """Microseconds since the epoch of the earliest request that says when; or a far future."""
    last_us: int
    """Of the latest; -1 where none says."""
    seen: Mask
    """Digests of conversations that came by, roughly."""
    sums: tuple[Sums, ...]
    pairs: tuple[Versus, ...]
    """The policies beside one another: first with second, first with third, … second with third."""
    groups: tuple[tuple[Table, ...], ...]
    """By policy, by AXES."""


def begin(question: Question) -> State:
    """Before the first batch."""
    options = question.options
    return State(
        question=question,
        requests=0,
        first_us=_NEVER,
        last_us=-1,
        seen=np.zeros(_SEEN, np.bool_),
        sums=tuple(no_sums() for _ in options),
        pairs=tuple(no_versus() for _ in combinations(options, 2)),
        groups=tuple(tuple(no_table() for _ in AXES) for _ in options),
    )


def add(state: State, columns: Columns) -> State:
    """With one batch more. Raises ValueError where it has other policies than were asked for."""
    if len(columns.policies) != len(state.question.options):
        asked = len(state.question.options)
        message = f"{len(columns.policies)} policies in a batch, but {asked} were asked for"
        raise ValueError(message)
    return join(state, _measure(state.question, columns)) if columns.rows else state


def join(one: State, other: State) -> State:
    """Both together: states of two parts of a log."""
    return State(
        question=one.question,
        requests=one.requests + other.requests,
        first_us=min(one.first_us, other.first_us),
        last_us=max(one.last_us, other.last_us),
        seen=one.seen | other.seen,
        sums=combine(np.add, one.sums, other.sums),
        pairs=combine(np.add, one.pairs, other.pairs),
        groups=tuple(
            tuple(join_tables(*tables) for tables in zip(*axes, strict=True))
            for axes in zip(one.groups, other.groups, strict=True)
        ),
    )


def conversations(state: State) -> int:
    """How many there were, by the share of flags that are up (linear counting, Whang 1990)."""
    down = max(1, int((~state.seen).sum()))
    return min(state.requests, round(-_SEEN * math.log(down / _SEEN)))


def _measure(question: Question, columns: Columns) -> State:
    baseline = TIERS.index(question.baseline)
    digest = digests(columns.conversation, question.seed)
    rows = [read_rows(columns, routed, digest) for routed in columns.policies]
    timed = columns.at_us[columns.timed]
    seen = np.zeros(_SEEN, np.bool_)
    seen[(digest >> 32) % _SEEN] = True
    each = list(zip(columns.policies, rows, strict=True))
    return State(
        question=question,
        requests=columns.rows,
        first_us=int(timed.min(initial=_NEVER)),
        last_us=int(timed.max(initial=-1)),
        seen=seen,
        sums=tuple(measure(columns, routed, mine, baseline) for routed, mine in each),
        pairs=tuple(
            measure_pair(one, other, _same_model(routed, beside) & (one.tier == other.tier))
            for (routed, one), (beside, other) in combinations(each, 2)
        ),
        groups=tuple(
            measure_groups(columns, routed, mine, baseline, digest) for routed, mine in each
        ),
    )


def _same_model(one: Routed, other: Routed) -> Mask:
    """Where the same model serves under both policies."""
    known = {name: at for at, name in enumerate(one.models)}
    there = np.array([*(known.get(name, -2) for name in other.models), -3])
    same: Mask = one.model == there[other.model]
    return same
