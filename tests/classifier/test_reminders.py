"""What harnesses write into a user's turn is taken out; what people write stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.reminders import strip_reminders


@pytest.mark.parametrize(
    "block",
    [
        "<system-reminder>Keep going.</system-reminder>",
        "<environment_details>\n# Open tabs\na.py\n</environment_details>",
        "<command-name>/review</command-name>",
        "<local-command-stdout>ok</local-command-stdout>",
        "<bash-stdout>total 0</bash-stdout>",
        '<environment_context cwd="/tmp">sh</environment_context>',
        "<ide_selection>lines 1 to 3</ide_selection>",
        "<user_info>macOS</user_info>",
    ],
)
def test_a_block_of_a_known_harness_goes(block: str) -> None:
    assert strip_reminders(f"{block}\nRename the variable.{block}") == "Rename the variable."


def test_text_before_between_and_after_stays_in_order() -> None:
    block = "<system-reminder>x</system-reminder>"
    assert strip_reminders(f"one {block} two {block} three").split() == ["one", "two", "three"]


def test_nested_blocks_go_as_one() -> None:
    text = "<system-reminder>a<bash-stdout>b</bash-stdout>c</system-reminder>Why?"
    assert strip_reminders(text) == "Why?"


def test_a_block_that_is_never_closed_is_text() -> None:
    text = "What does <system-reminder> mean in a </prompt>?"
    assert strip_reminders(text) == text


def test_an_unclosed_block_does_not_keep_a_closed_one_inside_it() -> None:
    text = "<user_info> Why <system-reminder>x</system-reminder> not?"
    assert strip_reminders(text).split() == ["<user_info>", "Why", "not?"]


def test_other_tags_are_the_persons_own() -> None:
    text = "<div><context>Fix this</context></div> <rules>none</rules>"
    assert strip_reminders(text) == text


def test_the_words_inside_a_wrapper_stay() -> None:
    assert strip_reminders("<user_query>Why is it slow?</user_query>") == "Why is it slow?"


_PIECES = st.sampled_from(
    [
        "<system-reminder>",
        "</system-reminder>",
        "<sys",
        "tem-reminder>",
        "<user_info ",
        "</user_info>",
        "<user_query>",
        "</user_query>",
        ">",
        "<",
        "word ",
        "\n",
        "\ud800",
    ]
)


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_stripping_twice_strips_no_more(text: str) -> None:
    once = strip_reminders(text)
    assert strip_reminders(once) == once
    assert len(once) <= len(text)


@given(st.text(alphabet="abc ?\n", min_size=1), st.text(alphabet="abc \n", max_size=50))
def test_a_block_after_the_words_changes_nothing(words: str, noise: str) -> None:
    block = f"<system-reminder>{noise}</system-reminder>"
    assert strip_reminders(words + block) == words.strip()


@pytest.mark.parametrize("unit", ["<system-reminder>", "</system-reminder>", "<user_info ", "</"])
def test_a_megabyte_of_marks_is_one_pass(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    assert strip_reminders(text) == text.strip()
