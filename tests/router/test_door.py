"""Keys: who is let in, and what is said to who is not."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.api.door import Door
from router.config.access import Key
from router.errors import Unauthorized

DOOR = Door(api_key="sk-api", admin_key="sk-admin")


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer sk-api"},
        {"authorization": "bearer  sk-api "},
        {"x-api-key": "sk-api"},
        {"authorization": "Basic abc", "x-api-key": "sk-api"},
    ],
)
def test_both_headers_that_sdks_use_carry_the_key(headers: dict[str, str]) -> None:
    assert DOOR.admit(headers) == "default"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_api_key"),
        ({"authorization": "Bearer"}, "missing_api_key"),
        ({"authorization": "Bearer sk-admin"}, "invalid_api_key"),
        ({"x-api-key": "sk-apj"}, "invalid_api_key"),
        ({"x-api-key": "sk-ap"}, "invalid_api_key"),
        ({"x-api-key": "sk-äpi"}, "invalid_api_key"),
    ],
)
def test_without_the_key_nobody_comes_in(headers: dict[str, str], code: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        DOOR.admit(headers)
    assert caught.value.code == code
    assert "sk-api" not in str(caught.value)


def test_each_key_opens_its_own_lock() -> None:
    DOOR.admit_admin({"x-api-key": "sk-admin"})
    with pytest.raises(Unauthorized):
        DOOR.admit_admin({"x-api-key": "sk-api"})


def test_a_lock_without_a_key_is_open() -> None:
    door = Door(api_key="", admin_key="")
    assert door.admit({}) == ""
    door.admit_admin({"authorization": "Bearer whatever"})


def on_the_wire(text: str) -> str:
    """A header's value as the server hands it on: each byte that was sent is one character."""
    return text.encode(errors="surrogateescape").decode("latin-1")


# The last bytes of the second and third are a blank and a line end to whoever takes bytes for text.
@pytest.mark.parametrize("key", ["schlüssel", "sk-à", "sk-Å", "鍵", "sk-\udce9"])
def test_a_key_in_any_script_opens(key: str) -> None:
    door = Door(api_key=key, admin_key=key)
    for headers in (
        {"authorization": f"Bearer {on_the_wire(key)}"},
        {"x-api-key": on_the_wire(key)},
    ):
        assert door.admit(headers) == "default"
        door.admit_admin(headers)
    with pytest.raises(Unauthorized):
        door.admit({"x-api-key": on_the_wire(key)[:-1]})


@given(st.binary().filter(lambda shown: shown.strip(b" \t") != b"sk-api"))
def test_nothing_but_the_key_is_the_key(shown: bytes) -> None:
    with pytest.raises(Unauthorized):
        DOOR.admit({"x-api-key": shown.decode("latin-1")})


def hashed(name: str, key: str, **more: str) -> Key:
    return Key(name=name, hash=sha256(key.encode()).hexdigest(), **more)  # type: ignore[arg-type]


MANY = Door(
    api_key="sk-api",
    admin_key="sk-admin",
    keys=(
        hashed("team", "gs-team"),
        hashed("old", "gs-old", expires="2026-11-25"),
        hashed("lasting", "gs-lasting", expires="9999-12-31"),
        Key(name="default"),
    ),
)


@pytest.mark.parametrize(
    ("key", "name"), [("sk-api", "default"), ("gs-team", "team"), ("gs-lasting", "lasting")]
)
def test_each_key_lets_its_caller_in_by_name(key: str, name: str) -> None:
    assert MANY.admit({"authorization": f"Bearer {key}"}) == name
    assert MANY.admit({"x-api-key": key}) == name


@pytest.mark.parametrize("shown", ["gs-teaM", "team", hashed("team", "gs-team").hash, "sk-admin"])
def test_neither_a_name_nor_a_hash_is_a_key(shown: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        MANY.admit({"x-api-key": shown})
    assert caught.value.code == "invalid_api_key"


def test_a_key_whose_days_are_over_says_since_when() -> None:
    with pytest.raises(Unauthorized) as caught:
        MANY.admit({"x-api-key": "gs-old"})
    assert caught.value.code == "expired_api_key"
    assert "2026-11-25" in str(caught.value)


def test_keys_of_the_file_lock_the_door_by_themselves() -> None:
    door = Door(api_key="", admin_key="", keys=(hashed("team", "gs-team"),))
    assert door.admit({"x-api-key": "gs-team"}) == "team"
    with pytest.raises(Unauthorized):
        door.admit({})
    with pytest.raises(Unauthorized):
        MANY.admit_admin({"x-api-key": "gs-team"})
