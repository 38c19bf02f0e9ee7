"""Sums that are kept as entries come in: what they answer, and that they count nothing twice."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from router.cli.rollups import ledger
from router.domain import Caller, Entry
from router.errors import LedgerError
from router.ledger.engine import open_engine
from router.ledger.facets import EVER, Dimension, Span
from router.ledger.filelock import FileLock
from router.ledger.place import Place, place
from router.ledger.rebuild import rebuild
from router.ledger.rows import Record
from router.ledger.store import Store
from router.ledger.sums import Cover, cover
from router.ledger.tally import tally_entries
from router.ledger.upgrade import DRAIN_LOCK, upgrade
from tests.commands import done, typed
from tests.ledgers import DAY_US, NOON_US, entry, postgres, same_sums

HOUR_US = 3_600_000_000
KINDS = ("sqlite", "postgres")
GROUPINGS: tuple[tuple[Dimension, ...], ...] = ((), ("day", "tier"), ("user",), ("tag", "key"))


@pytest.fixture(params=KINDS)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        yield made(place(str(tmp_path)))
    else:
        with postgres() as url:
            yield made(place(str(tmp_path), url))


def made(there: Place) -> Place:
    upgrade(there)
    return there


def keep(home: Place, *kept: Entry) -> None:
    store = Store(home, "write")
    store.insert([record(one) for one in kept])
    store.close()


def record(one: Entry) -> Record:
    return Record(entry=one, document=msgspec.json.encode(one).decode())


def run(home: Place, statement: str) -> None:
    engine = open_engine(home, writing=True)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def requests(home: Place, by: tuple[Dimension, ...] = (), span: Span = EVER) -> int:
    store = Store(home)
    try:
        return sum(one.tally.requests for one in store.tallies(by, span))
    finally:
        store.close()


def hourly(count: int) -> list[Entry]:
    """An entry each half hour, from noon."""
    return [entry(n, at_us=NOON_US + n * HOUR_US // 2 + n) for n in range(count)]


def test_a_report_over_whole_hours_reads_sums_instead_of_entries(home: Place) -> None:
    keep(home, *hourly(8))
    # What nobody reads can be wrong without anybody noticing: here the rows are.
    run(home, f"UPDATE entry SET input_tokens = 0 WHERE at_us >= {NOON_US + HOUR_US}")
    store = Store(home)
    (total,) = store.tallies()
    (ragged,) = store.tallies((), Span(since_us=NOON_US + HOUR_US * 5 // 4))
    store.close()
    assert total.tally.input == 800
    # The second half of the second hour holds one entry, which had to be read.
    assert (ragged.tally.requests, ragged.tally.input) == (5, 400)


def test_the_hour_that_has_begun_is_whole_when_nothing_lies_behind_the_span(home: Place) -> None:
    keep(home, *hourly(3))
    run(home, "UPDATE entry SET input_tokens = 0")
    store = Store(home)
    (now,) = store.tallies((), Span(until_us=NOON_US + DAY_US))
    (before,) = store.tallies((), Span(until_us=NOON_US + HOUR_US + 1))
    store.close()
    assert now.tally.input == 300
    assert (before.tally.requests, before.tally.input) == (2, 200)


def test_an_entry_that_is_stored_again_adds_nothing(home: Place) -> None:
    keep(home, entry(1), entry(1, simulated=True), entry(2))
    keep(home, entry(2), entry(1), entry(3))
    for by in GROUPINGS:
        assert requests(home, by) == 3


def test_a_batch_that_is_refused_leaves_the_sums_as_they_were(home: Place) -> None:
    keep(home, entry(1))
    broken = entry(2, usage=entry().usage.__class__(input=2**70))
    with pytest.raises(LedgerError):
        keep(home, entry(3), broken)
    for by in GROUPINGS:
        assert requests(home, by) == 1
    keep(home, entry(3))
    assert requests(home) == 2


def test_two_writers_with_the_same_entries_count_each_once(tmp_path: Path) -> None:
    """Several instances may share a server; which of them was first does not matter."""
    batches = [[record(one) for one in hourly(40)[start::2]] for start in (0, 1, 0, 1)]
    with postgres() as url:
        home = made(place(str(tmp_path), url))
        stores = [Store(home, "write") for _ in batches]
        with ThreadPoolExecutor(len(stores)) as pool:
            list(pool.map(lambda store, batch: store.insert(batch), stores, batches))
        for store in stores:
            store.close()
        store = Store(home)
        for by in GROUPINGS:
            assert same_sums(store.tallies(by), tally_entries(hourly(40), by))
        store.close()


def test_what_a_process_of_the_version_before_stores_is_counted(tmp_path: Path) -> None:
    """It knows nothing of rollups, and on a server it may still be at work after the migration."""
    with postgres() as url:
        home = made(place(str(tmp_path), url))
        keep(home, *hourly(3))
        columns = (
            "id, at_us, day, tier, model, reason, status, simulated, estimated, input_tokens,"
            " cached_tokens, output_tokens, reasoning_tokens, document"
        )
        run(
            home,
            f"INSERT INTO entry ({columns}) VALUES ('late', {NOON_US + HOUR_US}, '2026-11-23',"
            " 'hard', 'm', 'label', 200, false, false, 10, 0, 0, 0, '{}')",
        )
        whole = Span(since_us=NOON_US, until_us=NOON_US + 2 * HOUR_US)
        assert requests(home, span=whole) == 4
        assert requests(home, ("user", "tier")) == 4
        remade(home)
        assert requests(home, span=whole) == 4
        assert requests(home, ("tag",)) == 4


def remade(home: Place) -> None:
    engine = open_engine(home, writing=True)
    with engine.begin() as connection:
        rebuild(connection)
    engine.dispose()


def test_rollups_made_anew_are_what_they_were(home: Place) -> None:
    kept = [
        entry(n, at_us=NOON_US + n * DAY_US // 3, caller=Caller(user=f"u{n % 3}", tags=("a", "b")))
        for n in range(20)
    ]
    keep(home, *kept)
    remade(home)
    store = Store(home)
    for by in GROUPINGS:
        assert same_sums(store.tallies(by), tally_entries(kept, by))
    store.close()


def test_rows_that_went_by_hand_are_in_the_sums_until_they_are_made_anew(home: Place) -> None:
    keep(home, *hourly(6))
    run(home, "DELETE FROM entry WHERE caller_user = 'ada' AND tier = 'easy' AND id LIKE '%4'")
    assert requests(home) == 6
    remade(home)
    assert requests(home) == 5


def test_a_forgotten_prompt_changes_no_sum(home: Place) -> None:
    keep(home, entry(1, prompt="the walrus hums"), entry(2))
    store = Store(home, "write")
    before = store.tallies(("user",))
    assert store.forget_prompts(NOON_US + DAY_US) == 1
    assert store.tallies(("user",)) == before
    store.close()


def test_callers_with_the_longest_names_have_sums_of_their_own(home: Place) -> None:
    """PostgreSQL refuses to index names of this length."""
    long = [Caller(key="\U0001f9ed" * 256, user="\U0001f9ed" * 255 + end) for end in "ab"]
    keep(home, *(entry(n, caller=caller) for n, caller in enumerate(long)))
    store = Store(home)
    assert {one.key for one in store.tallies(("user",))} == {(caller.user,) for caller in long}
    store.close()


def test_by_the_hour_there_are_few_rows_however_many_users_there_are(tmp_path: Path) -> None:
    home = made(place(str(tmp_path)))
    keep(home, *(entry(n, caller=Caller(key="team", user=f"user-{n}")) for n in range(300)))
    assert home.sqlite is not None
    with sqlite3.connect(home.sqlite) as file:
        assert file.execute("SELECT count(*) FROM rollup_hour").fetchone() == (1,)
        assert file.execute("SELECT count(*) FROM rollup_user").fetchone() == (300,)
    file.close()


def test_an_entry_that_cannot_be_read_is_named_or_spared(home: Place) -> None:
    keep(home, entry(1), entry(2), entry(3))
    run(home, f"UPDATE entry SET document = '{{}}' WHERE id = '{entry(2).id}'")
    store = Store(home)
    with pytest.raises(LedgerError, match=f"entry {entry(2).id} of the ledger .* cannot be read"):
        list(store.entries())
    spared: list[str] = []
    assert list(store.entries(spare=spared.append)) == [entry(1), entry(3)]
    assert spared == [entry(2).id]
    store.close()


_moments = st.integers(0, 10 * HOUR_US)


@given(ends=st.tuples(*[st.none() | _moments] * 2), known=st.tuples(_moments, _moments))
def test_whole_periods_and_edges_are_what_a_span_has_of_the_ledger(
    ends: tuple[int | None, int | None], known: tuple[int, int]
) -> None:
    span = Span(since_us=ends[0], until_us=ends[1])
    held = Span(since_us=min(known), until_us=max(known) + 1)
    covered = cover(span, held, HOUR_US)
    parts = [*covered.edges, *([covered.whole] if covered.whole else [])]
    turns = {*(end for end in ends if end is not None), *known, *range(0, 11 * HOUR_US, HOUR_US)}
    for moment in (turn + more for turn in turns for more in (-1, 0, 1)):
        if held.holds(moment):
            assert sum(part.holds(moment) for part in parts) == span.holds(moment)
    assert aligned(covered)
    assert all(reach(edge) < HOUR_US for edge in covered.edges) or covered.whole is None


def aligned(covered: Cover) -> bool:
    whole = covered.whole
    return whole is None or all(
        end is not None and end % HOUR_US == 0 for end in (whole.since_us, whole.until_us)
    )


def reach(edge: Span) -> int:
    return (edge.until_us or 0) - (edge.since_us or 0)


def test_the_command_makes_sums_anew(tmp_path: Path) -> None:
    home = made(place(str(tmp_path)))
    keep(home, *hourly(4))
    run(home, "DELETE FROM entry WHERE id LIKE '%2'")
    done(tmp_path, ledger, "rebuild")
    assert requests(home) == 3


def test_the_command_waits_for_nobody_who_writes(tmp_path: Path) -> None:
    home = made(place(str(tmp_path)))
    home.spool.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home.spool / DRAIN_LOCK)
    assert lock.take()
    told = typed(tmp_path, ledger, "rebuild")
    lock.give_back()
    assert "a service writes to" in str(told.exception)
    assert "stop it first" in str(told.exception)
