"""Noise changes what it says it changes, nothing else, and the same way each time."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.noise import (
    NOISES,
    PREAMBLES,
    TEMPLATES,
    TYPO_SHARE,
    case,
    disturb,
    preamble,
    sentence_order,
    typos,
    white_space,
    wrap,
)

TEXT = "Write a loop in Go. It prints 3 squares!  Does it end?\nExplain why {it} does."
TEXTS = st.text(st.characters(codec="utf-8"), max_size=200)


@given(TEXTS, st.sampled_from(sorted(NOISES)), st.integers(0, 9))
def test_the_seed_and_the_text_decide_everything(text: str, name: str, seed: int) -> None:
    assert disturb(name, text, seed) == disturb(name, text, seed)


def test_another_seed_is_another_noise() -> None:
    assert len({disturb("typos", TEXT * 5, seed) for seed in range(5)}) == 5


def test_typos_come_at_their_rate() -> None:
    text = "abcdefghij" * 200
    wrong = typos(text, Random(1))
    # A dropped letter shifts what follows, so letters are counted, not compared by place.
    moved = sum((Counter(text) - Counter(wrong)).values())
    assert 0 < moved <= TYPO_SHARE * len(text)
    assert abs(len(wrong) - len(text)) <= TYPO_SHARE * len(text)


def test_short_words_have_one_typo_at_least() -> None:
    found = {typos("prime", Random(seed)) for seed in range(80)}
    assert {"rpime", "rime", "pprime"} <= found, "swapped, dropped, doubled"
    assert {"orime", "peime", "prine"} & found, "a neighbour key"


def test_only_letters_are_mistyped() -> None:
    assert typos("12 + 34 = ?", Random(1)) == "12 + 34 = ?"
    assert typos("", Random(1)) == ""


def test_capitals_stay_capitals_and_other_scripts_have_typos_too() -> None:
    assert all(typos("Q", Random(seed)).isupper() for seed in range(20) if typos("Q", Random(seed)))
    assert {typos("中", Random(seed)) for seed in range(20)} == {"", "中中"}


def test_case_is_all_small_or_all_capital() -> None:
    assert {case(TEXT, Random(seed)) for seed in range(20)} == {TEXT.lower(), TEXT.upper()}
    assert case("small", Random(1)) == "SMALL"
    assert case("12 + 3", Random(1)) == "12 + 3"


@given(TEXTS, st.integers(0, 9))
def test_white_space_leaves_every_word(text: str, seed: int) -> None:
    wide = white_space(text, Random(seed))
    assert wide.split() == text.split()
    assert len(wide) >= len(text) + 2


def test_white_space_keeps_indentation() -> None:
    wide = white_space("def f():\n    return 1", Random(3))
    assert "\n    return" in wide


def test_a_preamble_stands_before_the_text() -> None:
    assert {preamble(TEXT, Random(seed)) for seed in range(50)} == {one + TEXT for one in PREAMBLES}


def test_sentences_change_places_and_none_is_lost() -> None:
    moved = sentence_order("One. Two! Three?", Random(2))
    assert moved != "One. Two! Three?"
    assert sorted(moved.split()) == ["One.", "Three?", "Two!"]
    assert sentence_order("一。二。", Random(1)).split() == ["二。", "一。"]


@pytest.mark.parametrize("text", ["Only one sentence.", "3.14 is pi", "", "no end"])
def test_one_sentence_has_no_order(text: str) -> None:
    assert sentence_order(text, Random(1)) == text


@pytest.mark.parametrize("template", TEMPLATES)
def test_wrappers_hold_the_whole_text(template: str) -> None:
    assert TEXT in wrap(template, TEXT)
    assert "{prompt}" not in wrap(template, TEXT)
