"""A ledger with as many rows as one likes, made by the database itself in a minute or two.

Requests arrive at an even pace over some days up to now, from some users and five keys; three in
five are easy, one in ten is hard, one in twenty has a tag. Documents are real entries, so that
whatever reads the ledger can be measured with it; all that varies in them is the id and the time.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, text

from benchmarks.bench_ledger import make_entry
from router.domain import DecisionId
from router.ledger.engine import open_engine
from router.ledger.place import Place
from router.ledger.rebuild import rebuild
from router.ledger.upgrade import upgrade

_STEP: Final = 500_000
"""Rows of one statement and transaction."""
_DAY_US: Final = 86_400_000_000
_ID: Final = "f" * 32
_AT: Final = 1_234_567_890_123_456

_NUMBERS: Final = {
    "sqlite": "WITH RECURSIVE numbers(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM numbers"
    " WHERE i < {last})",
    "postgresql": "WITH numbers AS (SELECT generate_series({first}, {last})::bigint AS i)",
}
_ROWS: Final = """
INSERT INTO entry (id, at_us, day, tier, label, model, reason, caller_key, caller_user, status,
  simulated, estimated, input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost_actual,
  cost_easy, cost_medium, cost_hard, document, shared_medium, own_medium, shared_hard, own_hard,
  rolled)
{numbers}, seen AS (
  SELECT i, {start} + i * {pace} AS at_us, i * 7919 % 10 AS die, i * 104729 % {users} AS who,
    100 + i * 31 % 3000 AS tokens FROM numbers
), told AS (
  SELECT i, at_us, die, who, tokens, {name} AS id, {day} AS day,
    CASE WHEN die < 6 THEN 'easy' WHEN die < 9 THEN 'medium' ELSE 'hard' END AS tier,
    CASE WHEN die < 6 THEN 1 WHEN die < 9 THEN 5 ELSE 20 END AS dear FROM seen
)
SELECT id, at_us, day, tier, CASE WHEN who % 20 = 0 THEN 'needs_info' ELSE tier END,
  'model-' || tier, 'label', 'team-' || (who % 5), 'user-' || who, 200, {false}, who % 50 = 0,
  tokens, tokens / 3, tokens / 4, 0, tokens * dear * 100000, tokens * 100000, tokens * 500000,
  tokens * 2000000, {document}, tokens * 50000, tokens * 80000, tokens * 300000, tokens * 600000,
  {true}
FROM told"""
_TAGS: Final = """
INSERT INTO entry_tag (entry_id, tag)
{numbers} SELECT {name}, 'tag-' || (i % 7) FROM (SELECT i, {start} + i * {pace} AS at_us FROM
  numbers) AS seen WHERE i % 20 = 0"""


def fill(home: Place, rows: int, *, users: int = 1_000, days: float = 30.5) -> Iterator[str]:
    """Make the ledger and fill it; tells after each step what took how long."""
    upgrade(home)
    start_us = time.time_ns() // 1_000 - int(days * _DAY_US)
    pace_us = max(1, int(days * _DAY_US) // rows)
    engine = open_engine(home, writing=True)
    if home.sqlite is not None:
        # A ledger that is made in order to be thrown away need not survive a power cut.
        with contextlib.closing(engine.raw_connection()) as raw:
            raw.cursor().execute("PRAGMA synchronous=OFF")
    began = time.perf_counter()
    for first in range(0, rows, _STEP):
        last = min(rows, first + _STEP) - 1
        with engine.begin() as connection:
            _step(connection, (first, last), start_us=start_us, pace_us=pace_us, users=users)
    yield f"{rows:,} rows in {time.perf_counter() - began:,.0f} s"
    began = time.perf_counter()
    with engine.begin() as connection:
        rebuild(connection)
    yield f"rollups of all in {time.perf_counter() - began:,.0f} s, as a migration makes them"
    if home.sqlite is None:
        with engine.connect() as connection:
            # What a server does by itself, some minutes later.
            bare = connection.execution_options(isolation_level="AUTOCOMMIT")
            bare.exec_driver_sql("VACUUM ANALYZE")
    engine.dispose()


def _step(
    connection: Connection, ends: tuple[int, int], *, start_us: int, pace_us: int, users: int
) -> None:
    dialect = connection.dialect.name
    before, between, after = _document()
    lite = dialect == "sqlite"
    second = "at_us / 1000000"
    words = {
        "numbers": _NUMBERS[dialect].format(first=ends[0], last=ends[1]),
        "start": start_us,
        "pace": pace_us,
        "users": users,
        "name": "printf('%032d', at_us)" if lite else "lpad(at_us::text, 32, '0')",
        "day": f"strftime('%Y-%m-%d', {second}, 'unixepoch')"
        if lite
        else f"to_char(to_timestamp({second}) AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
        "document": f"('{before}' || id || '{between}' || at_us || '{after}')"
        + ("" if lite else "::json"),
        "true": "1" if lite else "true",
        "false": "0" if lite else "false",
    }
    connection.execute(text(_ROWS.format(**words).replace(":", r"\:")))
    connection.execute(text(_TAGS.format(**words).replace(":", r"\:")))


def _document() -> tuple[str, str, str]:
    """An entry as JSON, cut where its id and its time stand."""
    whole = make_entry(0, _AT)
    # A third shorter than a usual one, so that ten million fit on a small disk.
    decision = replace(whole.decision, candidates=())
    entry = replace(whole, id=DecisionId(_ID), at_us=_AT, decision=decision)
    written = msgspec.json.encode(entry).decode()
    before, _, rest = written.partition(_ID)
    between, _, after = rest.partition(str(_AT))
    return before, between, after
