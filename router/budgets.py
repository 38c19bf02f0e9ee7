"""What may be spent, by whom, until when. Pure: the clock and the counters are handed in.

A budget is counted in windows: one for each key and one for all keys together, by UTC day and by
UTC month, and for simulated money apart from real. Money is integer pico-USD.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, NewType, TypeAlias

from msgspec import Struct

from router.config.access import Budget, Limit
from router.config.schema import Config
from router.domain import PICO
from router.errors import BudgetExceeded

Window = NewType("Window", str)
"""Names what is counted together: `team/2026-11-26`, `team/2026-11`; before `/` nothing: all. Those
of simulated money end in `/simulated`."""
Period: TypeAlias = Literal["daily", "monthly"]
EVERYBODY: Final = ""
"""Scope of the budget of all keys together. No key has this name."""

_DAY_US: Final = 86_400_000_000
_SOON_S: Final = 2.0
"""When to come back where only requests under way fill the budget: most answers take as long."""


class Cap(Struct, frozen=True, kw_only=True):
    """One limit of the configuration."""

    scope: str
    """Name of a key, or EVERYBODY."""
    period: Period
    soft: int | None
    """Pico-USD from which on the policy is thrifty."""
    hard: int | None
    """Pico-USD that are not passed."""


class Bound(Struct, frozen=True, kw_only=True):
    """A cap in the window of some moment."""

    window: Window
    cap: Cap
    since_us: int
    """The window's first microsecond since the epoch."""
    until_us: int
    """The first that is no longer in it."""
    simulated: bool = False
    """Whether it is for the sandbox's money. Each kind is held against the limits by itself."""


class Fill(Struct, frozen=True, kw_only=True):
    """How full a window is."""

    window: Window
    spent: int = 0
    """What requests that are over did cost."""
    held: int = 0
    """What is set aside for those under way."""


class Hold(Struct, frozen=True, kw_only=True):
    """Money set aside for one request, in every window that it belongs to."""

    bounds: tuple[Bound, ...]
    amount: int
    slot: int = 0
    """Where the counter wrote it down; the counter's own business."""


def caps_of(config: Config) -> dict[str, tuple[Cap, ...]]:
    """The caps that a request of each key is under: its own, then those of everybody.

    EVERYBODY has an entry too: it is for requests without a key, and of keys that are not here.
    """
    common = tuple(_caps(EVERYBODY, config.budget))
    own = {key.name: (*_caps(key.name, key.budget), *common) for key in config.key}
    return {EVERYBODY: common, **own}


def bound(cap: Cap, at_us: int, *, simulated: bool = False) -> Bound:
    """`cap` in the window of real or of simulated money that holds the moment `at_us`."""
    at = datetime.fromtimestamp(at_us // _DAY_US * 86_400, UTC)
    since, until, name = at, at + timedelta(days=1), f"{at:%Y-%m-%d}"
    if cap.period == "monthly":
        since = at.replace(day=1)
        until, name = (since + timedelta(days=31)).replace(day=1), f"{at:%Y-%m}"
    return Bound(
        window=Window(f"{cap.scope}/{name}{'/simulated' if simulated else ''}"),
        cap=cap,
        since_us=int(since.timestamp()) * 1_000_000,
        until_us=int(until.timestamp()) * 1_000_000,
        simulated=simulated,
    )


def is_soft(bound: Bound, fill: Fill) -> bool:
    """Whether the soft limit is reached."""
    return bound.cap.soft is not None and fill.spent >= bound.cap.soft


def is_over(bound: Bound, fill: Fill, amount: int) -> bool:
    """Whether `amount` more could pass the hard limit."""
    return bound.cap.hard is not None and fill.spent + fill.held + amount > bound.cap.hard


def used_share(bound: Bound, fill: Fill) -> float:
    """Spent, as a share of the hard limit, or of the soft one where there is no other."""
    limit = bound.cap.soft if bound.cap.hard is None else bound.cap.hard
    return fill.spent / limit if limit else float(fill.spent > 0)


def refusal(bound: Bound, fill: Fill, amount: int, now_us: int) -> BudgetExceeded:
    """What the caller is told when `amount` more would pass the hard limit of `bound`.

    What everybody has spent together is told to nobody.
    """
    cap, hard = bound.cap, bound.cap.hard or 0
    whose = f"of key `{cap.scope}`" if cap.scope else "of this router"
    kind = "simulated " if bound.simulated else ""
    lasting = fill.spent + amount > hard
    begins = datetime.fromtimestamp(bound.until_us // 1_000_000, UTC)
    said = f"The {cap.period} budget {whose} does not cover this request"
    if cap.scope:
        said += (
            f": {usd(fill.spent)} of {usd(hard)} {kind}USD are spent, {usd(fill.held)} are "
            f"set aside for requests under way, and this one may cost {usd(amount)}"
        )
    said += (
        f". It begins anew at {begins:%Y-%m-%dT%H:%M:%SZ}."
        if lasting
        else ". Some of it is free again when requests under way are over: try again shortly."
    )
    wait_s = (bound.until_us - now_us) / 1_000_000 if lasting else _SOON_S
    return BudgetExceeded(said, retry_after_s=max(_SOON_S, wait_s), lasting=lasting)


def usd(pico: int) -> str:
    """Pico-USD as dollars with four decimals, as people read them."""
    return f"{Decimal(pico) / PICO:.4f}"


def _caps(scope: str, budget: Budget) -> Iterator[Cap]:
    limits: tuple[tuple[Period, Limit], ...] = (
        ("daily", budget.daily),
        ("monthly", budget.monthly),
    )
    for period, limit in limits:
        if limit.soft_usd is not None or limit.hard_usd is not None:
            soft, hard = _pico(limit.soft_usd), _pico(limit.hard_usd)
            yield Cap(scope=scope, period=period, soft=soft, hard=hard)


def _pico(amount_usd: float | None) -> int | None:
    # The shortest decimal that reads as the same float is what the operator wrote.
    return None if amount_usd is None else int(Decimal(str(amount_usd)) * PICO)
