"""Windows, limits, and what is told to who passes them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.budgets import Fill, caps_of, is_over, is_soft, refusal, used_share
from router.config.access import Budget, Key, Limit
from tests.budgets import NOON_US, USD, daily, monthly
from tests.router.test_config_checks import config as plain
from tests.router.test_config_checks import with_callers

DAY_US = 86_400_000_000


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def test_a_day_and_a_month_begin_and_end_in_utc() -> None:
    day, month = daily(at_us=NOON_US), monthly(at_us=NOON_US)
    assert (day.window, month.window) == ("team/2026-11-26", "team/2026-11")
    assert (day.since_us, day.until_us) == (us("2026-11-26"), us("2026-11-27"))
    assert (month.since_us, month.until_us) == (us("2026-11-01"), us("2026-12-01"))
    assert daily(at_us=us("2026-11-27") - 1).window == day.window
    assert daily(at_us=us("2026-11-27")).window == "team/2026-11-27"
    assert monthly(at_us=us("2026-12-31")).until_us == us("2027-01-01")
    assert monthly(scope="", at_us=us("2028-02-29")).window == "/2028-02"


def test_simulated_money_has_windows_of_its_own() -> None:
    played = daily(simulated=True, at_us=NOON_US)
    assert played.window == "team/2026-11-26/simulated"
    said = str(refusal(played, Fill(window=played.window, spent=100), 1, NOON_US))
    assert "0.0000 of 0.0000 simulated USD are spent" in said


@given(st.integers(0, 4_000_000_000_000_000))
def test_every_moment_is_in_its_window_and_the_next_begins_where_it_ends(at_us: int) -> None:
    for make in (daily, monthly):
        here = make(at_us=at_us)
        assert here.since_us <= at_us < here.until_us
        following = make(at_us=here.until_us)
        assert following.since_us == here.until_us
        assert following.window != here.window


def test_a_key_is_under_its_own_caps_and_those_of_all() -> None:
    budget = Budget(daily=Limit(soft_usd=0.1, hard_usd=0.3), monthly=Limit(hard_usd=2.0))
    caps = caps_of(
        with_callers(
            keys=(Key(name="team", hash="0" * 64, budget=budget), Key(name="b", hash="1" * 64)),
            budget=Budget(monthly=Limit(soft_usd=50)),
        )
    )
    assert [(one.scope, one.period, one.soft, one.hard) for one in caps["team"]] == [
        ("team", "daily", USD // 10, 3 * USD // 10),
        ("team", "monthly", None, 2 * USD),
        ("", "monthly", 50 * USD, None),
    ]
    assert caps["b"] == caps[""] == caps["team"][2:]
    assert caps_of(plain()) == {"": ()}


def test_limits_are_reached_at_their_amount() -> None:
    today = daily(100, soft=80)
    window = today.window
    assert not is_soft(today, Fill(window=window, spent=79, held=50))
    assert is_soft(today, Fill(window=window, spent=80))
    assert not is_over(today, Fill(window=window, spent=60, held=30), 10)
    assert is_over(today, Fill(window=window, spent=60, held=30), 11)
    assert not is_over(daily(None, soft=1), Fill(window=window, spent=10**20), 10**20)
    assert is_over(daily(0), Fill(window=window), 1), "a limit of nothing is a limit"


def test_the_share_used_is_of_the_hard_limit_else_of_the_soft_one() -> None:
    fill = Fill(window=daily().window, spent=40)
    assert used_share(daily(80, soft=20), fill) == 0.5
    assert used_share(daily(None, soft=20), fill) == 2.0
    assert used_share(daily(0), fill) == 1.0


def test_who_has_spent_all_is_told_when_it_begins_anew() -> None:
    today = daily(5 * USD, at_us=NOON_US)
    fill = Fill(window=today.window, spent=5 * USD - USD // 100)
    error = refusal(today, fill, USD // 25, NOON_US)
    assert str(error) == (
        "The daily budget of key `team` does not cover this request: 4.9900 of 5.0000 USD are "
        "spent, 0.0000 are set aside for requests under way, and this one may cost 0.0400. "
        "It begins anew at 2026-11-27T00:00:00Z."
    )
    assert (error.status, error.code, error.lasting) == (429, "budget_exceeded", True)
    assert error.retry_after_s == 43_200


def test_who_only_has_to_wait_for_others_is_told_that() -> None:
    today = daily(5 * USD, at_us=NOON_US)
    error = refusal(today, Fill(window=today.window, held=5 * USD), USD, NOON_US)
    assert str(error).endswith("when requests under way are over: try again shortly.")
    assert not error.lasting
    assert error.retry_after_s is not None
    assert error.retry_after_s < 10


@pytest.mark.parametrize("spent", [0, 9 * USD])
def test_what_all_have_spent_together_is_told_to_nobody(spent: int) -> None:
    month = monthly(9 * USD, scope="")
    said = str(refusal(month, Fill(window=month.window, spent=spent, held=9 * USD), USD, NOON_US))
    assert said.startswith("The monthly budget of this router does not cover this request. ")
    assert "9." not in said
