"""Entries, ledgers and databases to test with."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import get_args

import psycopg
import pytest
from hypothesis import strategies as st
from msgspec.structs import replace

from classifier.types import TIERS, Tier
from router.domain import (
    Attempt,
    CacheState,
    Caller,
    Candidate,
    Cost,
    Decision,
    DecisionId,
    Doubt,
    Entry,
    Facts,
    Fault,
    Feedback,
    Kept,
    ModelId,
    Outcome,
    PicoUsd,
    Reason,
    Timings,
    Usage,
    UsageSource,
)
from router.ledger.drain import Drain
from router.ledger.place import Place
from router.ledger.spool import Spool
from router.ledger.store import Store
from router.ledger.tally import Group, Tallied, Tally
from tests.house.tree import ROOT
from tests.verdicts import verdict, verdicts

_PAIRS = ("easy", "medium", "hard", "routed")
POSTGRES = "GEARSHIFT_TEST_POSTGRES_URL"
NOON_US = 1_795_435_200_000_000
"""2026-11-23T12:00:00Z."""
DAY_US = 86_400_000_000


def entry(number: int = 0, *, at_us: int | None = None, **more: object) -> Entry:
    """Entry `number`: a priced easy request, or whatever `more` makes of it."""
    usage = Usage(input=100, cached=40, output=50, source="billed")
    model = ModelId("small")
    fields: dict[str, object] = {
        "id": DecisionId(f"{number:032x}"),
        "at_us": NOON_US + number if at_us is None else at_us,
        "decision": Decision(tier="easy", model=model, reason="label", verdict=verdict()),
        "facts": Facts(input_tokens=100),
        "outcome": Outcome(
            status=200, attempts=(Attempt(model=model, tier="easy", status=200, usage=usage),)
        ),
        "usage": usage,
        "cost": cost(1, easy=1, medium=2, hard=4),
        "caller": Caller(key="team", user="ada"),
    }
    return Entry(**{**fields, **more})  # type: ignore[arg-type]  # tests name the fields they mean


def cost(actual: int | None, **tiers: int | None) -> Cost:
    """A cost in whole micro-USD."""
    known = {tier: _micro(amount) for tier, amount in tiers.items()}
    return Cost(
        actual=_micro(actual),
        easy=known.get("easy"),
        medium=known.get("medium"),
        hard=known.get("hard"),
    )


def _micro(amount: int | None) -> PicoUsd | None:
    return None if amount is None else PicoUsd(amount * 10**6)


def chosen(tier: Tier, model: str, reason: Reason = "label") -> Decision:
    return Decision(tier=tier, model=ModelId(model), reason=reason)


_names = st.text(max_size=12) | st.sampled_from(["", "ada", "=1+1", "nul\0", "x" * 300, "\ud7ff🧭"])
_models = _names.filter(bool).map(ModelId)
_tiers = st.sampled_from(TIERS)
_tokens = st.integers(0, 10**7)
_money = st.none() | st.integers(0, 2**62).map(PicoUsd)
_big = st.integers(0, 2**62)
_ms = st.floats(0, 10**7)
_usage = st.builds(
    Usage,
    input=_tokens,
    cached=_tokens,
    output=_tokens,
    reasoning=_tokens,
    source=st.sampled_from(get_args(UsageSource)),
)
_costs = st.builds(
    Cost,
    actual=_money,
    easy=_money,
    medium=_money,
    hard=_money,
    routed=_money,
    doubts=st.dictionaries(_tiers, st.builds(Doubt, shared=_big, own=_big)),
    prices=_names,
)
_attempts = st.builds(
    Attempt,
    model=_models,
    tier=_tiers,
    status=st.integers(0, 599),
    fault=st.none() | st.sampled_from(get_args(Fault)),
    duration_ms=_ms,
    usage=_usage,
    cost=_money,
)


def entries() -> st.SearchStrategy[Entry]:
    """Any entry."""
    return st.builds(
        Entry,
        id=st.uuids().map(lambda value: DecisionId(value.hex)),
        at_us=st.integers(NOON_US - 3 * DAY_US, NOON_US + 3 * DAY_US),
        decision=st.builds(
            Decision,
            tier=_tiers,
            model=_models,
            reason=st.sampled_from(get_args(Reason)),
            candidates=st.lists(st.builds(Candidate, tier=_tiers, model=_models), max_size=3).map(
                tuple
            ),
            verdict=st.none() | verdicts(),
        ),
        facts=st.builds(Facts, input_tokens=_tokens, rules=st.tuples(st.integers(0, 9))),
        outcome=st.builds(
            Outcome,
            status=st.integers(200, 599),
            streamed=st.booleans(),
            finish=st.none() | _names,
            attempts=st.lists(_attempts, max_size=2).map(tuple),
        ),
        usage=_usage,
        cost=_costs,
        timings=st.builds(Timings, parse_ms=_ms, total_ms=_ms),
        caller=st.builds(
            Caller,
            key=_names,
            user=_names,
            session=_names,
            tags=st.lists(_names, max_size=3).map(tuple),
        ),
        cache=st.sampled_from(get_args(CacheState)),
        simulated=st.booleans(),
        estimated=st.booleans(),
        prompt=st.none(),
        shadow=st.none() | st.builds(Decision, tier=_tiers, model=_models, reason=st.just("label")),
    ) | st.builds(
        entry,
        st.integers(0, 10**9),
        prompt=_names,
        kept=st.none() | st.builds(Kept, context=_names, length=_tokens),
    )


def said(number: int = 0, *, at_us: int = NOON_US, **more: object) -> Feedback:
    """Feedback on entry `number`: that it was good, or whatever `more` makes of it."""
    fields: dict[str, object] = {"decision_id": DecisionId(f"{number:032x}"), "opinion": "good"}
    return Feedback(at_us=at_us, **{**fields, **more})  # type: ignore[arg-type]  # as in `entry`


def same_sums(found: Iterable[Tallied], expected: Iterable[Tallied]) -> bool:
    """Whether two tallies are the same: every whole number exactly, squares to the ninth digit."""
    sums, others = _by_group(found), _by_group(expected)
    return sums.keys() == others.keys() and all(
        _exact(tally) == _exact(others[group])
        and _squares(tally) == pytest.approx(_squares(others[group]), rel=1e-9)
        for group, tally in sums.items()
    )


def _by_group(tallies: Iterable[Tallied]) -> dict[Group, Tally]:
    found = list(tallies)
    groups: dict[Group, Tally] = {(one.key, one.simulated): one.tally for one in found}
    assert len(groups) == len(found), "a group that comes twice"
    return groups


def _squares(tally: Tally) -> list[float]:
    return [getattr(tally, name).own for name in _PAIRS]


def _exact(tally: Tally) -> Tally:
    return replace(tally, **{name: replace(getattr(tally, name), own=0.0) for name in _PAIRS})


def open_spool(
    home: Place, *, segment_bytes: int = 1 << 20, ring: int = 100, segment_s: float = 3_600.0
) -> Spool:
    return Spool(home.spool, segment_bytes=segment_bytes, ring=ring, segment_s=segment_s)


def open_drain(home: Place, *, batch: int = 500) -> Drain:
    return Drain(home.spool, lambda: Store(home, "write"), batch=batch)


def drain(home: Place, *, batch: int = 500) -> None:
    """Drain once, as the holder of the lock would."""
    draining = open_drain(home, batch=batch)
    try:
        draining.run()
    finally:
        draining.close()


def stored(home: Place) -> list[Entry]:
    """All that the store has, in the order of arrival."""
    store = Store(home)
    try:
        return list(store.entries())
    finally:
        store.close()


def files(folder: Path) -> list[Path]:
    """The segments of a spool."""
    return sorted(folder.glob("*-*-*.jsonl"))


def eventually(condition: Callable[[], bool], *, within_s: float = 30.0) -> None:
    """Return once `condition` holds; fail when it does not in time."""
    pause, waited = Event(), 0.0
    while not condition():
        assert waited < within_s, "it did not happen in time"
        pause.wait(0.01)
        waited += 0.01


def worker(*words: str | Path) -> "subprocess.Popen[str]":
    """A process of its own that does what tests.ledger_worker says."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.ledger_worker", *map(str, words)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a new, empty database; skips the test where there is no server."""
    server = os.environ.get(POSTGRES, "")
    if not server:
        pytest.skip(f"{POSTGRES} names no PostgreSQL server")
    name = f"gearshift_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield f"{server.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
