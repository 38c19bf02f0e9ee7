"""Microseconds of the router's own work on bytes: parse and render a request, relay a stream.

    python -m benchmarks.bench_wire

CPU time, best of 25 runs, of these functions alone: no sockets, no scoring, no ledger.
"""

import json
from collections.abc import Callable
from functools import partial
from time import process_time
from timeit import Timer

from router.config.schema import Model
from router.sse import Relay
from router.wire.answer import parse_answer
from router.wire.render import render
from router.wire.request import parse_chat, prefix_digest

PROFILE = Model(
    upstream="host", name="moonshotai/kimi-k2-thinking", context=262_144, max_tokens=16_000
)
TOOL = {
    "type": "function",
    "function": {
        "name": "read_file",
        "description": "Reads a file of the project and gives its lines with their numbers. " * 4,
        "parameters": {
            "type": "object",
            "properties": {"path": {"type": "string"}, "offset": {"type": "integer"}},
            "required": ["path"],
        },
    },
}
SENTENCE = "The function reads each line once, and keeps\tonly what the next stage needs.\n"
CHUNK = {
    "id": "chatcmpl-8f3b2c1d9e",
    "object": "chat.completion.chunk",
    "created": 1_763_900_000,
    "model": "moonshotai/kimi-k2-thinking",
    "choices": [{"index": 0, "delta": {"content": " hello"}, "finish_reason": None}],
}


def make_body(size: int, *, tools: int = 0, turns: int = 1, text: str = SENTENCE) -> bytes:
    """A request of about `size` bytes: alternating turns of prose, and some tools."""
    body: dict[str, object] = {"model": "auto", "temperature": 0.6}
    if tools:
        body["tools"] = [TOOL] * tools
    left = max(1, (size - len(json.dumps(body))) // turns - 40)
    text = (text * (left // len(text) + 1))[:left]
    roles = ("user", "assistant")
    body["messages"] = [{"role": roles[i % 2], "content": text} for i in range(turns)]
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def make_event(chunk: dict[str, object]) -> bytes:
    """One event of a stream."""
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


def relay(chunks: list[bytes]) -> None:
    """Pass a whole stream through."""
    reader = Relay(show_usage=False)
    for chunk in chunks:
        reader.feed(chunk)
    reader.finish()


def measure(name: str, work: Callable[[], object], *, per: int = 1) -> None:
    """Print the least CPU time of `work`, divided by the `per` units in it."""
    timer = Timer(work, timer=process_time)
    number = max(1, timer.autorange()[0] // 10)
    best = min(timer.repeat(25, number)) / number
    print(f"{name:<52} {best / per * 1e6:10.2f} µs")


def measure_requests() -> None:
    """Parse, render and digest by size of the body."""
    bodies = {
        "300 B": make_body(300),
        "10 KB with 12 tools": make_body(10_000, tools=12, turns=5),
        "100 KB, 40 turns": make_body(100_000, turns=41),
        "100 KB, one turn": make_body(100_000),
        "100 KB of Chinese": make_body(33_000, text="请给出一个可以运行的例子"),
    }
    for name, body in bodies.items():
        request = parse_chat(body, max_messages=5_000)
        measure(f"parse, {name}", partial(parse_chat, body, max_messages=5_000))
        measure(f"render, {name}", partial(render, request, PROFILE))
        measure(f"prefix digest, {name}", partial(prefix_digest, request))


def measure_answers() -> None:
    """Read answers: in one piece, and in a stream."""
    message = {"role": "assistant", "content": SENTENCE * 50}
    usage = {"prompt_tokens": 900, "completion_tokens": 1_000}
    answer = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}
    body = json.dumps(answer).encode()
    measure("parse answer, 4 KB", partial(parse_answer, body))
    last = {**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    total = {**CHUNK, "choices": [], "usage": usage}
    events = [make_event(CHUNK)] * 48 + [make_event(last), make_event(total), b"data: [DONE]\n\n"]
    stream = b"".join(events)
    pieces = [stream[at : at + 100] for at in range(0, len(stream), 100)]
    measure("stream, one event a chunk: each event", partial(relay, events), per=51)
    measure("stream, all at once: each event", partial(relay, [stream]), per=51)
    measure("stream, in pieces of 100 bytes: each event", partial(relay, pieces), per=51)


if __name__ == "__main__":
    measure_requests()
    measure_answers()
