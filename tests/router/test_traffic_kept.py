"""Kept text as turns again: scored a second time it gives the prompt that was scored."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from classifier.corpus import Example, prompts
from classifier.features import SCAN_CHARS, extract
from classifier.types import Turn
from router.domain import Kept
from router.traffic.kept import turns_of
from tests.ledgers import entry

LINES = st.text(alphabet=st.sampled_from("ab \n.é中"), max_size=900)
LONG = st.tuples(st.text("ab \n", min_size=1, max_size=30), st.integers(1, 900)).map(
    lambda drawn: drawn[0] * drawn[1]
)


@settings(max_examples=400, deadline=None)
@given(turns=st.lists(LINES | LONG, min_size=1, max_size=4))
@example(turns=["aaaaa \n" * 200, "a", "b"])
def test_what_was_scored_is_scored_again(turns: list[str]) -> None:
    prompt = extract([Turn(role="user", text=text) for text in turns])
    if prompt is None:
        return
    kept = entry(prompt=prompt.text, kept=Kept(context=prompt.context, length=prompt.length))
    *earlier, last = turns_of(kept)
    assert prompts([Example(prompt=last, earlier=tuple(earlier))]) == [prompt]


def test_an_entry_without_text_has_no_turns() -> None:
    assert turns_of(entry()) == ()


def test_text_of_an_earlier_version_is_a_turn_by_itself() -> None:
    assert turns_of(entry(prompt="hello")) == ("hello",)


def test_a_turn_of_any_length_is_widened_within_bounds() -> None:
    prompt = extract((Turn(role="user", text="word " * 2_000_000),))
    assert prompt is not None
    kept = entry(prompt=prompt.text, kept=Kept(length=prompt.length))
    (turn,) = turns_of(kept)
    assert len(turn) == SCAN_CHARS
    (again,) = prompts([Example(prompt=turn)])
    assert again is not None
    assert (again.text, again.truncated) == (prompt.text, True)
