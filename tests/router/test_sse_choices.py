"""Streams of several answers (`n` over 1): whole when each has ended."""

import pytest

from router.sse import DONE
from tests.router.test_sse import BILLED, USAGE, run, said


@pytest.mark.parametrize("last", [0, 1])
def test_of_several_answers_each_must_end(last: int) -> None:
    ended, speaking = said("a", "stop", index=1 - last), said("half", index=last)

    sent, relay = run(ended, speaking)

    assert sent == ended + speaking
    assert not relay.complete
    assert run(speaking, ended)[0] == speaking + ended


def test_several_answers_that_all_ended_are_a_whole_stream() -> None:
    events = [said("a"), said("b", index=1), said("", "stop", index=1), said("", "length")]

    sent, relay = run(*events)

    assert sent == b"".join(events) + DONE
    assert relay.finish_reason == "length"


def test_done_ends_an_answer_that_never_said_so() -> None:
    sent, relay = run(said("a", "stop"), said("b", index=1), DONE)

    assert sent.endswith(DONE)
    assert relay.complete


@pytest.mark.parametrize("index", [None, "0", [0], {}])
def test_an_odd_index_is_the_first_answers(index: object) -> None:
    assert run(said("a", index=index), said("", "stop"))[1].complete


def test_what_follows_an_answers_end_does_not_reopen_it() -> None:
    sent, relay = run(said("a", "stop"), said("", usage=USAGE))

    assert sent.endswith(DONE)
    assert relay.usage == BILLED
