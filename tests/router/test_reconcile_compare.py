"""The invoice beside the ledger: what agrees, and what explains the rest."""

from msgspec.structs import replace

from router.domain import Attempt, Entry, Fault, ModelId, Outcome, PicoUsd, Usage, UsageSource
from router.prices.rates import Rate
from router.reconcile.booked import HOUR_US, Booked, Part, book
from router.reconcile.compare import Row, Terms
from router.reconcile.invoice import Charge, Invoice
from router.reconcile.names import pair
from router.reconcile.summary import Reconciliation, reconcile
from tests.ledgers import DAY_US, NOON_US, entry

USD = 10**12
CENT = USD // 100
RATE = Rate(cached=10**6, input=10**7, output=10**8)
"""Ten dollars a million tokens in, a hundred out: a request of 1,000 and 100 costs two cents."""
DAY = "2026-11-23"


def attempt(
    *,
    model: str = "small",
    fault: Fault | None = None,
    source: UsageSource = "billed",
    tokens: tuple[int, int] = (1_000, 100),
    **more: object,
) -> Attempt:
    usage = Usage(input=tokens[0], output=tokens[1], source=source)
    fields: dict[str, object] = {
        "model": ModelId(model),
        "tier": "easy",
        "fault": fault,
        "usage": usage,
        "cost": RATE.cost(usage),
    }
    return Attempt(**{**fields, **more})  # type: ignore[arg-type]  # tests name the fields they mean


def asked(number: int, *attempts: Attempt, at_us: int = NOON_US, **more: object) -> Entry:
    outcome = Outcome(status=200, attempts=attempts or (attempt(),))
    return entry(number, at_us=at_us, outcome=outcome, **more)


def charge(amount: int | None = 2 * CENT, **more: object) -> Charge:
    fields: dict[str, object] = {
        "day": DAY,
        "model": "host/small",
        "requests": 1,
        "input": 1_000,
        "cached": 0,
        "output": 100,
    }
    return Charge(amount=amount, **{**fields, **more})  # type: ignore[arg-type]  # likewise


def held(
    charges: list[Charge],
    entries: list[Entry],
    *,
    currency: str = "USD",
    said: dict[str, str] | None = None,
    **more: object,
) -> Reconciliation:
    invoice = Invoice(format="columns", currency=currency, charges=tuple(charges))
    hours = book(entries)
    hosts: dict[str, str] = {model: f"host/{model}" for _, model in hours}
    names = pair([one.model for one in charges if one.model], hosts, said or {})
    terms = Terms(names=names, rates={"host/small": RATE})
    return reconcile(invoice, hours, replace(terms, **more))


def only(found: Reconciliation) -> Row:
    (row,) = found.rows
    return row


def test_what_agrees_is_matched_and_needs_no_explanation() -> None:
    found = held([charge()], [asked(1)])
    assert found.matched
    assert (found.invoice, found.ledger, found.difference) == (2 * CENT, 2 * CENT, 0)
    assert found.reasons == found.notes == ()


def test_less_than_a_cent_and_less_than_the_tolerance_are_no_difference() -> None:
    many = [asked(number) for number in range(1_000)]
    big = {"requests": 1_000, "input": 1_000_000, "output": 100_000}
    assert held([charge(2 * CENT + CENT // 2)], [asked(1)]).matched
    assert held([charge(20 * USD + 15 * CENT, **big)], many).matched
    assert not held([charge(20 * USD + 25 * CENT, **big)], many).matched
    assert held([charge(20 * USD + 25 * CENT, **big)], many, tolerance=0.02).matched


def test_each_attempt_is_booked_at_the_model_that_it_was_made_at() -> None:
    fell_back = asked(1, attempt(fault="cut", tokens=(1_000, 40)), attempt(model="large"))
    booked: dict[str, Booked] = {model: sums for (_, model), sums in book([fell_back]).items()}
    assert booked["small"].failed == Part(attempts=1, cost=CENT + 4 * CENT // 10)
    assert booked["small"].all == booked["small"].failed
    assert booked["large"].all.attempts == 1
    assert booked["large"].failed == Part()


def test_what_no_host_has_seen_is_not_booked() -> None:
    refused = attempt(fault="connect", source="none", tokens=(0, 0))
    entries = [asked(1, refused), asked(2, simulated=True), asked(3, estimated=True)]
    assert [one.all for one in book(entries).values()] == [Part()]
    assert held([charge()], entries[:1]).rows[0].ledger == Booked()


def test_an_attempt_counts_in_the_hour_in_which_it_began() -> None:
    slow = attempt(fault="timeout", duration_ms=7_200_000.0)
    assert [(start - NOON_US) // HOUR_US for start, _ in book([asked(1, slow, attempt())])] == [
        0,
        2,
    ]


def test_tokens_price_and_book_add_up_to_the_difference() -> None:
    """The host counted twice the input, charges a quarter more, and one answer had no price."""
    entries = [asked(1), asked(2, attempt(cost=None))]
    found = held([charge(9 * CENT, requests=2, input=4_000, output=200)], entries)
    row = only(found)
    assert row.status == "differs"
    assert row.token_difference == 2_000
    assert row.split is not None
    assert (row.split.tokens, row.split.price, row.split.book) == (2 * CENT, 3 * CENT, 2 * CENT)
    assert row.split.tokens + row.split.price + row.split.book == row.difference == 7 * CENT
    assert row.split.factor == 1.5
    told = "\n".join(found.reasons)
    assert "more tokens than the ledger: $0.020000 of the difference" in told
    assert "other prices than the price book: $0.030000 of the difference" in told
    assert "it charges 1.5 for each dollar of the book" in told
    assert "1 attempts have no price in the ledger" in told


def test_where_the_invoice_says_nothing_of_the_cache_the_ledgers_share_is_taken() -> None:
    usage = Usage(input=1_000, cached=500, output=100, source="billed")
    half = asked(1, attempt(usage=usage, cost=RATE.cost(usage)))
    row = only(held([charge(10 * CENT, cached=None)], [half]))
    assert row.split is not None
    assert row.split.tokens == 0


def test_what_the_ledger_guessed_is_told_where_something_differs() -> None:
    entries = [
        asked(1, attempt(source="estimated")),
        asked(2, attempt(fault="client_left", source="estimated")),
        asked(3, attempt(fault="stall", source="estimated")),
        asked(4),
    ]
    told = "\n".join(held([charge(12 * CENT, requests=9)], entries).reasons)
    assert "1 answers came without a count of tokens and are estimated: $0.020000" in told
    assert "1 attempts failed while the host was at work" in told
    assert "1 attempts were left by their callers" in told
    assert "the invoice has 5 requests more than the ledger" in told
    assert held([charge(8 * CENT, input=4_000, output=400)], entries).reasons == ()


def test_models_that_only_one_side_knows_are_named_with_their_money() -> None:
    found = held([charge(model="host/other")], [asked(1)])
    assert [row.status for row in found.rows] == ["invoice_only", "ledger_only"]
    told = "\n".join(found.reasons)
    assert "only on the invoice: host/other, $0.020000" in told
    assert "only in the ledger: host/small, $0.020000" in told
    assert held([charge(model="host/other")], [asked(1)], said={"host/other": "small"}).matched


def test_names_may_differ_in_provider_variant_and_date() -> None:
    for name in ("small", "Host/Small", "small-2026-11-01", "other/small-20261101:free"):
        assert held([charge(model=name)], [asked(1)]).matched, name
    two = pair(["gpt"], {"a": "gpt-2024-05-13", "b": "gpt-2024-08-06"}, {})
    assert two.ambiguous == ("gpt",)
    exact = pair(["gpt-2024-08-06"], {"a": "gpt-2024-05-13", "b": "gpt-2024-08-06"}, {})
    assert exact.of_invoice == {"gpt-2024-08-06": "gpt-2024-08-06"}


def test_several_names_of_one_model_are_one_row_on_both_sides() -> None:
    charges = [charge(model="small"), charge(model="host/small")]
    assert held(charges, [asked(1), asked(2)]).matched


def test_an_invoice_by_the_day_alone_is_held_against_all_models() -> None:
    bare = Charge(day=DAY, amount=4 * CENT)
    found = held([bare], [asked(1), asked(2, attempt(model="large"))])
    assert found.matched
    assert only(found).model == "all models"


def test_days_outside_the_invoice_are_no_difference() -> None:
    entries = [asked(number, at_us=NOON_US + (number - 2) * DAY_US) for number in range(1, 4)]
    found = held([charge(2 * CENT)], entries)
    assert found.matched
    assert found.ledger == 2 * CENT


def test_another_currency_compares_tokens_only() -> None:
    found = held([charge(15 * CENT)], [asked(1)], currency="CNY")
    row = only(found)
    assert (row.status, row.difference, row.token_difference) == ("matched", None, 0)
    assert found.difference is None
    assert "only tokens are compared" in found.notes[0]
    assert not held([charge(15 * CENT, input=2_000)], [asked(1)], currency="CNY").matched


def test_a_calendar_that_begins_elsewhere_is_found() -> None:
    """Twice as many requests each day, all at 20:00 UTC: in China that is the next day."""
    evening = NOON_US + 8 * HOUR_US
    entries = [
        asked(100 * day + number, at_us=evening + day * DAY_US)
        for day in range(4)
        for number in range(2**day)
    ]
    charges = [
        charge(2 * CENT * n, day=f"2026-11-{day}", input=1_000 * n, output=100 * n)
        for day, n in ((24, 1), (25, 2), (26, 4), (27, 8))
    ]
    found = held(charges, entries)
    assert not found.matched
    assert found.reasons[0].endswith("try --utc-offset 4")
    assert held(charges, entries, offset_h=8).matched
    assert held(charges, entries, offset_h=8).reasons == ()


def test_days_that_differ_otherwise_are_not_blamed_on_the_calendar() -> None:
    entries = [asked(number, at_us=NOON_US + number * DAY_US // 4) for number in range(12)]
    charges = [
        charge(10 * CENT, day=f"2026-11-{23 + day}", input=5_000, output=500) for day in range(3)
    ]
    assert not any("--utc-offset" in reason for reason in held(charges, entries).reasons)


def test_an_amount_beyond_64_bits_is_added_up_exactly() -> None:
    dear = PicoUsd(2**63)
    found = held([charge(2**64)], [asked(number, attempt(cost=dear)) for number in range(2)])
    assert found.difference == 0
