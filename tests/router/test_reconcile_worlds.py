"""Invoices of made-up traffic: whatever was billed, the comparison adds up and says it exactly."""

import io
import json
import random
from collections.abc import Sequence
from decimal import Decimal

import pytest
from rich.console import Console

from router.domain import Attempt, Entry, ModelId, PicoUsd, Usage
from router.prices.rates import Rate
from router.reconcile.booked import Booked, Hours, book
from router.reconcile.compare import Terms, days
from router.reconcile.invoice import Charge, Invoice
from router.reconcile.names import pair
from router.reconcile.summary import Reconciliation, reconcile
from router.reconcile.told import to_json, to_table
from tests.ledgers import DAY_US, NOON_US
from tests.router.test_reconcile_compare import CENT, DAY, USD, asked, attempt, charge, held

MODELS = ("small", "large", "other")
RATES = {
    "small": Rate(cached=10**5, input=10**6, output=4 * 10**6),
    "large": Rate(cached=10**6, input=10**7, output=6 * 10**7),
    "other": Rate(cached=3, input=7, output=11),
}
SEEDS = range(12)


def traffic(chance: random.Random, requests: int = 60) -> list[Entry]:
    """Requests of four days, some of which fell back, were left, or have no price."""
    return [
        asked(
            number,
            *(_attempt(chance) for _ in range(chance.choice((1, 1, 1, 2)))),
            at_us=NOON_US + chance.randrange(4 * DAY_US),
        )
        for number in range(requests)
    ]


def _attempt(chance: random.Random) -> Attempt:
    model = chance.choice(MODELS)
    taken, written = chance.randrange(1, 50_000), chance.randrange(1, 5_000)
    usage = Usage(input=taken, cached=chance.randrange(taken), output=written, source="billed")
    cost = None if chance.random() < 0.1 else RATES[model].cost(usage)
    return attempt(model=model, usage=usage, cost=cost)


def billed(hours: Hours, terms: Terms, factor: Decimal = Decimal(1)) -> Invoice:
    """What an honest host bills of it, in its own calendar and at `factor` of the price."""
    return Invoice(
        format="columns",
        currency="USD",
        charges=tuple(
            Charge(
                day=day,
                model=model,
                requests=sums.all.attempts,
                input=sums.input,
                cached=sums.cached,
                output=sums.output,
                amount=round(_price(model, sums) * factor),
            )
            for (day, model), sums in sorted(days(hours, terms).items())
        ),
    )


def _price(model: str, sums: Booked) -> int:
    usage = Usage(input=sums.input, cached=sums.cached, output=sums.output)
    return RATES[model].cost(usage)


def terms(hours: Hours, offset_h: int = 0) -> Terms:
    hosts: dict[str, str] = {model: model for _, model in hours}
    return Terms(names=pair(MODELS, hosts, {}), rates=RATES, offset_h=offset_h)


def shown(found: Reconciliation, width: int = 160) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(to_table(found, whole=True))
    return out.getvalue()


@pytest.mark.parametrize("seed", SEEDS)
def test_no_attempt_is_lost_or_counted_twice(seed: int) -> None:
    kept = traffic(random.Random(seed))
    hours = book(kept)
    attempts = [one for each in kept for one in each.outcome.attempts]
    booked = list(hours.values())
    assert sum(one.all.attempts for one in booked) == len(attempts)
    assert sum(one.all.cost for one in booked) == sum(one.cost or 0 for one in attempts)
    assert sum(one.input for one in booked) == sum(one.usage.input for one in attempts)
    assert sum(one.unpriced for one in booked) == sum(one.cost is None for one in attempts)
    random.Random(seed).shuffle(kept)
    assert book(kept) == hours
    halves = (book(kept[:20]), book(kept[20:]))
    for slot, sums in hours.items():
        assert halves[0].get(slot, Booked()).plus(halves[1].get(slot, Booked())) == sums


@pytest.mark.parametrize("offset_h", [-12, -8, 0, 5, 14])
def test_days_of_any_calendar_hold_the_same_hours(offset_h: int) -> None:
    hours = book(traffic(random.Random(1)))
    sums = days(hours, terms(hours, offset_h))
    assert sum(one.all.cost for one in sums.values()) == sum(o.all.cost for o in hours.values())
    whole = days(hours, terms(hours, offset_h), whole=True)
    assert {model for _, model in whole} == {"all models"}
    for day, model in whole:
        parts = [one for (other, _), one in sums.items() if other == day]
        assert sum(one.output for one in parts) == whole[day, model].output


@pytest.mark.parametrize("offset_h", [-12, -5, 0, 8, 14])
@pytest.mark.parametrize("seed", SEEDS[:4])
def test_an_honest_invoice_matches_in_its_own_calendar(seed: int, offset_h: int) -> None:
    priced = [
        one
        for one in traffic(random.Random(seed))
        if all(each.cost is not None for each in one.outcome.attempts)
    ]
    hours = book(priced)
    said = terms(hours, offset_h)
    found = reconcile(billed(hours, said), hours, said)
    assert (found.matched, found.difference, found.reasons) == (True, 0, ())
    assert all(row.token_difference == 0 for row in found.rows)


@pytest.mark.parametrize("factor", ["0.5", "0.97", "1", "1.25", "7.3"])
@pytest.mark.parametrize("seed", SEEDS[:4])
def test_the_parts_of_a_difference_add_up_to_it(seed: int, factor: str) -> None:
    """Whatever differs: the invoice is at another price and of other requests than the ledger."""
    chance = random.Random(seed)
    kept = traffic(chance)
    said = terms(book(kept))
    invoice = billed(book(kept), said, Decimal(factor))
    found = reconcile(invoice, book(kept[chance.randrange(30) :]), said)
    assert found.invoice == sum(one.amount or 0 for one in invoice.charges)
    assert found.difference == found.invoice - found.ledger
    both = [row for row in found.rows if row.split is not None]
    assert both
    for row in both:
        split = row.split
        assert split is not None
        assert split.tokens + split.price + split.book == row.difference
        assert split.factor == pytest.approx(float(factor), abs=1e-4)
    assert found.ledger == sum(row.ledger.all.cost for row in found.rows if row.ledger)


def test_the_order_of_an_invoice_is_of_no_matter() -> None:
    hours = book(traffic(random.Random(3)))
    said = terms(hours)
    invoice = billed(hours, said, Decimal("1.1"))
    backwards = Invoice(format="columns", currency="USD", charges=invoice.charges[::-1])
    assert reconcile(backwards, hours, said) == reconcile(invoice, hours, said)


def test_a_credit_takes_off_what_was_billed() -> None:
    found = held([charge(5 * CENT), charge(-3 * CENT, input=0, output=0)], [asked(1)])
    assert (found.matched, found.invoice) == (True, 2 * CENT)
    refund = held([charge(-200 * USD)], [asked(1)])
    assert refund.difference == -200 * USD - 2 * CENT
    assert "invoice -$200.00, ledger $0.020000, difference -$200.02" in shown(refund)


@pytest.mark.parametrize(
    ("amount", "tolerance", "matched"),
    [
        (100 * USD, 0.01, True),
        (100 * USD + USD, 0.01, True),
        (101 * USD + 2 * CENT, 0.01, False),
        (100 * USD + CENT, 0.0, True),
        (100 * USD + CENT + 1, 0.0, False),
        (100 * USD - CENT, 0.0, True),
        (100 * USD - CENT - 1, 0.0, False),
        (0, 1.0, False),
        (10**6 * USD, 1.0, True),
    ],
)
def test_the_tolerance_ends_where_it_is_said(amount: int, tolerance: float, matched: bool) -> None:
    """A cent is always allowed, and the tolerance is a share of what the invoice says."""
    paid = asked(1, attempt(cost=PicoUsd(100 * USD)))
    assert held([charge(amount)], [paid], tolerance=tolerance).matched == matched


def test_a_line_that_says_neither_tokens_nor_money_differs_from_everything() -> None:
    (row,) = held([charge(None, input=None, output=None)], [asked(1)]).rows
    assert (row.status, row.difference, row.token_difference) == ("differs", None, None)


def test_tokens_of_one_side_alone_are_compared() -> None:
    (row,) = held([charge(None, input=None, output=130)], [asked(1)]).rows
    assert (row.status, row.token_difference) == ("differs", 30)
    assert "+30" in shown(held([charge(None, input=None, output=130)], [asked(1)]))


@pytest.mark.parametrize("currency", ["USD", "CNY"])
def test_json_says_every_digit_of_what_the_table_rounds(currency: str) -> None:
    dear = asked(1, attempt(cost=PicoUsd(12_345_678_901_234_567)))
    found = held([charge(98_765_432_109_876_543)], [dear], currency=currency)
    document = json.loads(to_json(found), parse_float=Decimal)
    assert document["invoice_amount"] == Decimal("98765.432109876543")
    assert document["ledger_usd"] == Decimal("12345.678901234567")
    assert document["currency"] == currency
    apart = Decimal("86419.753208641976") if currency == "USD" else None
    assert document["difference_usd"] == document["rows"][0]["difference_usd"] == apart
    told = shown(found)
    assert ("$98,765.43" if currency == "USD" else "98,765.43 CNY") in told
    assert "$12,345.68" in told


def test_no_figure_is_cut_short_however_narrow_the_terminal() -> None:
    """A cell that does not fit goes on in the next line; "98,76…" would be read as a number."""
    found = held([charge(98_765 * USD, input=10**9)], [asked(1)])
    for width in (40, 80, 300):
        assert "…" not in shown(found, width)
    for figure in ("$98,765.00", "$0.020000", "$98,764.98", "+999,999,000"):
        assert figure in shown(found, 300)


@pytest.mark.parametrize("name", ["\x1b]0;x\x07", "a\u202eb", "tab\there", "\x00"])
def test_a_model_moves_no_terminal(name: str) -> None:
    told = shown(held([charge(model=name)], [asked(1)]))
    assert name not in told
    assert "\ufffd" in told
    rows = json.loads(to_json(held([charge(model=name)], [asked(1)])))["rows"]
    assert name in {row["model"] for row in rows}


def test_an_ambiguous_name_is_asked_for() -> None:
    entries: Sequence[Entry] = [
        asked(number, attempt(model=name))
        for number, name in enumerate(("k2-2026-01-01", "k2-2026-05-05"))
    ]
    found = held([charge(model="k2")], list(entries))
    assert "k2 could be several models of the ledger: say which with --map k2=MODEL" in found.notes
    sure = held([charge(model="k2")], list(entries[:1]), said={"k2": "k2-2026-01-01"})
    assert sure.matched
    assert sure.rows[0].day == DAY
    assert ModelId(sure.rows[0].model) == "host/k2-2026-01-01"
