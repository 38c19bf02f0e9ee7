"""Redaction of whatever is made up: what carries a check sum never passes, plain words stay."""

import string

from hypothesis import given
from hypothesis import strategies as st

from router.config.schema import Ledger
from router.redaction import compile_redactor

REDACT = compile_redactor(Ledger().redact, ())
WORDS = st.text(alphabet=string.ascii_lowercase + " ", max_size=40).map(str.strip)
DIGITS = st.text(alphabet=string.digits, min_size=15, max_size=15)
COUNTRIES = st.sampled_from(["DE", "FR", "GB", "NL", "AT", "ES"])
LETTERS = string.ascii_letters + string.digits


def luhn(digits: str) -> str:
    """The check digit, by ISO/IEC 7812-1: the one that lets the sum end in 0."""
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        doubled = digit * 2 if place % 2 == 0 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def iban(country: str, account: str) -> str:
    """An account with its check digits, by ISO 13616: 98 less the number modulo 97."""
    letters = "".join(str(int(one, 36)) for one in f"{account}{country}00")
    return f"{country}{98 - int(letters) % 97:02}{account}"


def grouped(text: str, mark: str) -> str:
    return mark.join(text[place : place + 4] for place in range(0, len(text), 4))


@given(before=WORDS, after=WORDS, digits=DIGITS, mark=st.sampled_from(["", " ", "-"]))
def test_no_card_number_passes(before: str, after: str, digits: str, mark: str) -> None:
    if not digits.strip("0"):
        return  # zeros are no card: they are what tables are filled with
    number = grouped(digits + luhn(digits), mark)
    assert REDACT(f"{before} {number} {after}") == f"{before} [card] {after}"


@given(digits=DIGITS, wrong=st.integers(1, 9))
def test_a_number_with_another_check_digit_is_no_card(digits: str, wrong: int) -> None:
    check = str((int(luhn(digits)) + wrong) % 10)
    assert "[card]" not in REDACT(f"order {digits}{check}")


@given(country=COUNTRIES, account=st.text(alphabet=string.digits, min_size=18, max_size=18))
def test_no_account_number_passes_in_one_piece_or_in_groups(country: str, account: str) -> None:
    number = iban(country, account)
    assert REDACT(f"to {number}.") == "to [iban]."
    assert REDACT(f"to {grouped(number, ' ')}.") == "to [iban]."


@given(
    name=st.text(alphabet=string.ascii_lowercase + "._+-", min_size=1, max_size=20),
    host=st.text(alphabet=string.ascii_lowercase, min_size=1, max_size=20),
    end=st.sampled_from(["com", "org", "co.uk", "museum"]),
)
def test_no_address_passes(name: str, host: str, end: str) -> None:
    assert REDACT(f"write to {name}@{host}.{end}, please") == "write to [email], please"


@given(parts=st.lists(st.integers(0, 255), min_size=4, max_size=4))
def test_no_address_of_a_machine_passes(parts: list[int]) -> None:
    address = ".".join(map(str, parts))
    assert REDACT(f"ping {address} now") == "ping [ip] now"


@given(
    prefix=st.sampled_from(["sk-", "rk_", "ghp_", "hf_", "glpat-"]),
    rest=st.text(alphabet=LETTERS, min_size=36, max_size=60),
)
def test_no_vendor_s_key_passes(prefix: str, rest: str) -> None:
    assert REDACT(f"use {prefix}{rest} here") == "use [api_key] here"


@given(words=WORDS)
def test_plain_words_stay_as_they_are(words: str) -> None:
    assert REDACT(words) == words
