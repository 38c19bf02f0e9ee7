import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from router.errors import UpstreamError
from router.sse import DONE, Relay

TEXT = st.text(max_size=6) | st.sampled_from(
    ["usage", "[DONE]", "\n\n", "data: x", "请", "😀", "\r"]
)
USAGE = st.fixed_dictionaries(
    {"prompt_tokens": st.integers(0, 9), "completion_tokens": st.integers(0, 9)},
    optional={"cached_tokens": st.integers(0, 9)},
)
CHOICE = st.fixed_dictionaries(
    {"delta": st.dictionaries(st.sampled_from(["content", "reasoning_content"]), TEXT)},
    optional={"finish_reason": st.sampled_from([None, "stop"]), "usage": USAGE},
)
CHUNK = st.fixed_dictionaries(
    {"choices": st.lists(CHOICE, max_size=2)},
    optional={"usage": st.none() | USAGE, "error": st.just({"message": "m"})},
)


def write(chunk: dict[str, Any], ascii_only: bool, prefix: bytes) -> bytes:
    return prefix + json.dumps(chunk, ensure_ascii=ascii_only).encode()


BLOCKS = st.one_of(
    st.builds(write, CHUNK, st.booleans(), st.sampled_from([b"data: ", b"data:"])),
    st.sampled_from(
        [b": ping", b"data: [DONE]", b"data: {bad", b"event: x\nid: 1\r\ndata: {}", b"", b"\r"]
    ),
    st.binary(max_size=6),
)
ENDS = st.sampled_from([b"\n\n", b"\r\n\r\n", b"\n\n\n", b"\n", b"\r\n", b""])
STREAMS = st.lists(st.tuples(BLOCKS, ENDS).map(b"".join), max_size=8).map(b"".join)
CUTS = st.lists(st.integers(0, 400), max_size=12)
LIMIT = 1_000


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    """The stream in pieces, some of them perhaps empty."""
    places = sorted(min(place, len(stream)) for place in cuts)
    return [
        stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True)
    ]


def outcome(pieces: list[bytes], *, show_usage: bool) -> tuple[object, ...]:
    """Everything that can be seen of a relayed stream."""
    relay = Relay(show_usage=show_usage, event_limit=LIMIT)
    sent = b"".join([relay.feed(piece) for piece in pieces])
    rest = relay.finish()
    tally = (relay.usage, relay.finish_reason, relay.error, relay.output_bytes, relay.done)
    return sent, rest, relay.complete, *tally


@given(STREAMS, CUTS, st.booleans())
@example(b'data: {"choices":[]}\r\n\r\ndata: [DONE]\r\n\r\n', [21, 22, 23, 24], False)
@example(b"data: a\n\n\n\ndata: [DONE]\n\nrest", [8, 9, 10, 11], False)
def test_how_a_stream_is_cut_makes_no_difference(
    stream: bytes, cuts: list[int], show_usage: bool
) -> None:
    whole = outcome([stream], show_usage=show_usage)

    assert outcome(cut(stream, cuts), show_usage=show_usage) == whole
    bytewise = [stream[at : at + 1] for at in range(len(stream))]
    assert outcome(bytewise, show_usage=show_usage) == whole


@given(st.lists(st.binary(max_size=40), max_size=10), st.booleans())
def test_arbitrary_bytes_never_raise_and_are_never_made_up(
    pieces: list[bytes], show_usage: bool
) -> None:
    relay = Relay(show_usage=show_usage)

    sent = b"".join([relay.feed(piece) for piece in pieces])

    assert b"".join(pieces).startswith(sent)
    relay.finish()


@given(st.lists(CHUNK, max_size=6), st.booleans())
def test_only_usage_chunks_and_done_are_held_back(
    chunks: list[dict[str, Any]], show_usage: bool
) -> None:
    events = [write(chunk, True, b"data: ") + b"\n\n" for chunk in chunks]
    relay = Relay(show_usage=show_usage)

    sent = [relay.feed(event) for event in [*events, DONE]]

    def is_passed(chunk: dict[str, Any]) -> bool:
        usage_only = not chunk["choices"] and chunk.get("usage") is not None
        return show_usage or "error" in chunk or not usage_only

    passed = [event if is_passed(c) else b"" for event, c in zip(events, chunks, strict=True)]
    assert sent == [*passed, b""]
    assert relay.finish() == DONE


@given(st.integers(1, 50), st.integers(LIMIT - 20, LIMIT + 20))
def test_the_limit_of_an_event_does_not_depend_on_the_cuts(size: int, length: int) -> None:
    stream = b"data: " + b"x" * (length - 8) + b"\n\n"

    def refused(pieces: list[bytes]) -> bool:
        try:
            outcome(pieces, show_usage=False)
        except UpstreamError:
            return True
        return False

    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert refused(pieces) == refused([stream]) == (length > LIMIT)
