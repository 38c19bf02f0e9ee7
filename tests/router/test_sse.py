import json
from typing import Any

import pytest

from router.domain import Usage
from router.errors import UpstreamError
from router.sse import DONE, Relay, error_event
from router.wire.errors import ErrorDetail

USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "cached_tokens": 8}
BILLED = Usage(input=10, cached=8, output=4, source="billed")


def event(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def said(content: str, finish: str | None = None, **choice: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish, **choice}
    return event(id="c", choices=[choice], usage=None)


def total() -> bytes:
    return event(id="c", choices=[], usage=USAGE)


def run(*chunks: bytes, show_usage: bool = False) -> tuple[bytes, Relay]:
    """All that the caller gets, `[DONE]` included, and the reader."""
    relay = Relay(show_usage=show_usage)
    sent = b"".join([relay.feed(chunk) for chunk in chunks])
    return sent + relay.finish(), relay


def test_a_whole_stream_goes_through_as_it_came() -> None:
    events = [said(""), said("hel"), said("lo"), said("", "stop")]

    sent, relay = run(*events, DONE)

    assert sent == b"".join(events) + DONE
    assert relay.complete
    assert relay.done
    assert relay.finish_reason == "stop"
    assert relay.output_bytes == 5
    assert relay.error is None


def test_one_event_is_given_back_as_the_same_object() -> None:
    relay = Relay(show_usage=False)
    chunk = said("hello")

    assert relay.feed(chunk) is chunk


def test_done_waits_until_the_stream_is_finished() -> None:
    relay = Relay(show_usage=False)

    assert relay.feed(said("a", "stop") + DONE) == said("a", "stop")
    assert relay.done
    assert relay.finish() == DONE


def test_the_tally_is_right_before_the_end() -> None:
    relay = Relay(show_usage=False)

    relay.feed(said("请"))

    assert relay.output_bytes == 3
    assert not relay.complete
    assert relay.usage == Usage(source="none")


def test_the_usage_chunk_is_read_and_left_out_where_nobody_asked() -> None:
    sent, relay = run(said("a", "stop"), total(), DONE)

    assert sent == said("a", "stop") + DONE
    assert relay.usage == BILLED


def test_the_usage_chunk_is_forwarded_where_the_caller_asked() -> None:
    sent, relay = run(said("a", "stop"), total(), DONE, show_usage=True)

    assert sent == said("a", "stop") + total() + DONE
    assert relay.usage == BILLED


def test_usage_beside_a_choice_is_read_and_stays() -> None:
    last = event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}], usage=USAGE)

    sent, relay = run(said("a"), last, DONE)

    assert sent == said("a") + last + DONE
    assert relay.usage == BILLED


def test_usage_inside_of_the_choice_is_read() -> None:
    sent, relay = run(said("a", "stop", usage=USAGE), DONE)

    assert sent == said("a", "stop", usage=USAGE) + DONE
    assert relay.usage == BILLED


def test_usage_in_two_places_is_counted_once() -> None:
    poorer = {"prompt_tokens": 10, "completion_tokens": 4}

    _, relay = run(said("a", "stop", usage=USAGE), event(choices=[], usage=poorer), DONE)

    assert relay.usage == BILLED


def test_running_usage_ends_at_its_last_count() -> None:
    chunks = [
        event(choices=[], usage={"prompt_tokens": 10, "completion_tokens": n}) for n in range(1, 5)
    ]

    _, relay = run(*chunks)

    assert relay.usage == Usage(input=10, output=4, source="billed")


@pytest.mark.parametrize(
    "text",
    ["usage", "finish_reason", "[DONE]", "error", 'data: [DONE]\n\n"usage":{"prompt_tokens":9}'],
)
def test_words_of_the_protocol_inside_of_text_are_text(text: str) -> None:
    sent, relay = run(said(text))

    assert sent == said(text)
    assert relay.usage == Usage(source="none")
    assert relay.output_bytes == len(text)
    assert not relay.complete
    assert relay.error is None


def test_reasoning_and_tool_calls_are_measured() -> None:
    call = {"index": 0, "id": "functions.f:0", "function": {"name": "f", "arguments": '{"a"'}}
    pieces = [
        event(choices=[{"delta": {"role": "assistant", "reasoning_content": "hmm"}}]),
        event(choices=[{"delta": {"tool_calls": [call]}}]),
        event(
            choices=[{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}}]
        ),
    ]

    _, relay = run(*pieces)

    assert relay.output_bytes == 3 + 1 + 4 + 3


def test_keep_alives_are_forwarded() -> None:
    ping = b": ping\n\n"

    sent, relay = run(ping, said("a"), ping + ping, said("", "stop"), DONE)

    assert sent == ping + said("a") + ping + ping + said("", "stop") + DONE
    assert relay.output_bytes == 1


def test_lines_may_end_as_on_windows() -> None:
    events = [e.replace(b"\n", b"\r\n") for e in (said("a", "stop"), total(), DONE)]

    sent, relay = run(*events)

    assert sent == events[0] + DONE
    assert relay.usage == BILLED


def test_an_event_may_have_other_fields_and_several_lines_of_data() -> None:
    chunk = b'event: delta\nid: 7\ndata: {"choices":[{"delta":\ndata: {"content":"abc"}}]}\n\n'

    sent, relay = run(chunk)

    assert sent == chunk
    assert relay.output_bytes == 3


def test_the_space_after_the_colon_is_optional() -> None:
    chunk = b'data:{"choices":[{"delta":{"content":"abc"},"finish_reason":"length"}]}\n\n'

    sent, relay = run(chunk, b"data:[DONE]\n\n")

    assert sent == chunk + DONE
    assert relay.output_bytes == 3
    assert relay.finish_reason == "length"


def test_a_stream_may_begin_with_empty_lines() -> None:
    sent, relay = run(b"\n\n\n" + said("abc"), said("", "stop"))

    assert sent == b"\n\n\n" + said("abc") + said("", "stop") + DONE
    assert relay.output_bytes == 3


@pytest.mark.parametrize(
    "chunk",
    [
        b"data: {not json}\n\n",
        b"data: 12\n\n",
        b'data: {"choices":5}\n\n',
        b'data: {"choices":[null]}\n\n',
        b"data: \xff\xfe\n\n",
        b"data:\n\n",
        b"retry: 5\n\n",
        b'data: {"choices":null,"usage":null}\n\n',
        b'data: {"choices":[],"prompt_filter_results":[]}\n\n',
        b'data: {"choices":[{"delta":null,"finish_reason":5,"usage":"x"}],"usage":null}\n\n',
    ],
)
def test_odd_events_are_forwarded_unread(chunk: bytes) -> None:
    sent, relay = run(said("a"), chunk, said("b"))

    assert sent == said("a") + chunk + said("b")
    assert relay.output_bytes == 2
    assert not relay.complete


def test_an_error_event_is_forwarded_and_read() -> None:
    chunk = event(error={"message": "overloaded", "type": "engine_overloaded_error", "code": 429})

    sent, relay = run(said("a"), chunk)

    assert sent == said("a") + chunk
    assert relay.error == ErrorDetail(
        type="engine_overloaded_error", message="overloaded", code="429"
    )
    assert not relay.complete


def test_the_first_of_two_errors_is_kept() -> None:
    _, relay = run(event(error="first"), event(error="second"))

    assert relay.error == ErrorDetail(message="first")


def test_an_error_as_a_string_is_read() -> None:
    _, relay = run(event(error="no such model"))

    assert relay.error == ErrorDetail(message="no such model")


def test_a_cut_stream_is_not_complete_and_gets_no_done() -> None:
    sent, relay = run(said("a"), said("b"))

    assert sent == said("a") + said("b")
    assert not relay.complete


def test_half_an_event_at_the_end_is_left_out() -> None:
    sent, relay = run(said("a"), said("b")[:-12])

    assert sent == said("a")
    assert relay.output_bytes == 1


def test_a_whole_event_without_its_empty_line_is_taken_at_the_end() -> None:
    sent, relay = run(said("a"), said("b", "stop").rstrip())

    assert sent == said("a") + said("b", "stop") + DONE
    assert relay.output_bytes == 2


@pytest.mark.parametrize("last", [b"data: [DONE]", b"data: [DONE]\n", b"data: [DONE]\r\n"])
def test_done_without_its_empty_line_counts(last: bytes) -> None:
    sent, relay = run(said("a"), last)

    assert sent == said("a") + DONE
    assert relay.done


def test_a_finished_stream_without_done_gets_one() -> None:
    sent, relay = run(said("a", "stop"), total())

    assert sent == said("a", "stop") + DONE
    assert relay.complete
    assert not relay.done


def test_nothing_follows_done() -> None:
    sent, relay = run(said("a", "stop"), DONE + b": bye\n\n" + said("b"), total(), b"rest")

    assert sent == said("a", "stop") + DONE
    assert relay.output_bytes == 1


def test_an_empty_stream_gives_nothing() -> None:
    sent, relay = run()

    assert sent == b""
    assert not relay.complete


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_an_endless_event_is_refused(size: int) -> None:
    relay = Relay(show_usage=False, event_limit=500)
    assert relay.feed(said("a")) == said("a")
    endless = b"data: " + b"x" * 994
    pieces = [endless[at : at + size] for at in range(0, 1_000, size)]

    with pytest.raises(UpstreamError, match="more than 500 bytes") as caught:
        list(map(relay.feed, pieces))

    assert caught.value.fault == "malformed"
    assert relay.finish() == b""


def test_a_whole_event_over_the_limit_is_refused() -> None:
    relay = Relay(show_usage=False, event_limit=500)

    with pytest.raises(UpstreamError, match="more than 500 bytes"):
        relay.feed(said("x" * 500))
    assert relay.finish() == b""


def test_the_end_of_a_stream_never_raises() -> None:
    relay = Relay(show_usage=False, event_limit=500)
    relay.feed(b"data: " + b"x" * 494)

    assert relay.finish() == b""


def test_many_events_together_may_be_over_the_limit_of_one() -> None:
    relay = Relay(show_usage=False, event_limit=500)
    many = said("x") * 50

    assert relay.feed(many) == many


def test_an_error_of_ours_is_an_event_in_openais_shape() -> None:
    chunk = error_event("the upstream broke off", code="cut")

    assert chunk.startswith(b"data: {")
    assert chunk.endswith(b"}\n\n")
    assert json.loads(chunk[6:])["error"] == {
        "message": "the upstream broke off",
        "type": "upstream_error",
        "param": None,
        "code": "cut",
    }
