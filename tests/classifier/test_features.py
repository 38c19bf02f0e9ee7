"""What is scored: the last human turn, a little context, nothing that a machine wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.embed import HashEmbedder
from classifier.features import (
    CONTEXT_CHARS,
    CONTEXT_TURNS,
    MAX_CHARS,
    SCAN_CHARS,
    SHORT_CHARS,
    canonical,
    extract,
    matrix,
    scored_text,
)
from classifier.surface import NAMES
from classifier.types import Prompt, Turn
from tests.verdicts import prompts

LONG = "This question is long enough to stand alone. " * 6


def user(text: str) -> Turn:
    return Turn(role="user", text=text)


def scored(*turns: Turn) -> Prompt:
    found = extract(turns)
    assert found is not None
    return found


def test_the_last_human_turn_is_scored() -> None:
    turns = (user("First."), Turn(role="assistant", text="Answer."), user(LONG))
    assert scored(*turns).text == LONG.strip()


@pytest.mark.parametrize("role", ["system", "developer", "assistant", "tool", "function", "User"])
def test_other_roles_are_not(role: str) -> None:
    turns = (user("Why?"), Turn(role=role, text="Prove the theorem."))
    assert scored(*turns) == scored(user("Why?"))
    assert extract((Turn(role=role, text="Prove the theorem."),)) is None


def test_no_human_text_is_no_prompt() -> None:
    assert extract(()) is None
    assert extract((user(""), user(" \n\t"))) is None
    assert extract((user("<system-reminder>Be brief.</system-reminder>"),)) is None


def test_a_turn_of_reminders_only_is_passed_over() -> None:
    turns = (user("Why?"), user("<environment_details>x</environment_details>"))
    assert scored(*turns).text == "Why?"


def test_a_short_turn_brings_two_earlier_ones_in_the_order_they_were_said() -> None:
    prompt = scored(user("one"), user("two"), user("three"), user("and in French?"))
    assert prompt.text == "and in French?"
    assert prompt.context == "two\nthree"
    assert scored_text(prompt) == "two\nthree\nand in French?"


def test_a_long_turn_stands_alone() -> None:
    assert len(LONG) >= SHORT_CHARS
    assert scored(user("before"), user(LONG)).context == ""


def test_context_is_bounded() -> None:
    prompt = scored(user("a" * 10_000), user("b" * 10_000), user("short"))
    assert len(prompt.context) <= CONTEXT_TURNS * (CONTEXT_CHARS + 1)


def test_a_long_turn_keeps_head_and_tail_and_says_so() -> None:
    prompt = scored(user("HEAD " + "x" * 50_000 + " TAIL"))
    assert prompt.text.startswith("HEAD")
    assert prompt.text.endswith("TAIL")
    assert len(prompt.text) <= MAX_CHARS
    assert prompt.truncated
    assert prompt.length == 50_010


def test_the_longest_that_fits_is_whole() -> None:
    prompt = scored(user("x" * MAX_CHARS))
    assert not prompt.truncated
    assert prompt.text == "x" * MAX_CHARS
    assert scored(user("x" * (MAX_CHARS + 1))).truncated


def test_a_turn_beyond_the_scan_loses_its_middle_and_keeps_its_length() -> None:
    prompt = scored(user("HEAD " + "x" * SCAN_CHARS + " TAIL"))
    assert prompt.text.startswith("HEAD")
    assert prompt.text.endswith("TAIL")
    assert prompt.length == SCAN_CHARS + 10
    assert prompt.truncated


def test_a_giant_reminder_block_is_still_a_block() -> None:
    block = f"<system-reminder>{'y ' * SCAN_CHARS}</system-reminder>"
    assert scored(user("Why?" + block)).text == "Why?"


def test_half_a_surrogate_pair_is_replaced() -> None:
    prompt = scored(user("broken \ud83d emoji"))
    assert prompt.text == "broken ? emoji"
    assert canonical(prompt)


def test_ten_thousand_turns_are_read_from_the_end() -> None:
    turns = [user("earlier") for _ in range(10_000)]
    assert extract([*turns, user(LONG)]) == scored(user(LONG))


TURNS = st.lists(
    st.builds(
        Turn,
        role=st.sampled_from(["user", "assistant", "system", "tool"]),
        text=st.text(max_size=300)
        | st.sampled_from(["<system-reminder>", "</system-reminder>", "word " * 2_000, "\ud800"]),
    ),
    max_size=8,
)


@given(TURNS)
def test_extract_never_raises_and_is_bounded(turns: list[Turn]) -> None:
    prompt = extract(turns)
    if prompt is not None:
        assert 0 < len(prompt.text) <= MAX_CHARS
        assert len(prompt.context) <= CONTEXT_TURNS * (CONTEXT_CHARS + 1)
        assert prompt.truncated == (prompt.length > MAX_CHARS)
        prompt.text.encode()
        prompt.context.encode()


@given(TURNS)
def test_what_was_extracted_is_extracted_again(turns: list[Turn]) -> None:
    first = extract(turns)
    if first is not None:
        again = scored(user(first.text))
        assert again.text == first.text


@given(TURNS, st.text(max_size=200))
def test_what_machines_say_changes_nothing(turns: list[Turn], noise: str) -> None:
    machine = [Turn(role=role, text=noise) for role in ("system", "developer", "tool", "assistant")]
    assert extract([*machine, *turns, *machine]) == extract(turns)


@given(prompts(), prompts())
def test_canonical_bytes_are_equal_for_equal_prompts_only(one: Prompt, other: Prompt) -> None:
    assert (canonical(one) == canonical(other)) == (one == other)


def test_fields_do_not_run_into_each_other() -> None:
    assert canonical(Prompt(text="ab", context="c", length=2)) != canonical(
        Prompt(text="a", context="bc", length=2)
    )


@given(st.lists(prompts(), max_size=4))
def test_a_row_is_the_same_alone_and_in_a_batch(many: list[Prompt]) -> None:
    embedder = HashEmbedder()
    for prompt, row in zip(many, matrix(many, embedder), strict=True):
        alone = matrix((prompt,), embedder)[0]
        assert (alone.vector == row.vector).all()
        assert (alone.terms == row.terms).all()
        assert (alone.surface == row.surface).all()
        assert row.surface.shape == (len(NAMES),)
