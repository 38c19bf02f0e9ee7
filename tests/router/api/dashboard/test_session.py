"""Cookies: given for the key, known again by every worker, worth nothing to anybody else."""

from http.cookies import SimpleCookie

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.api.dashboard.session import COOKIE, LIFE_S, Sessions, set_cookie
from router.api.door import Door

KEY = "an-admin-key-of-some-length"
NOW = 1_795_435_200.0


def sessions(key: str = KEY) -> Sessions:
    return Sessions(Door(api_key="", admin_key=key), key)


def begun(key: str = KEY) -> str:
    value = sessions(key).begin(key, NOW)
    assert value is not None
    return value


def admits(value: str, now_s: float = NOW, key: str = KEY) -> bool:
    return sessions(key).admits({"cookie": f"other=1; {COOKIE}={value}"}, now_s)


def test_a_cookie_is_known_by_every_worker_until_its_end() -> None:
    value = begun()
    assert admits(value)
    assert admits(value, NOW + LIFE_S - 1)
    assert not admits(value, NOW + LIFE_S)


def test_the_cookie_is_not_the_key_and_no_two_are_alike() -> None:
    assert KEY not in begun()
    assert begun() != begun()


def test_another_key_ends_all_sessions() -> None:
    assert not admits(begun(), key="another-admin-key")


@given(st.integers(0, 200), st.characters(exclude_characters='; ,\\"'))
def test_a_cookie_with_a_letter_changed_is_worth_nothing(place: int, letter: str) -> None:
    value = begun()
    at = place % len(value)
    changed = value[:at] + letter + value[at + 1 :]
    assert changed == value or not admits(changed)


@given(st.text(max_size=200))
def test_nothing_made_up_is_a_cookie(header: str) -> None:
    assert not sessions().admits({"cookie": header}, NOW)
    assert not sessions().admits({"cookie": f"{COOKIE}={header}"}, NOW)


def test_a_longer_life_cannot_be_written_into_a_cookie() -> None:
    end, _, rest = begun().partition(".")
    assert not admits(f"{int(end) + 1}.{rest}")


@pytest.mark.parametrize("key", ["", " ", "wrong", KEY[:-1], KEY + "x", "ключ", "\udce9"])
def test_only_the_admin_key_begins_a_session(key: str) -> None:
    assert sessions().begin(key, NOW) is None


@pytest.mark.parametrize("key", ["schlüssel-für-alle", "鍵" * 8, f" {KEY} "])
def test_a_key_in_any_script_begins_one(key: str) -> None:
    assert sessions(key.strip()).begin(key, NOW) is not None


def test_programs_show_the_key_itself() -> None:
    assert sessions().admits({"authorization": f"Bearer {KEY}"}, NOW)
    assert not sessions().admits({"authorization": "Bearer wrong"}, NOW)


def test_without_a_key_nobody_need_show_one() -> None:
    assert sessions("").open
    assert sessions("").admits({}, NOW)
    assert not sessions().open
    assert not sessions().admits({}, NOW)


def test_scripts_and_other_sites_never_have_the_cookie() -> None:
    cookie = SimpleCookie(set_cookie("abc", secure=True))[COOKIE]
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "Strict"
    assert cookie["path"] == "/dashboard"
    assert int(cookie["max-age"]) == LIFE_S
    assert not SimpleCookie(set_cookie("abc", secure=False))[COOKIE]["secure"]
    assert SimpleCookie(set_cookie("", secure=False))[COOKIE]["max-age"] == "0"
