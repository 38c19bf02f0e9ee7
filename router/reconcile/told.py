"""A reconciliation for people, as a table in the terminal, and for programs, as JSON."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from router.reconcile.booked import Booked, Part
from router.reconcile.compare import Row, Split, Status
from router.reconcile.invoice import Charge
from router.reconcile.summary import Reconciliation, dollars, money

_UNKNOWN: Final = "-"
_WORDS: Final[dict[Status, str]] = {
    "matched": "matched",
    "differs": "differs",
    "invoice_only": "only on the invoice",
    "ledger_only": "only in the ledger",
}


def to_table(found: Reconciliation, *, whole: bool = False) -> RenderableType:
    """The reconciliation as lines of rich; rows that match only where `whole` says so."""
    return Group(*_parts(found, whole=whole))


def to_json(found: Reconciliation) -> str:
    """The same as one JSON object. Amounts have every digit."""
    document = {
        "format": found.format,
        "currency": found.currency,
        "utc_offset_h": found.offset_h,
        "matched": found.matched,
        "invoice_amount": _exact(found.invoice),
        "ledger_usd": _exact(found.ledger),
        "difference_usd": _exact(found.difference),
        "reasons": found.reasons,
        "notes": found.notes,
        "bad_lines": found.bad_lines,
        "rows": [_row(row) for row in found.rows],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _parts(found: Reconciliation, *, whole: bool) -> Iterator[RenderableType]:
    yield Text(_title(found), style="bold")
    for note in found.notes:
        yield Text(_plain(f"Note: {note}"), style="yellow")
    shown = [row for row in found.rows if whole or row.status != "matched"]
    if shown:
        yield _table(found, shown)
    matched = sum(row.status == "matched" for row in found.rows)
    yield Text(f"{matched:,} of {len(found.rows):,} rows (a day and a model) match")
    for reason in found.reasons:
        yield Text(_plain(f"- {reason}"))


def _title(found: Reconciliation) -> str:
    if not found.rows:
        return "The invoice has no lines."
    first, last = found.rows[0].day, found.rows[-1].day
    theirs = _UNKNOWN if found.invoice is None else money(found.invoice, found.currency)
    apart = "" if found.difference is None else f", difference {dollars(found.difference)}"
    return f"{first} to {last}: invoice {theirs}, ledger {dollars(found.ledger)}{apart}"


def _table(found: Reconciliation, rows: list[Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("day", "model", ""):
        table.add_column(name, overflow="fold")
    for name in ("invoice", "ledger", "difference", "tokens", "more or fewer"):
        table.add_column(name, justify="right", overflow="fold")
    for row in rows:
        amount = row.invoice.amount if row.invoice else None
        tokens = None if row.invoice is None else row.invoice
        table.add_row(
            row.day,
            Text(_plain(row.model)),
            _WORDS[row.status],
            _UNKNOWN if amount is None else money(amount, found.currency),
            dollars(row.ledger.all.cost) if row.ledger else _UNKNOWN,
            _UNKNOWN if row.difference is None else dollars(row.difference),
            _tokens(tokens),
            _UNKNOWN if row.token_difference is None else f"{row.token_difference:+,}",
        )
    return table


def _tokens(charge: Charge | None) -> str:
    if charge is None or charge.input is charge.output is None:
        return _UNKNOWN
    return f"{(charge.input or 0) + (charge.output or 0):,}"


def _plain(name: str) -> str:
    """A name from a file: nothing that a terminal would obey."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in name)


def _row(row: Row) -> dict[str, object]:
    return {
        "day": row.day,
        "model": row.model,
        "status": row.status,
        "invoice": _charge(row.invoice),
        "ledger": _booked(row.ledger),
        "difference_usd": _exact(row.difference),
        "token_difference": row.token_difference,
        "split": _split(row.split),
    }


def _charge(charge: Charge | None) -> dict[str, object] | None:
    if charge is None:
        return None
    return {
        "requests": charge.requests,
        "input_tokens": charge.input,
        "cached_tokens": charge.cached,
        "output_tokens": charge.output,
        "amount": _exact(charge.amount),
    }


def _booked(booked: Booked | None) -> dict[str, object] | None:
    if booked is None:
        return None
    return {
        "attempts": booked.all.attempts,
        "input_tokens": booked.input,
        "cached_tokens": booked.cached,
        "output_tokens": booked.output,
        "cost_usd": _exact(booked.all.cost),
        "unpriced_attempts": booked.unpriced,
        "estimated": _part(booked.estimated),
        "failed": _part(booked.failed),
        "abandoned": _part(booked.abandoned),
    }


def _part(part: Part) -> dict[str, object]:
    return {"attempts": part.attempts, "cost_usd": _exact(part.cost)}


def _split(split: Split | None) -> dict[str, object] | None:
    if split is None:
        return None
    return {
        "tokens_usd": _exact(split.tokens),
        "price_usd": _exact(split.price),
        "book_usd": _exact(split.book),
        "price_factor": split.factor,
    }


def _exact(pico: int | None) -> msgspec.Raw | None:
    """An amount as a plain number with all its digits, without an exponent."""
    if pico is None:
        return None
    digits = f"{Decimal(pico).scaleb(-12):f}"
    return msgspec.Raw((digits.rstrip("0").rstrip(".") or "0").encode())
