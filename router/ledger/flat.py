"""An entry as one flat row, for spreadsheets and data frames: what people ask of it, by name."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, TypeAlias

import msgspec

from router.domain import Entry, PicoUsd

Kind: TypeAlias = Literal["text", "texts", "time", "count", "number", "money", "flag"]
Value: TypeAlias = str | tuple[str, ...] | datetime | int | float | Decimal | bool | None

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a row."""

    name: str
    kind: Kind
    read: Callable[[Entry], Value]


def usd(amount: PicoUsd | None) -> Decimal | None:
    """Pico-USD as US dollars, exactly; unknown stays unknown."""
    return None if amount is None else Decimal(amount).scaleb(-12)


def columns(*, with_prompts: bool) -> tuple[Column, ...]:
    """The columns of an export. Text of prompts only where it is asked for."""
    return (*_COLUMNS, *_PROMPT) if with_prompts else _COLUMNS


def row(entry: Entry, wanted: tuple[Column, ...]) -> tuple[Value, ...]:
    """The values of an entry."""
    return tuple(column.read(entry) for column in wanted)


def _column(name: str, kind: Kind, read: Callable[[Entry], Value]) -> Column:
    return Column(name=name, kind=kind, read=read)


def _label(entry: Entry) -> str | None:
    return entry.decision.verdict.label if entry.decision.verdict else None


def _confidence(entry: Entry) -> float | None:
    return entry.decision.verdict.confidence if entry.decision.verdict else None


_COLUMNS: Final = (
    _column("id", "text", lambda entry: entry.id),
    _column("at", "time", lambda entry: _EPOCH + timedelta(microseconds=entry.at_us)),
    _column("model", "text", lambda entry: entry.decision.model),
    _column("tier", "text", lambda entry: entry.decision.tier),
    _column("reason", "text", lambda entry: entry.decision.reason),
    _column("label", "text", _label),
    _column("confidence", "number", _confidence),
    _column("key", "text", lambda entry: entry.caller.key or None),
    _column("user", "text", lambda entry: entry.caller.user or None),
    _column("session", "text", lambda entry: entry.caller.session or None),
    _column("tags", "texts", lambda entry: entry.caller.tags),
    _column("status", "count", lambda entry: entry.outcome.status),
    _column("streamed", "flag", lambda entry: entry.outcome.streamed),
    _column("finish", "text", lambda entry: entry.outcome.finish),
    _column("fault", "text", lambda entry: entry.outcome.fault),
    _column("attempts", "count", lambda entry: len(entry.outcome.attempts)),
    _column("cache", "text", lambda entry: entry.cache),
    _column("input_tokens", "count", lambda entry: entry.usage.input),
    _column("cached_tokens", "count", lambda entry: entry.usage.cached),
    _column("output_tokens", "count", lambda entry: entry.usage.output),
    _column("reasoning_tokens", "count", lambda entry: entry.usage.reasoning),
    _column("usage", "text", lambda entry: entry.usage.source),
    _column("cost_usd", "money", lambda entry: usd(entry.cost.actual)),
    _column("easy_usd", "money", lambda entry: usd(entry.cost.easy)),
    _column("medium_usd", "money", lambda entry: usd(entry.cost.medium)),
    _column("hard_usd", "money", lambda entry: usd(entry.cost.hard)),
    _column("routed_usd", "money", lambda entry: usd(entry.cost.routed)),
    _column("shadow_tier", "text", lambda entry: entry.shadow.tier if entry.shadow else None),
    _column("score_ms", "number", lambda entry: entry.timings.score_ms),
    _column("first_byte_ms", "number", lambda entry: entry.timings.first_byte_ms),
    _column("total_ms", "number", lambda entry: entry.timings.total_ms),
    _column("simulated", "flag", lambda entry: entry.simulated),
    _column("estimated", "flag", lambda entry: entry.estimated),
    _column("policy", "text", lambda entry: entry.policy_version),
    _column("prices", "text", lambda entry: entry.cost.prices),
)
_PROMPT: Final = (
    _column("prompt", "text", lambda entry: entry.prompt),
    _column("context", "text", lambda entry: entry.kept.context if entry.kept else None),
)
