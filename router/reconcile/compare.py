"""The invoice beside the ledger, by day and model: what agrees, what does not, and why."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias

import msgspec

from router.domain import Usage
from router.prices.rates import Rate
from router.reconcile.booked import Booked, Days, Hours
from router.reconcile.invoice import Charge, Invoice
from router.reconcile.names import Names

Status: TypeAlias = Literal["matched", "differs", "invoice_only", "ledger_only"]
ALL_MODELS: Final = "all models"
"""The model of a line that is for a whole day."""
_CENT: Final = 10**10
"""Less than a cent is no difference, however little was spent."""


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """A difference in money taken apart, pico-USD. The three add up to it."""

    tokens: int
    """The invoice has more tokens, or fewer: at today's prices."""
    price: int
    """It has other prices than today's price book."""
    book: int
    """The ledger was priced by another book, or not priced at all."""
    factor: float | None
    """What the invoice charges, for one dollar by the price book."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One day and model."""

    day: str
    model: str
    status: Status
    invoice: Charge | None
    ledger: Booked | None
    difference: int | None = None
    """Invoice less ledger, pico-USD; null where it is in another currency, or not said."""
    token_difference: int | None = None
    """Likewise in tokens, input and output; null where the invoice has none."""
    split: Split | None = None


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How the two are held side by side."""

    names: Names
    rates: Mapping[str, Rate]
    """Today's prices by the provider's name of the model, as far as they are known."""
    tolerance: float = 0.01
    """Share of the invoice that is no difference."""
    offset_h: int = 0
    """Where the invoice's days begin: hours that its calendar is ahead of UTC."""


def compare(invoice: Invoice, hours: Hours, terms: Terms) -> tuple[Row, ...]:
    """A row for each day and model that either has, within the days of the invoice."""
    charges = {
        (charge.day, _invoice_model(charge, terms)): charge for charge in _renamed(invoice, terms)
    }
    if not charges:
        return ()
    whole_days = all(charge.model is None for charge in invoice.charges)
    first, last = min(day for day, _ in charges), max(day for day, _ in charges)
    booked = {
        slot: sums
        for slot, sums in days(hours, terms, whole=whole_days).items()
        if first <= slot[0] <= last and (sums.all.attempts or slot in charges)
    }
    dollars = invoice.currency == "USD"
    return tuple(
        _row(slot, charges.get(slot), booked.get(slot), terms, dollars=dollars)
        for slot in sorted(charges.keys() | booked.keys())
    )


def days(hours: Hours, terms: Terms, *, whole: bool = False) -> Days:
    """The ledger's sums by the invoice's days and names of models; `whole`: over all models."""
    found: dict[tuple[str, str], Booked] = {}
    for (start_us, model), booked in hours.items():
        moment = datetime.fromtimestamp(start_us // 1_000_000, UTC)
        day = (moment + timedelta(hours=terms.offset_h)).date().isoformat()
        slot = (day, ALL_MODELS if whole else terms.names.of_ledger.get(model, model))
        found[slot] = found.get(slot, Booked()).plus(booked)
    return found


def _invoice_model(charge: Charge, terms: Terms) -> str:
    if charge.model is None:
        return ALL_MODELS
    return terms.names.of_invoice.get(charge.model, charge.model)


def _renamed(invoice: Invoice, terms: Terms) -> Sequence[Charge]:
    """The charges, those together that are of one model under several names."""
    found: dict[tuple[str, str], Charge] = {}
    for charge in invoice.charges:
        slot = (charge.day, _invoice_model(charge, terms))
        found[slot] = found[slot].plus(charge) if slot in found else charge
    return list(found.values())


def _row(
    slot: tuple[str, str],
    charge: Charge | None,
    booked: Booked | None,
    terms: Terms,
    *,
    dollars: bool,
) -> Row:
    day, model = slot
    if charge is None or booked is None:
        status: Status = "invoice_only" if booked is None else "ledger_only"
        return Row(day=day, model=model, status=status, invoice=charge, ledger=booked)
    money = None if charge.amount is None or not dollars else charge.amount - booked.all.cost
    tokens = _token_difference(charge, booked)
    return Row(
        day=day,
        model=model,
        status="matched" if _agree(charge, booked, money, tokens, terms) else "differs",
        invoice=charge,
        ledger=booked,
        difference=money,
        token_difference=tokens,
        split=None if money is None else _split(charge, booked, terms.rates.get(model)),
    )


def _token_difference(charge: Charge, booked: Booked) -> int | None:
    pairs = ((charge.input, booked.input), (charge.output, booked.output))
    known = [(theirs, ours) for theirs, ours in pairs if theirs is not None]
    return sum(theirs - ours for theirs, ours in known) if known else None


def _agree(
    charge: Charge, booked: Booked, money: int | None, tokens: int | None, terms: Terms
) -> bool:
    """Whether the money agrees; the tokens, where there is no money to compare."""
    if money is not None and charge.amount is not None:
        return abs(money) <= max(_CENT, terms.tolerance * abs(charge.amount))
    theirs = (charge.input or 0) + (charge.output or 0)
    return tokens is not None and abs(tokens) <= terms.tolerance * theirs


def _split(charge: Charge, booked: Booked, rate: Rate | None) -> Split | None:
    """Why the money differs; null where the price or the invoice's tokens are not known."""
    if rate is None or charge.input is None or charge.output is None or charge.amount is None:
        return None
    share = booked.cached / booked.input if booked.input else 0.0
    cached = round(charge.input * share) if charge.cached is None else charge.cached
    theirs = rate.cost(Usage(input=charge.input, cached=cached, output=charge.output))
    ours = rate.cost(Usage(input=booked.input, cached=booked.cached, output=booked.output))
    return Split(
        tokens=theirs - ours,
        price=charge.amount - theirs,
        book=ours - booked.all.cost,
        factor=round(charge.amount / theirs, 4) if theirs else None,
    )


def better_offset(invoice: Invoice, hours: Hours, terms: Terms) -> int | None:
    """The offset from UTC at which the days agree far better than as they are; null if none does.

    Half of what differs has to go: days differ for other reasons too.
    """
    now = _distance(invoice, hours, terms)
    if len({charge.day for charge in invoice.charges}) < 2 or now == 0:  # noqa: PLR2004  # a pair
        return None
    tried = {
        offset: _distance(invoice, hours, msgspec.structs.replace(terms, offset_h=offset))
        for offset in range(-12, 15)
        if offset != terms.offset_h
    }
    best = min(tried, key=lambda offset: (tried[offset], abs(offset)))
    return best if tried[best] <= now / 2 else None


def _distance(invoice: Invoice, hours: Hours, terms: Terms) -> int:
    """How much differs over all rows: tokens where the invoice has them, else money."""
    by_tokens = any(charge.input is not None for charge in invoice.charges)
    return sum(_apart(row, by_tokens=by_tokens) for row in compare(invoice, hours, terms))


def _apart(row: Row, *, by_tokens: bool) -> int:
    theirs, ours = row.invoice or Charge(day=row.day), row.ledger or Booked()
    if not by_tokens:
        return abs((theirs.amount or 0) - ours.all.cost)
    return abs((theirs.input or 0) + (theirs.output or 0) - ours.input - ours.output)
