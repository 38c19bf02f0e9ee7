"""Redaction: what is blanked out, and what only looks like it."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.schema import Ledger, Redaction
from router.redaction import compile_redactor

REDACT = compile_redactor(Ledger().redact, ())
# Put together here, so that no file holds what looks like a key.
VENDOR = "sk-" + "proj-" + "a1B2" * 8
ACCESS = "AKI" + "A" + "IOSFODNN7EXAMPLE"
TOKEN = "gh" + "p_" + "x9" * 18
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("write to ada.l+x@mail.example.co.uk today", "write to [email] today"),
        ("ada@example.com,bob@example.org", "[email],[email]"),
        ("müller@beispiel.de", "[email]"),
        ("call +49 (0)30 901820-12 now", "call [phone] now"),
        ("call 0044 20 7946 0958", "call [phone]"),
        ("call (555) 010-9999 or 555-010-9999", "call [phone] or [phone]"),
        ("call 030 / 901 82 10 or 089-1234-5678", "call [phone] or [phone]"),
        ("pay 4111 1111 1111 1111 please", "pay [card] please"),
        ("pay 378282246310005, 5555-5555-5555-4444 10 times", "pay [card], [card] 10 times"),
        ("to DE89 3704 0044 0532 0130 00.", "to [iban]."),
        ("to GB82WEST12345698765432", "to [iban]"),
        ("at 192.168.10.254:8080", "at [ip]:8080"),
        ("at 2001:0db8:85a3:0000:0000:8a2e:0370:7334", "at [ip]"),
        (f"use {VENDOR} and {ACCESS}", "use [api_key] and [api_key]"),
        (f"git push https://{TOKEN}@host", "git push https://[api_key]@host"),
        ("Authorization: Bearer abcdef0123456789xyz", "Authorization: [api_key]"),
        ("password = 'hunter22!'", "[api_key]'"),
        ("API_KEY=abc123def", "[api_key]"),
        (f"here:\n{PEM}\nthanks", "here:\n[api_key]\nthanks"),
    ],
)
def test_what_identifies_people_or_opens_doors_is_blanked_out(said: str, kept: str) -> None:
    assert REDACT(said) == kept


@pytest.mark.parametrize(
    "text",
    [
        "what is 2 + 2?",
        "the year 2024, page 1234, 10 000 000 people",
        "version 1.2.3 of python 3.11.4",
        "order 4111 1111 1111 1112",  # fails Luhn's check
        "GB82WEST12345698765433",  # fails the check of ISO 7064
        "between 2024-01-15 and 2024-02-20 10:30:00",
        "@property def name(self): ...",
        "a@b",
        "sk-learn and sk-image",
        "pi is 3.14159265358979",
        "matrix [[1, 2, 3], [4, 5, 6], [7, 8, 9]]",
        "what is a token? the secret of life",
        "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
        "f(x) = 555 - 123",
        "ratio 16:9, 12:30:45",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert REDACT(text) == text


def test_every_kind_can_be_left_out() -> None:
    text = f"{VENDOR} ada@example.com DE89370400440532013000 4111111111111111 10.0.0.1 +4930901820"
    for kind in get_args(Redaction):
        others = tuple(one for one in get_args(Redaction) if one != kind)
        redacted = compile_redactor(others, ())(text)
        assert f"[{kind}]" not in redacted
        assert redacted.count("[") == len(others)
    assert compile_redactor((), ())(text) == text


def test_an_operator_s_own_patterns_are_blanked_out_too() -> None:
    redact = compile_redactor((), (r"ACME-\d+", r"(?i)umbrella"))
    assert redact("Umbrella, case ACME-12.") == "[redacted], case [redacted]."


def test_a_pattern_that_matches_nothing_changes_nothing() -> None:
    assert compile_redactor((), ("x*",))("abc xx") == "abc [redacted]"


@given(st.text(max_size=300))
def test_redacting_again_changes_nothing(text: str) -> None:
    assert REDACT(REDACT(text)) == REDACT(text)


@pytest.mark.parametrize("unit", ["1", "1 ", "a.", "a@", "+1", "A1", "1.", "(0", "x=", "-"])
def test_a_long_text_of_one_thing_is_looked_through_in_no_time(unit: str) -> None:
    """Not timed: a pattern that backtracks would not come to an end here."""
    assert len(REDACT(unit * 30_000)) > 0
