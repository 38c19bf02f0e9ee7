"""`gearshift judge`: a model labels kept prompts."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

import rich_click as click

from router.cli.ledger import begun_ledger, bring_up_to_date, read_since
from router.config.load import Options, Settings, resolve
from router.config.schema import Config
from router.domain import PICO, Entry, Feedback
from router.errors import GearshiftError
from router.ledger.facets import Span
from router.ledger.place import Place
from router.ledger.spool import Spool
from router.ledger.store import Store
from router.prices.book import Prices, build_prices
from router.report.since import ACCEPTED
from router.sandbox.profile import sandbox_config
from router.traffic.judge import Case, Session, Unpriced, choose, prepare
from router.upstream.client import HttpUpstream


@click.command()
@click.option(
    "--since", default="7d", show_default=True, callback=read_since, help=f"Start: {ACCEPTED}."
)
@click.option("--limit", type=click.IntRange(min=1), help="Judge at most so many prompts.")
@click.option("--dry-run", is_flag=True, help="Say what it would cost, and send nothing.")
@click.option("--config", metavar="F", help="Configuration file (TOML); it names the judge.")
def judge(since: int, limit: int | None, dry_run: bool, config: str | None) -> None:
    """Have the model that `[judge]` names label kept prompts, for training.

    Redacted prompts are sent to that model's host. What it will cost is estimated before, and the
    run ends before that estimate and what was billed come to more than `judge.budget_usd`.

    \b
    Example:
      gearshift judge --since 7d --dry-run
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    settings = resolve(Options(config=config), sandbox=sandbox_config)
    if not settings.config.judge.model:
        raise GearshiftError("no judge is configured: name a model in `judge.model`")
    home = begun_ledger()
    prices = build_prices(settings.config, datetime.now(UTC))
    span = Span(since_us=since, until_us=time.time_ns() // 1_000)
    cases = _cases(_chosen(home, span, limit, settings.config), settings.config, prices)
    _announce(cases, settings.config)
    if dry_run or not cases:
        return
    session = _judge(home, cases, settings, prices)
    bring_up_to_date(home)
    _tell(session)


def _chosen(home: Place, span: Span, limit: int | None, config: Config) -> list[Entry]:
    store = Store(home)
    try:
        texts = store.entries(span, with_text=True)
        return choose(texts, list(store.feedback(span)), config.judge, limit)
    finally:
        store.close()


def _cases(entries: list[Entry], config: Config, prices: Prices) -> list[Case]:
    try:
        return prepare(entries, config, prices)
    except Unpriced as error:
        message = (
            f"what {config.judge.model} costs is not known, so no budget bounds it: give it a price"
        )
        raise GearshiftError(message) from error


def _judge(home: Place, cases: list[Case], settings: Settings, prices: Prices) -> Session:
    ledger = settings.config.ledger
    spool = Spool(home.spool, segment_bytes=ledger.segment_bytes, ring=ledger.ring)

    def tell(said: Feedback) -> None:
        spool.record(said)

    try:
        return asyncio.run(_run(cases, settings, prices, tell))
    finally:
        spool.close()


async def _run(
    cases: list[Case], settings: Settings, prices: Prices, tell: Callable[[Feedback], None]
) -> Session:
    upstream = HttpUpstream(settings.config, settings.environment.upstream_keys)
    session = Session(settings.config, upstream, prices, tell)
    try:
        await session.run(cases)
    finally:
        await upstream.close()
    return session


def _announce(cases: list[Case], config: Config) -> None:
    if not cases:
        click.echo("Nothing to judge: no kept prompt without a label was drawn")
        return
    expected, most = (sum(getattr(case, what) for case in cases) for what in ("expected", "most"))
    click.echo(
        f"{len(cases):,} prompts for {config.judge.model}: about {_usd(expected)}, at most "
        f"{_usd(most)}; the budget is {_usd(int(config.judge.budget_usd * PICO))}"
    )


def _tell(session: Session) -> None:
    """Say what came of it. Raises GearshiftError where nothing did."""
    labels = ", ".join(f"{label} {count:,}" for label, count in sorted(session.labels.items()))
    click.echo(f"{sum(session.labels.values()):,} labels ({labels or 'none'})")
    click.echo(f"{_usd(session.spent)} was spent")
    if session.unusable:
        click.echo(f"{session.unusable:,} answers were no label")
    if session.left:
        click.echo(f"{session.left:,} prompts are left for another run")
    if session.failures:
        click.echo(f"{len(session.failures):,} requests failed: {session.failures[-1]}", err=True)
    if not session.labels:
        raise GearshiftError("the judge gave no label")


def _usd(pico: int) -> str:
    return f"{pico / PICO:.4f} USD"
