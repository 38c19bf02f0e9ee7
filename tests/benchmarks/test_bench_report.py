"""The ledger that the benchmark of reports makes: it must be one, or its figures mean nothing."""

import time
from pathlib import Path

from benchmarks.bench_report import GROUPINGS, ask, plainly, told
from benchmarks.many import fill
from router.ledger.facets import Span
from router.ledger.place import place
from router.ledger.store import Store
from router.ledger.tally import tally_entries
from tests.ledgers import same_sums


def test_it_holds_entries_and_the_report_says_what_plain_sql_says(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    lines = list(fill(home, 2_000, users=50, days=3.0))
    assert lines[0].startswith("2,000 rows")
    span = Span(since_us=time.time_ns() // 1_000 - 2 * 86_400_000_000)
    plain = plainly(home, Span(since_us=span.since_us, until_us=2**62))
    assert told(ask(home, GROUPINGS[0], span)) == plain
    assert len(plain) >= 9
    store = Store(home)
    read = list(store.entries())
    (total,) = store.tallies()
    store.close()
    assert len(read) == total.tally.requests == 2_000
    assert len({entry.id for entry in read}) == 2_000
    assert not same_sums([total], tally_entries(read)), "columns vary, documents do not"
