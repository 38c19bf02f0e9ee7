"""Measures of a text's surface: right, finite and steady."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.surface import NAMES, describe


def measures(text: str, *, truncated: bool = False) -> dict[str, float]:
    row = describe(text, len(text), truncated=truncated)
    return dict(zip(NAMES, row.tolist(), strict=True))


def count(text: str, name: str) -> int:
    return round(float(np.expm1(measures(text)[name])))


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("a1b22c333", "n_digit", 6),
        ("ABC def", "n_upper", 3),
        ("ABC def", "n_lower", 3),
        ("$x^2 + y$", "n_dollar", 2),
        ("`f(x)` and `g`", "n_backtick", 4),
        ("why? how?", "n_question", 2),
        ("你好 world", "n_cjk", 2),
        ("naïve café", "n_other", 2),
        ("a\nb\nc", "n_line", 2),
        ("7 apples, 8 pears, 7 plums", "numbers", 3),
        ("one two three", "log_words", 3),
        ("A. yes\nB. no\n(C) maybe", "options", 3),
        ("- one\n- two\n3. three", "bullets", 3),
        ("if x:\n    y\n\tz", "indents", 2),
    ],
)
def test_counts(text: str, name: str, expected: int) -> None:
    assert count(text, name) == expected


def test_shares_are_of_the_bytes() -> None:
    assert measures("aa11")["share_digit"] == pytest.approx(0.5)


def test_numbers_are_compared_as_written() -> None:
    seen = measures("12 and 12 and 12345")
    assert seen["distinct_numbers"] == pytest.approx(2 / 3)
    assert seen["longest_number"] == 5


def test_the_ends_of_the_text() -> None:
    assert measures("what now?")["ends_question"] == 1
    assert measures("什么\uff1f")["ends_question"] == 1
    assert measures("lower")["starts_lower"] == 1
    assert measures("Upper.")["starts_lower"] == measures("Upper.")["ends_question"] == 0


def test_truncation_and_length_are_given_not_guessed() -> None:
    row = dict(zip(NAMES, describe("short", 9_999, truncated=True).tolist(), strict=True))
    assert row["truncated"] == 1
    assert row["log_length"] == pytest.approx(np.log1p(9_999))


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


@given(st.text() | st.text(alphabet="?.1A \n\t\\$`{}\ud800"), st.booleans())
def test_any_text_has_finite_measures(text: str, truncated: bool) -> None:
    row = describe(text, len(text), truncated=truncated)
    assert row.shape == (len(NAMES),)
    assert row.dtype == np.float32
    assert np.isfinite(row).all()
