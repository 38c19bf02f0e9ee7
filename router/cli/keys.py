"""`gearshift keys`: API keys with a name, and what each has spent."""

import secrets
import time
from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256
from typing import Final

import msgspec
import rich_click as click
from rich.console import Console

from router.budgets import (
    EVERYBODY,
    Bound,
    Cap,
    Fill,
    Period,
    Window,
    bound,
    caps_of,
    is_over,
    is_soft,
)
from router.cli.amount import Amount
from router.cli.ledger import ledger_home
from router.cli.table import table
from router.config.access import Budget, Key, Limit
from router.config.callers import key_faults
from router.config.load import Options, environment, load, resolve
from router.config.names import DEFAULT_KEY
from router.config.schema import Config
from router.ledger.spent import read_spent
from router.sandbox.profile import sandbox_config

_PREFIX: Final = "gs-"
_BYTES: Final = 32
_PERIODS: Final[tuple[Period, ...]] = ("daily", "monthly")
_PICO_DIGITS: Final = 12
_USD: Final = Amount(0, 1_000_000)


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """One window of a key: what was spent in it, and its limits, USD."""

    spent_usd: msgspec.Raw
    soft_usd: msgspec.Raw | None
    hard_usd: msgspec.Raw | None
    state: str
    """`ok`, `soft` (the policy is thrifty) or `hard` (nothing more is let through)."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One key. That of all together has no name."""

    key: str | None
    expires: str | None
    daily: Spent
    monthly: Spent


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What `keys list --json` prints."""

    simulated: bool
    keys: tuple[Listed, ...]


@click.group()
def keys() -> None:
    """API keys with names: make one, and see what each has spent.

    \b
    Example:
      gearshift keys new team-a --daily-usd 5 >> router.toml
      gearshift keys list
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)


@keys.command("new")
@click.argument("name", metavar="NAME")
@click.option("--expires", metavar="DAY", default="", help="Last UTC day on which it opens.")
@click.option("--daily-usd", type=_USD, metavar="USD", help="Hard limit of a day.")
@click.option("--monthly-usd", type=_USD, metavar="USD", help="Hard limit of a month.")
def new_key(name: str, expires: str, daily_usd: float | None, monthly_usd: float | None) -> None:
    """Make a key: the table for the configuration, and the key itself, which is shown once.

    The table goes to standard output, the key to standard error. Nothing is kept.

    \b
    Example:
      gearshift keys new team-a --daily-usd 5 >> router.toml
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    shown = _PREFIX + secrets.token_urlsafe(_BYTES)
    limits = (daily_usd, monthly_usd)
    daily, monthly = (Limit(hard_usd=limit) for limit in limits)
    made = Key(
        name=name,
        hash=sha256(shown.encode()).hexdigest(),
        expires=expires,
        budget=Budget(daily=daily, monthly=monthly),
    )
    if name == DEFAULT_KEY:
        raise click.BadParameter(f"`{DEFAULT_KEY}` is the key in GEARSHIFT_API_KEY")
    for fault in key_faults("key", made):
        raise click.BadParameter(fault)
    click.echo("\n".join(_toml(made)))
    click.echo(f"{name}'s key, which is not shown again: {shown}", err=True)


@keys.command("list")
@click.option("--config", metavar="F", help="Configuration file (TOML).")
@click.option("--simulated", is_flag=True, help="Show simulated money also where there is real.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_keys(config: str | None, simulated: bool, as_json: bool) -> None:
    """Every key with what it spent today and this month, by the ledger, and its limits.

    \b
    Example:
      gearshift keys list --config router.toml
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    at_us = time.time_ns() // 1_000
    listing = _listing(_configuration(config), at_us, simulated=simulated)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(listing)))
        return
    if listing.simulated:
        click.echo("The sandbox answered: none of this is real money.", err=True)
    rows = [
        (one.key or "all", one.expires or "", *_cells(one.daily), *_cells(one.monthly))
        for one in listing.keys
    ]
    head = ("key", "expires", "today", "limit", "", "this month", "limit", "")
    Console(width=None).print(table(head, rows))


def _configuration(path: str | None) -> Config:
    path = path or environment().config
    return load(path) if path else resolve(Options(), sandbox=sandbox_config).config


def _listing(config: Config, at_us: int, *, simulated: bool) -> Listing:
    """Real money where there is any, else simulated; `simulated` shows that in any case."""
    real, played = (_spent_of(config, at_us, kind) for kind in (False, True))
    shown = simulated or (any(played[1].values()) and not any(real[1].values()))
    windows, spent = played if shown else real
    expire = {key.name: key.expires for key in config.key}

    def listed(name: str) -> Listed:
        daily, monthly = (_spent(one, spent.get(one.window, 0)) for one in windows[name])
        expires = expire.get(name) or None
        return Listed(key=name or None, expires=expires, daily=daily, monthly=monthly)

    return Listing(simulated=shown, keys=tuple(map(listed, windows)))


def _spent_of(
    config: Config, at_us: int, kind: bool
) -> tuple[dict[str, tuple[Bound, ...]], dict[Window, int]]:
    """The windows of every key, and what was spent in each, of one kind of money."""
    caps = caps_of(config)
    names = [key.name for key in config.key]
    if environment().api_key and DEFAULT_KEY not in names:
        names.insert(0, DEFAULT_KEY)
    windows = {
        name: tuple(
            bound(_cap(caps.get(name, ()), name, period), at_us, simulated=kind)
            for period in _PERIODS
        )
        for name in (*names, EVERYBODY)
    }
    every = [one for each in windows.values() for one in each]
    return windows, read_spent(ledger_home(), every)


def _cap(caps: tuple[Cap, ...], scope: str, period: Period) -> Cap:
    """The cap of `scope` in `period`; one without limits where the configuration has none."""
    none = Cap(scope=scope, period=period, soft=None, hard=None)
    return next((one for one in caps if (one.scope, one.period) == (scope, period)), none)


def _spent(bound: Bound, amount: int) -> Spent:
    fill = Fill(window=bound.window, spent=amount)
    state = "hard" if is_over(bound, fill, 1) else "soft" if is_soft(bound, fill) else "ok"
    soft, hard = (None if cap is None else _usd(cap) for cap in (bound.cap.soft, bound.cap.hard))
    return Spent(spent_usd=_usd(amount), soft_usd=soft, hard_usd=hard, state=state)


def _usd(pico: int) -> msgspec.Raw:
    """Dollars with every digit, as a plain number."""
    return msgspec.Raw(f"{Decimal(pico).scaleb(-_PICO_DIGITS):f}".encode())


def _cells(spent: Spent) -> tuple[str, str, str]:
    limit = spent.hard_usd or spent.soft_usd
    shown = "-" if limit is None else _limit(Decimal(bytes(limit).decode()))
    amount = Decimal(bytes(spent.spent_usd).decode())
    marks = {"ok": "", "soft": "thrifty", "hard": "used up"}
    return f"{amount:.4f}", shown, marks[spent.state]


def _limit(usd: Decimal) -> str:
    """Cents, and as many digits more as were configured."""
    return f"{usd:.2f}" if usd == round(usd, 2) else f"{usd.normalize():f}"


def _toml(key: Key) -> Iterator[str]:
    """The table of a key."""
    yield "\n[[key]]"  # the file that it is appended to may lack its last line end
    yield f"name = {msgspec.json.encode(key.name).decode()}"
    yield f'hash = "{key.hash}"'
    if key.expires:
        yield f'expires = "{key.expires}"'
    for period, limit in (("daily", key.budget.daily), ("monthly", key.budget.monthly)):
        if limit.hard_usd is not None:
            yield f"budget.{period}.hard_usd = {limit.hard_usd}"
