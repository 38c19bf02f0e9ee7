"""A comparison as a whole: its totals, and in sentences what explains the differences."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from router.reconcile.booked import Booked, Hours, Part
from router.reconcile.compare import Row, Split, Terms, better_offset, compare
from router.reconcile.invoice import BadLine, Format, Invoice

_CENT: Final = 10**10
_SAME: Final = 0.002
"""A price factor this close to one is the price book's own price."""


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """Invoice and ledger, side by side. Money is pico-USD, or pico of the invoice's currency."""

    format: Format
    currency: str
    offset_h: int
    rows: tuple[Row, ...]
    matched: bool
    """Whether every row does."""
    invoice: int | None
    """The whole invoice; null where it has no amounts."""
    ledger: int
    difference: int | None
    """Invoice less ledger; null in another currency than the dollar."""
    reasons: tuple[str, ...]
    """What explains the difference, in sentences."""
    notes: tuple[str, ...]
    """What to know about the file and about what was compared."""
    bad_lines: tuple[BadLine, ...] = ()


def reconcile(
    invoice: Invoice, hours: Hours, terms: Terms, notes: Sequence[str] = ()
) -> Reconciliation:
    """Hold `invoice` against the ledger's sums."""
    rows = compare(invoice, hours, terms)
    amounts = [charge.amount for charge in invoice.charges if charge.amount is not None]
    billed = sum(amounts) if amounts else None
    ours = sum(row.ledger.all.cost for row in rows if row.ledger)
    dollars = invoice.currency == "USD"
    return Reconciliation(
        format=invoice.format,
        currency=invoice.currency,
        offset_h=terms.offset_h,
        rows=rows,
        matched=all(row.status == "matched" for row in rows),
        invoice=billed,
        ledger=ours,
        difference=billed - ours if billed is not None and dollars else None,
        reasons=(*_by_calendar(invoice, hours, terms), *_reasons(rows, invoice.currency)),
        notes=(*_about(invoice, terms), *notes),
        bad_lines=invoice.bad_lines,
    )


def dollars(pico: int) -> str:
    """An amount as people read it: to the cent, and less than a dollar to the millionth."""
    places = 2 if abs(pico) >= 100 * _CENT else 6
    amount = Decimal(pico).scaleb(-12)
    return f"-${-amount:,.{places}f}" if pico < 0 else f"${amount:,.{places}f}"


def money(pico: int, currency: str) -> str:
    """An amount of the invoice's currency."""
    return dollars(pico) if currency == "USD" else f"{Decimal(pico).scaleb(-12):,.2f} {currency}"


def _by_calendar(invoice: Invoice, hours: Hours, terms: Terms) -> Iterator[str]:
    offset = better_offset(invoice, hours, terms)
    if offset is not None:
        yield (
            f"the days of the invoice seem to begin at UTC{offset:+d} hours and not at"
            f" UTC{terms.offset_h:+d}: try --utc-offset {offset}"
        )


def _reasons(rows: Sequence[Row], currency: str) -> Iterator[str]:
    differing = [row for row in rows if row.status != "matched"]
    yield from _lonely(differing, currency)
    splits = [row.split for row in differing if row.split]
    yield from _of_splits(splits)
    booked = [row.ledger for row in differing if row.status == "differs" and row.ledger]
    yield from _guesses(booked)
    more = sum(
        (row.invoice.requests or 0) - row.ledger.all.attempts
        for row in differing
        if row.invoice and row.ledger and row.invoice.requests is not None
    )
    if more > 0:
        yield (
            f"the invoice has {more:,} requests more than the ledger: something else uses the same"
            " account, or entries were lost"
        )


def _lonely(rows: Sequence[Row], currency: str) -> Iterator[str]:
    theirs = [row for row in rows if row.status == "invoice_only"]
    if theirs:
        billed = sum(row.invoice.amount or 0 for row in theirs if row.invoice)
        yield (
            f"only on the invoice: {_models(theirs)}, {money(billed, currency)}; not sent by this"
            " router, or of another name there (--map)"
        )
    ours = [row for row in rows if row.status == "ledger_only"]
    if ours:
        cost = sum(row.ledger.all.cost for row in ours if row.ledger)
        yield (
            f"only in the ledger: {_models(ours)}, {dollars(cost)}; billed elsewhere or later, or"
            " of another name there (--map)"
        )


def _models(rows: Sequence[Row]) -> str:
    return ", ".join(sorted({row.model for row in rows}))


def _of_splits(splits: Sequence[Split]) -> Iterator[str]:
    tokens, price, book = (
        sum(getattr(split, name) for split in splits) for name in ("tokens", "price", "book")
    )
    if abs(tokens) >= _CENT:
        side = "more" if tokens > 0 else "fewer"
        yield f"the invoice has {side} tokens than the ledger: {dollars(tokens)} of the difference"
    factors = [split.factor for split in splits if split.factor is not None]
    if abs(price) >= _CENT and any(abs(factor - 1) > _SAME for factor in factors):
        low, high = min(factors), max(factors)
        span = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        yield (
            f"the invoice has other prices than the price book: {dollars(price)} of the difference;"
            f" it charges {span} for each dollar of the book"
        )
    if abs(book) >= _CENT:
        yield (
            f"the ledger was priced otherwise than by today's price book: {dollars(book)} of the"
            " difference"
        )


def _guesses(booked: Sequence[Booked]) -> Iterator[str]:
    """What the ledger does not know but guessed: no difference in itself, but where one may lie."""
    told: tuple[tuple[Callable[[Booked], Part], str], ...] = (
        (lambda one: one.estimated, "answers came without a count of tokens and are estimated"),
        (lambda one: one.failed, "attempts failed while the host was at work; it may bill or not"),
        (lambda one: one.abandoned, "attempts were left by their callers; hosts often go on"),
    )
    for part, what in told:
        attempts = sum(part(one).attempts for one in booked)
        if attempts:
            cost = dollars(sum(part(one).cost for one in booked))
            yield f"{attempts:,} {what}: {cost} in the ledger"
    unpriced = sum(one.unpriced for one in booked)
    if unpriced:
        yield f"{unpriced:,} attempts have no price in the ledger and count as nothing there"


def _about(invoice: Invoice, terms: Terms) -> Iterator[str]:
    yield from invoice.notes
    if invoice.currency != "USD":
        yield (
            f"the invoice is in {invoice.currency}, the ledger in US dollars: only tokens are"
            " compared"
        )
    if not any(charge.amount is not None for charge in invoice.charges):
        yield "the file has no amounts: only tokens are compared"
    if invoice.bad_lines:
        first = invoice.bad_lines[0]
        yield (
            f"{len(invoice.bad_lines):,} lines could not be read and are left out, the first is"
            f" line {first.line}: {first.reason}"
        )
    for name in terms.names.ambiguous:
        yield f"{name} could be several models of the ledger: say which with --map {name}=MODEL"
