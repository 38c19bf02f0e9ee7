"""`gearshift keys`, at the edges: of names, amounts, days and months."""

import json
import time
import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.budgets import Fill, bound, caps_of, is_over, is_soft
from router.cli.keys import keys
from router.config.access import Budget, Key, Limit
from router.config.load import load
from router.config.names import NAME
from router.config.schema import Config
from router.domain import Caller, Cost, PicoUsd
from router.ledger.place import place
from tests.commands import done, typed
from tests.ledgers import DAY_US, entry, open_spool
from tests.router.test_config_callers import FILE
from tests.router.test_config_checks import with_callers

NOW_US = time.time_ns() // 1_000
TODAY_US = NOW_US // DAY_US * DAY_US
MONTH_US = (
    int(datetime.fromtimestamp(NOW_US / 1e6, UTC).replace(day=1).timestamp()) // 86_400 * DAY_US
)
PICO = 10**12
_names = st.from_regex(NAME, fullmatch=True).filter(lambda name: len(name) <= 64)
_amounts = st.floats(0, 1_000_000, allow_nan=False)


def limited(soft: float, hard: float) -> Config:
    budget = Budget(daily=Limit(soft_usd=soft, hard_usd=hard))
    return with_callers(keys=(Key(name="team", hash="a" * 64, budget=budget),))


def configured(home: Path, *tables: str) -> Path:
    file = home / "router.toml"
    file.write_text(FILE + "".join(tables))
    return file


def table(name: str, *limits: str) -> str:
    digest = name.encode().hex().ljust(64, "0")
    lines = "".join(f"budget.{limit}\n" for limit in limits)
    return f'\n[[key]]\nname = "{name}"\nhash = "{digest}"\n{lines}'


def spent(home: Path, *said: tuple[str, int, int]) -> None:
    """Requests of keys, at a moment, for pico-USD."""
    spool = open_spool(place(str(home)))
    for number, (key, at_us, amount) in enumerate(said):
        cost = Cost(actual=PicoUsd(amount))
        spool.record(entry(number, at_us=at_us, caller=Caller(key=key), cost=cost))
    spool.close()


def listed(home: Path, file: Path) -> dict[str | None, dict[str, dict[str, Decimal | str]]]:
    shown = done(home, keys, "list", "--config", file, "--json").stdout
    return {one["key"]: one for one in json.loads(shown, parse_float=Decimal)["keys"]}


@settings(max_examples=40, deadline=None)
@given(name=_names, daily=_amounts, monthly=st.none() | _amounts)
def test_any_name_and_any_limit_come_back_from_the_table_that_is_pasted(
    name: str, daily: float, monthly: float | None
) -> None:
    words = ["--daily-usd", str(daily)] + (
        [] if monthly is None else ["--monthly-usd", str(monthly)]
    )
    with TemporaryDirectory() as folder:
        told = typed(Path(folder), keys, "new", *words, "--", name)
        if name == "default":
            assert told.exit_code == 2
            return
        file = configured(Path(folder), told.stdout)
        (key,) = load(file).key
    assert (key.name, key.budget.daily.hard_usd, key.budget.monthly.hard_usd) == (
        name,
        daily,
        monthly,
    )


@pytest.mark.parametrize(
    "amount", ["nan", "NaN", "-nan", "inf", "-inf", "1e7", "-0.01", "five", ""]
)
@pytest.mark.parametrize("option", ["--daily-usd", "--monthly-usd"])
def test_what_is_no_amount_makes_no_key(tmp_path: Path, option: str, amount: str) -> None:
    told = typed(tmp_path, keys, "new", "team", option, amount)
    assert told.exit_code == 2
    assert told.stdout == ""
    assert option in told.stderr


def test_several_tables_may_be_appended_to_one_file(tmp_path: Path) -> None:
    tables = [done(tmp_path, keys, "new", name).stdout for name in ("a", "b", "c")]
    file = configured(tmp_path, *tables)
    assert [key.name for key in load(file).key] == ["a", "b", "c"]
    assert len({key["hash"] for key in tomllib.loads(file.read_text())["key"]}) == 3


def test_the_first_microsecond_of_a_day_is_in_it_and_the_one_before_is_not(tmp_path: Path) -> None:
    spent(
        tmp_path, ("team", TODAY_US, 1), ("team", TODAY_US - 1, 100), ("team", MONTH_US - 1, 10**6)
    )
    team = listed(tmp_path, configured(tmp_path, table("team")))["team"]
    yesterday = 100 if MONTH_US < TODAY_US else 0
    assert team["daily"]["spent_usd"] == Decimal("0.000000000001")
    assert team["monthly"]["spent_usd"] == Decimal(1 + yesterday).scaleb(-12)


def test_a_limit_is_reached_with_its_last_pico_dollar_and_not_before(tmp_path: Path) -> None:
    limits = ("daily.soft_usd = 0.1", "daily.hard_usd = 0.2")
    names = ("below", "soft", "under", "hard")
    amounts = (PICO // 10 - 1, PICO // 10, PICO // 5 - 1, PICO // 5)
    spent(tmp_path, *((name, NOW_US, amount) for name, amount in zip(names, amounts, strict=True)))
    found = listed(tmp_path, configured(tmp_path, *(table(name, *limits) for name in names)))
    assert [found[name]["daily"]["state"] for name in names] == ["ok", "soft", "soft", "hard"]


def test_everybody_s_sum_is_that_of_all_keys_also_of_those_that_are_gone(tmp_path: Path) -> None:
    spent(tmp_path, ("team", NOW_US, 7), ("gone", NOW_US, 20), ("", NOW_US, 300))
    found = listed(tmp_path, configured(tmp_path, table("team")))
    assert list(found) == ["team", None]
    assert found["team"]["daily"]["spent_usd"] == Decimal(7).scaleb(-12)
    assert found[None]["daily"]["spent_usd"] == Decimal(327).scaleb(-12)


def test_a_key_that_only_differs_in_case_or_blanks_is_another(tmp_path: Path) -> None:
    spent(tmp_path, ("team", NOW_US, 1), ("Team", NOW_US, 20), ("te am", NOW_US, 300))
    found = listed(tmp_path, configured(tmp_path, *map(table, ("team", "Team", "te am"))))
    picos = {name: int(one["daily"]["spent_usd"] * PICO) for name, one in found.items() if name}
    assert picos == {"team": 1, "Team": 20, "te am": 300}


@pytest.mark.parametrize(
    ("limit", "shown"),
    [("5", "5.00"), ("0.1", "0.10"), ("0.004", "0.004"), ("0.000001", "0.000001"), ("0", "0.00")],
)
def test_a_small_limit_is_not_shown_as_none(tmp_path: Path, limit: str, shown: str) -> None:
    file = configured(tmp_path, table("team", f"daily.hard_usd = {limit}"))
    lines = done(tmp_path, keys, "list", "--config", file).stdout.splitlines()
    (row,) = (line.split() for line in lines if line.split()[:1] == ["team"])
    assert row[1:3] == ["0.0000", shown]


@settings(max_examples=60, deadline=None)
@given(limits=st.tuples(_amounts, _amounts), share=st.floats(0, 2))
def test_what_is_over_is_soft_too_and_the_hard_limit_is_exact(
    limits: tuple[float, float], share: float
) -> None:
    soft, hard = sorted(limits)
    (cap,) = caps_of(limited(soft, hard))["team"]
    window, exact = bound(cap, NOW_US), int(Decimal(str(hard)) * PICO)
    fill = Fill(window=window.window, spent=int(exact * Decimal(share)))
    assert is_over(window, fill, 1) == (fill.spent >= exact)
    assert is_soft(window, fill) or not is_over(window, fill, 1)
