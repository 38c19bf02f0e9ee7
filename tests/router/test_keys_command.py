"""`gearshift keys`, as it is typed: made, pasted, used, and what was spent."""

import time
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from router.api.door import Door
from router.budgets import bound, caps_of
from router.cli.check import check
from router.cli.keys import keys
from router.config.access import Key
from router.config.load import load
from router.domain import Caller
from router.ledger.place import Place, place
from router.ledger.spent import read_spent
from router.ledger.upgrade import upgrade
from tests.commands import done, typed
from tests.ledgers import DAY_US, cost, drain, entry, open_spool, postgres
from tests.router.test_config_callers import FILE

NOW_US = time.time_ns() // 1_000


def made(home: Path, *words: str) -> tuple[str, str]:
    """The table that `keys new` prints, and the key."""
    result = done(home, keys, "new", *words)
    return result.stdout, result.stderr.split()[-1]


def test_a_new_key_opens_the_door_of_who_pastes_its_table(tmp_path: Path) -> None:
    table, key = made(tmp_path, "team a", "--daily-usd", "5", "--monthly-usd", "50.5")
    file = tmp_path / "router.toml"
    file.write_text(FILE.rstrip() + table)
    (configured,) = load(file).key
    limits = configured.budget.daily.hard_usd, configured.budget.monthly.hard_usd
    assert (configured.name, *limits) == ("team a", 5, 50.5)
    door = Door(api_key="", admin_key="", keys=(configured,))
    assert door.admit({"authorization": f"Bearer {key}"}) == "team a"
    assert key not in table
    assert len(key) > 40


def test_no_two_keys_are_alike_and_nothing_is_kept(tmp_path: Path) -> None:
    (first, one), (second, other) = made(tmp_path, "a"), made(tmp_path, "a")
    assert one != other
    assert first != second
    assert list(tmp_path.iterdir()) == []
    assert msgspec.convert(tomllib.loads(first)["key"][0], Key).expires == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("default",), "GEARSHIFT_API_KEY"),
        (("naïve",), "printable ASCII"),
        (("a", "--expires", "tomorrow"), "YYYY-MM-DD"),
        (("a", "--daily-usd", "-1"), "--daily-usd"),
    ],
)
def test_what_would_be_refused_later_is_refused_now(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    result = typed(tmp_path, keys, "new", *words)
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())


CONFIG = (
    FILE
    + f"""
[budget.monthly]
hard_usd = 0.00002
[[key]]
name = "team"
hash = "{"a" * 64}"
expires = "2027-01-31"
budget.daily.soft_usd = 0.000003
budget.daily.hard_usd = 1.5
[[key]]
name = "idle"
hash = "{"b" * 64}"
"""
)


def spend(home: Place) -> None:
    """Today team spends 4 micro-USD, others 16, and something simulated; long ago a lot."""
    spool = open_spool(home)
    for number, (key, amount) in enumerate([("team", 3), ("team", 1), ("", 6), ("gone", 10)]):
        said = entry(number, at_us=NOW_US, cost=cost(amount), caller=Caller(key=key))
        spool.record(said)
    spool.record(entry(7, at_us=NOW_US, cost=cost(50), simulated=True))
    spool.record(entry(8, at_us=NOW_US - 40 * DAY_US, cost=cost(70)))
    spool.record(entry(9, at_us=NOW_US, cost=cost(None)))
    spool.close()


def test_the_list_tells_what_each_key_has_spent_and_may(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(CONFIG)
    spend(place(str(tmp_path)))
    result = done(tmp_path, keys, "list", "--config", file, "--json")
    listing = msgspec.json.decode(result.stdout)
    team, idle, all_ = listing["keys"]
    assert listing["simulated"] is False
    assert (team["key"], team["expires"], all_["key"]) == ("team", "2027-01-31", None)
    assert team["daily"] == {
        "spent_usd": 0.000004,
        "soft_usd": 0.000003,
        "hard_usd": 1.5,
        "state": "soft",
    }
    assert team["monthly"]["hard_usd"] is None
    assert idle["monthly"]["spent_usd"] == 0
    assert all_["monthly"]["spent_usd"] == 0.00002
    assert all_["monthly"]["state"] == "hard"
    shown = done(tmp_path, keys, "list", "--config", file).stdout
    assert "used up" in shown
    assert "thrifty" in shown


def test_simulated_money_is_shown_where_there_is_no_other_or_it_is_asked_for(
    tmp_path: Path,
) -> None:
    file = tmp_path / "router.toml"
    file.write_text(CONFIG)
    home = place(str(tmp_path))
    spool = open_spool(home)
    spool.record(entry(1, at_us=NOW_US, cost=cost(5), simulated=True))
    spool.close()
    words = ("list", "--config", file, "--json")
    listing = msgspec.json.decode(done(tmp_path, keys, *words).stdout)
    assert listing["simulated"] is True
    assert listing["keys"][0]["daily"]["spent_usd"] == 0.000005
    assert "none of this is real money" in done(tmp_path, keys, *words[:-1]).stderr
    spend(home)
    listing = msgspec.json.decode(done(tmp_path, keys, *words).stdout)
    assert listing["simulated"] is False
    listing = msgspec.json.decode(done(tmp_path, keys, *words, "--simulated").stdout)
    assert listing["keys"][0]["daily"]["spent_usd"] == 0.000055


def test_every_digit_of_an_amount_is_written(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(CONFIG)
    spool = open_spool(place(str(tmp_path)))
    priced = msgspec.structs.replace(cost(0), actual=12_345_678_901_234_567)
    spool.record(entry(1, at_us=NOW_US, cost=priced, caller=Caller(key="team")))
    spool.close()
    result = done(tmp_path, keys, "list", "--config", file, "--json")
    assert "12345.678901234567" in result.stdout
    assert Decimal("12345.678901234567") * 10**12 == priced.actual


@pytest.fixture(params=["sqlite", "postgres"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        yield place(str(tmp_path))
    else:
        with postgres() as url:
            yield place(str(tmp_path), url)


def test_counters_learn_from_any_ledger(home: Place, tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(CONFIG)
    upgrade(home)
    spend(home)
    drain(home)
    bounds = [bound(cap, NOW_US) for cap in caps_of(load(file))["team"]]
    played = [bound(one.cap, NOW_US, simulated=True) for one in bounds]
    assert read_spent(home, [*bounds, *played]) == {
        bounds[0].window: 4 * 10**6,
        bounds[1].window: 20 * 10**6,
        played[0].window: 50 * 10**6,
        played[1].window: 50 * 10**6,
    }


def test_without_a_ledger_nothing_was_spent(tmp_path: Path) -> None:
    assert read_spent(place(str(tmp_path)), []) == {}


def test_check_tells_of_keys_budgets_and_shadows(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(CONFIG.replace('name = "idle"', 'name = "idle"\nshadow = true'))
    result = typed(tmp_path, check, "--config", str(file), "--offline")
    assert "ok   key team, until 2027-01-31" in result.output
    assert "FAIL budgets count every model: these have no price, and count nothing: m" in (
        result.output
    )
    assert "ok   shadow: decisions are only recorded, for idle" in result.output
