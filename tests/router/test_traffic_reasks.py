"""Re-asks: which answer a turn complains of, and when it complains of none."""

from router.domain import Caller, Outcome
from router.traffic.reasks import Reask, find_reasks
from tests.ledgers import entry
from tests.traffic import answered, asked, in_loop

QUESTION = "What is the tallest mountain of Austria?"
NOBODY = Caller(key="default")
ADA = Caller(key="default", user="ada")


def found(*entries: object) -> list[tuple[int, str]]:
    """Number of the entry that was complained of, and how."""
    reasks: list[Reask] = list(find_reasks(entries))  # type: ignore[arg-type]  # entries
    return [(int(one.of, 16), one.reaction) for one in reasks]


def test_a_complaint_is_about_the_answer_before_it() -> None:
    turns = [asked(1, QUESTION), asked(2, QUESTION, "No, that's wrong.")]
    assert found(*turns) == [(1, "reasked")]
    assert found(*reversed(turns)) == [(1, "reasked")], "in whatever order they are read"


def test_a_complaint_is_about_the_turn_that_its_context_ends_with() -> None:
    """A client asks for a title of the conversation between the turns."""
    title = asked(2, "Write a title of five words for this conversation.", minute=1.1)
    complaint = asked(3, QUESTION, "It still doesn't work")
    assert found(asked(1, QUESTION), title, complaint) == [(1, "reasked")]


def test_without_a_session_the_context_tells_the_conversation() -> None:
    first = asked(1, QUESTION, caller=NOBODY)
    other = asked(2, "How tall is the Eiffel Tower in metres?", caller=NOBODY)
    complaint = asked(3, QUESTION, "that's wrong", caller=NOBODY)
    assert found(first, other, complaint) == [(1, "reasked")]


def test_a_greeting_does_not_tell_a_conversation() -> None:
    assert found(asked(1, "hi", caller=NOBODY), asked(2, "hi", "wrong", caller=NOBODY)) == []


def test_other_callers_are_other_conversations() -> None:
    other = Caller(key="default", session="s2")
    assert found(asked(1, QUESTION), asked(2, "that's wrong", caller=other)) == []


def test_a_client_that_sends_no_history_names_its_session() -> None:
    assert found(asked(1, QUESTION), asked(2, "that's wrong")) == [(1, "reasked")]
    assert found(asked(1, QUESTION, caller=ADA), asked(2, "that's wrong", caller=ADA)) == []


def test_the_same_question_again_is_a_repetition() -> None:
    assert found(asked(1, QUESTION), asked(2, QUESTION, f"{QUESTION}?")) == [(1, "repeated")]
    assert found(asked(1, QUESTION, caller=ADA), asked(2, QUESTION, caller=ADA)) == [
        (1, "repeated")
    ]


def test_a_repetition_of_nobody_in_particular_is_two_people_asking() -> None:
    assert found(asked(1, QUESTION, caller=NOBODY), asked(2, QUESTION, caller=NOBODY)) == []


def test_a_step_of_a_tool_loop_is_no_turn_of_its_own() -> None:
    assert found(asked(1, QUESTION), in_loop(2, QUESTION), in_loop(3, QUESTION)) == []


def test_an_answer_that_failed_is_asked_for_again_for_another_reason() -> None:
    failed = asked(1, QUESTION, outcome=answered("easy", status=503))
    broken = asked(1, QUESTION, outcome=Outcome(status=200, fault="cut"))
    for before in (failed, broken):
        assert found(before, asked(2, QUESTION)) == []


def test_requests_at_the_same_time_are_not_about_each_other() -> None:
    slow = asked(1, QUESTION, minute=1.0)
    slow = asked(1, QUESTION, minute=1.0, timings=slow.timings.__class__(total_ms=30_000.0))
    assert found(slow, asked(2, QUESTION, minute=1.2)) == []
    assert found(slow, asked(2, QUESTION, minute=1.6)) == [(1, "repeated")]


def test_what_is_said_an_hour_later_is_a_new_matter() -> None:
    assert found(asked(1, QUESTION, minute=0), asked(2, "that's wrong", minute=60)) == []


def test_entries_without_text_say_nothing() -> None:
    assert found(entry(1), entry(2)) == []


def test_each_answer_of_a_long_quarrel_was_wrong() -> None:
    quarrel = [
        asked(1, QUESTION),
        asked(2, QUESTION, "no, that's wrong"),
        asked(3, QUESTION, "no, that's wrong", "still wrong"),
        asked(4, "no, that's wrong", "still wrong", "thanks, that's it"),
    ]
    assert found(*quarrel) == [(1, "reasked"), (2, "reasked")]
