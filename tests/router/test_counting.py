"""The counters of a worker: what they learn at the start, and what is said against them."""

import logging
from pathlib import Path

import msgspec
import pytest

from router.budgets import Hold
from router.cache.spend_memory import MemorySpend
from router.config.access import Budget, Limit
from router.gateway.counting import Counting
from router.gateway.spending import Spending
from router.ledger.place import Place, place
from router.prices.book import EmptyPrices, build_prices
from router.sandbox.profile import sandbox_config
from router.telemetry.metrics import Metrics
from tests.budgets import AT_US, USD
from tests.ledgers import cost, entry, open_spool
from tests.router.test_prices import TODAY

CONFIG = msgspec.structs.replace(
    sandbox_config(), budget=Budget(daily=Limit(hard_usd=2.0), monthly=Limit(soft_usd=1.0))
)


def count(home: Place, *, limited: bool = True) -> tuple[Counting, Spending, MemorySpend]:
    config = CONFIG if limited else sandbox_config()
    counter = MemorySpend()
    spending = Spending(config, build_prices(config, TODAY), counter)
    return Counting(spending, counter, home), spending, counter


def keep(home: Place, *numbers: int) -> None:
    spool = open_spool(home)
    for number in numbers:
        priced = msgspec.structs.replace(cost(0), actual=USD)
        spool.record(entry(number, at_us=AT_US, cost=priced, simulated=True))
    spool.close()


async def test_what_the_spool_holds_is_counted_too(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    keep(home, 1)
    drain_later, spending, counter = count(home)
    await drain_later.start()
    assert [counter.fill(bound.window).spent for bound in spending.now] == [USD, USD]


async def test_metrics_tell_what_share_of_each_budget_is_spent(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    keep(home, 1)
    counted, _, _ = count(home)
    await counted.start()
    metrics = Metrics(shared=None, baseline="hard")
    counted.report(metrics)
    text = metrics.scrape().decode()
    assert 'gearshift_budget_used{key="",period="daily",simulated="true"} 0.5\n' in text
    assert 'gearshift_budget_used{key="",period="monthly",simulated="true"} 1.0\n' in text


async def test_a_ledger_that_cannot_be_read_delays_no_start_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "ledger.sqlite3").write_bytes(b"no database" * 100)
    home = place(str(tmp_path))
    counted, spending, counter = count(home)
    with caplog.at_level(logging.WARNING):
        await counted.start()
    assert counted.reasons == ["budgets may count too little: the ledger cannot be read"]
    assert len(caplog.records) == 1
    (tmp_path / "ledger.sqlite3").unlink()
    keep(home, 1, 2)
    counter.settle(Hold(bounds=spending.now, amount=0), 5)
    await counted.start()
    assert counted.reasons == []
    assert counter.fill(spending.now[0].window).spent == 2 * USD


async def test_without_a_budget_nothing_is_read_kept_or_told(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite3").write_bytes(b"no database" * 100)
    counted, spending, _ = count(place(str(tmp_path)), limited=False)
    await counted.start()
    await counted.keep()  # returns at once
    assert counted.reasons == []
    assert spending.now == ()
    metrics = Metrics(shared=None, baseline="hard")
    counted.report(metrics)
    assert "gearshift_budget_used{" not in metrics.scrape().decode()


def test_models_without_a_price_are_named_where_there_are_budgets(tmp_path: Path) -> None:
    counter = MemorySpend()
    spending = Spending(CONFIG, EmptyPrices(), counter)
    counted = Counting(spending, counter, place(str(tmp_path)))
    assert len(counted.reasons) == len(CONFIG.model)
    assert Spending(sandbox_config(), EmptyPrices(), counter).unpriced == ()
