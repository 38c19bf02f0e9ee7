"""Upstreams fail: before the first byte another model takes over, afterwards the stream says so."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import openai
import pytest

from router.config.schema import Config, Rule
from router.domain import Entry
from router.sandbox.profile import with_base_url
from tests.rawserver import Conversation, raw_server, read_request
from tests.routers import Router, running_router
from tests.waiting import until

HARD = "kimi-k2-thinking"


def all_hard_and_impatient(config: Config) -> Config:
    """Everything to hard by a rule, which may fall back; and short time-outs for silent hosts."""
    upstream = msgspec.structs.replace(
        config.upstream["sandbox"],
        first_byte_timeout_ms=200,
        answer_timeout_ms=200,
        idle_timeout_ms=200,
    )
    rule = Rule(name="everything", pattern="", tier="hard")
    return msgspec.structs.replace(
        config,
        upstream={"sandbox": upstream},
        policy=msgspec.structs.replace(config.policy, rule=(rule,)),
    )


@pytest.fixture
async def router(tmp_path: Path) -> AsyncIterator[Router]:
    async with running_router(tmp_path, change=all_hard_and_impatient) as running:
        yield running


async def entry_of(router: Router, response: httpx.Response) -> Entry:
    return await router.entry(response.headers["x-gearshift-decision"])


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("fault", "recorded"),
    [
        ("rate_limit", "rate_limit"),
        ("overloaded", "overloaded"),
        ("quota", "quota"),
        ("auth", "auth"),
        ("not_found", "not_found"),
        ("server", "server"),
        ("unavailable", "overloaded"),
        ("html_504", "timeout"),
        ("slow_first_byte", "timeout"),
    ],
)
async def test_before_the_first_byte_another_model_takes_over(
    router: Router, fault: str, recorded: str, streamed: bool
) -> None:
    text = f"[[sandbox:fault={fault} model={HARD}]] hello"
    response = await router.chat(text, stream=streamed)
    assert response.status_code == 200, response.text
    assert response.headers["x-gearshift-reason"] == "fallback"
    assert response.headers["x-gearshift-model"] != HARD
    entry = await entry_of(router, response)
    assert [attempt.fault for attempt in entry.outcome.attempts] == [recorded, None]
    assert entry.outcome.attempts[0].model == HARD
    assert router.decide_again(entry) == entry.decision


async def test_an_answer_that_is_no_json_is_not_passed_on(router: Router) -> None:
    response = await router.chat(f"[[sandbox:fault=malformed model={HARD}]] hello")
    assert response.json()["model"] != HARD
    entry = await entry_of(router, response)
    assert [attempt.fault for attempt in entry.outcome.attempts] == ["malformed", None]


@pytest.mark.parametrize(
    ("fault", "error"),
    [("invalid", openai.BadRequestError), ("content_filter", openai.BadRequestError)],
)
async def test_a_fault_of_the_request_goes_back_to_the_caller(
    router: Router, fault: str, error: type[openai.APIStatusError]
) -> None:
    with pytest.raises(error) as caught:
        await router.openai.chat.completions.create(
            model="auto", messages=[{"role": "user", "content": f"[[sandbox:fault={fault}]]"}]
        )
    assert caught.value.response.headers["x-should-retry"] == "false"
    entry = await router.entry(caught.value.response.headers["x-gearshift-decision"])
    assert [attempt.fault for attempt in entry.outcome.attempts] == [fault]
    assert entry.outcome.status == 400


@pytest.mark.parametrize(
    ("fault", "status"),
    [("rate_limit", 429), ("overloaded", 503), ("quota", 502), ("server", 502), ("auth", 502)],
)
async def test_when_every_model_fails_the_caller_is_told_once(
    router: Router, fault: str, status: int
) -> None:
    response = await router.chat(f"[[sandbox:fault={fault}]]")
    assert response.status_code == status
    error = response.json()["error"]
    assert error["type"] == "upstream_error"
    assert error["message"]
    if fault == "rate_limit":
        assert response.headers["retry-after"] == "1"
    else:
        assert response.headers["x-should-retry"] == "false"
    entry = await entry_of(router, response)
    assert len(entry.outcome.attempts) == 3, "every tier was tried"
    assert entry.outcome.status == status


@pytest.mark.parametrize(
    ("fault", "recorded", "code"),
    [
        ("cut", "cut", "upstream_cut"),
        ("end_early", "cut", "upstream_cut"),
        ("stall", "stall", "upstream_stall"),
    ],
)
async def test_a_stream_that_breaks_off_ends_in_an_error_event(
    router: Router, fault: str, recorded: str, code: str
) -> None:
    stream = await router.openai.chat.completions.create(
        model="auto",
        messages=[{"role": "user", "content": f"[[sandbox:fault={fault}]] tell me"}],
        stream=True,
    )
    decision = stream.response.headers["x-gearshift-decision"]
    with pytest.raises(openai.APIError) as caught:
        async for _ in stream:
            pass
    assert caught.value.code == code
    entry = await router.entry(decision)
    assert entry.outcome.fault == recorded
    assert entry.outcome.status == 200, "that is what the caller had seen"
    assert entry.usage.source == "estimated", "no usage came, and nothing is ever free"
    assert entry.usage.output > 0
    assert entry.cost.actual is not None
    assert entry.cost.actual > 0


@pytest.mark.parametrize("quirk", ["no_usage"])
async def test_an_answer_without_usage_is_estimated_and_marked(router: Router, quirk: str) -> None:
    for streamed in (False, True):
        response = await router.chat(f"[[sandbox:quirk={quirk}]] hi", stream=streamed)
        entry = await entry_of(router, response)
        assert entry.usage.source == "estimated"
        assert entry.usage.input > 0
        assert entry.usage.output > 0


@pytest.mark.parametrize(
    "quirk",
    ["usage_in_choice", "usage_empty_choices", "usage_filled_choices", "usage_everywhere"],
)
async def test_usage_is_read_from_wherever_it_stands_and_never_twice(
    router: Router, quirk: str
) -> None:
    plain = await router.chat("[[sandbox:tokens=20 reasoning=30]] hi", stream=True)
    odd = await router.chat(f"[[sandbox:tokens=20 reasoning=30 quirk={quirk}]] hi", stream=True)
    expected, found = (await entry_of(router, plain)).usage, (await entry_of(router, odd)).usage
    assert found.source == "billed"
    assert found.output == expected.output


async def test_a_caller_who_leaves_in_mid_stream_is_accounted_and_the_upstream_let_go(
    router: Router,
) -> None:
    stream = await router.openai.chat.completions.create(
        model="auto",
        messages=[{"role": "user", "content": "[[sandbox:fault=stall delay_ms=100000]] hello"}],
        stream=True,
    )
    decision = stream.response.headers["x-gearshift-decision"]
    await anext(aiter(stream))
    await stream.close()
    entry = await router.entry(decision)
    assert entry.outcome.fault in {"client_left", "stall"}
    assert entry.usage.source == "estimated"
    assert entry.usage.input > 0


async def test_a_caller_who_leaves_before_the_answer_is_accounted(router: Router) -> None:
    with pytest.raises(openai.APITimeoutError):
        await router.openai.with_options(timeout=0.1).chat.completions.create(
            model="gearshift/easy",
            messages=[{"role": "user", "content": "[[sandbox:fault=slow_first_byte]]"}],
        )
    await until(lambda: bool(router.entries()))
    entry = router.entries()[0]
    assert entry.outcome.status == 499
    assert entry.outcome.fault == "client_left"
    assert entry.outcome.attempts[0].usage.source == "estimated"


async def test_a_model_that_keeps_failing_is_left_alone_for_a_while(router: Router) -> None:
    text = f"[[sandbox:fault=server model={HARD}]] hello"
    entries = [await entry_of(router, await router.chat(f"{text} {n}")) for n in range(5)]
    tried = [entry.outcome.attempts[0].model == HARD for entry in entries]
    assert tried == [True, True, True, False, False]
    ready = (await router.http.get("/health/ready")).json()
    assert ready["status"] == "degraded"
    assert any(HARD in reason for reason in ready["reasons"])


TOLD = b'data: {"error":{"type":"engine_overloaded_error","message":"too busy"}}\n\n'
WORD = b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'


def streaming(*pieces: bytes) -> Conversation:
    """A host whose streams are these pieces, each in a packet of its own, then the end."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
        writer.write(b"transfer-encoding: chunked\r\n\r\n")
        for piece in (*pieces, b""):
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(0)

    return converse


async def test_an_error_in_mid_stream_is_passed_on_once(tmp_path: Path) -> None:
    async with (
        raw_server(streaming(WORD, TOLD)) as url,
        running_router(tmp_path, change=lambda c: with_base_url(c, url)) as router,
    ):
        response = await router.chat("hello", stream=True)
        entry = await entry_of(router, response)
    assert response.content.startswith(WORD)
    assert response.content.count(b'"error"') <= 1
    assert entry.outcome.fault == "overloaded"


async def test_a_stream_that_begins_with_an_error_can_still_fall_back(tmp_path: Path) -> None:
    async with (
        raw_server(streaming(TOLD)) as url,
        running_router(tmp_path, change=lambda c: with_base_url(c, url)) as router,
    ):
        response = await router.chat("hello", stream=True)
        entry = await entry_of(router, response)
    assert response.status_code == 503
    assert [attempt.fault for attempt in entry.outcome.attempts] == ["overloaded"] * 3


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_attempt_that_we_gave_up_is_estimated_not_free(
    router: Router, streamed: bool
) -> None:
    text = f"[[sandbox:fault=slow_first_byte model={HARD}]] hello"
    entry = await entry_of(router, await router.chat(text, stream=streamed))
    given_up, answered = entry.outcome.attempts
    assert given_up.usage.source == "estimated"
    assert given_up.cost
    assert answered.usage.source == "billed"
    assert entry.usage.source == "estimated", "one estimate makes the sum an estimate"
    assert entry.cost.actual == given_up.cost + (answered.cost or 0)


async def test_a_host_that_thinks_after_its_head_has_the_patience_for_the_first_byte(
    tmp_path: Path,
) -> None:
    def thinks_long(config: Config) -> Config:
        upstream = msgspec.structs.replace(
            config.upstream["sandbox"], first_byte_timeout_ms=10_000, idle_timeout_ms=50
        )
        return msgspec.structs.replace(config, upstream={"sandbox": upstream})

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.3)  # longer than the patience between two pieces
        done = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
        writer.write(WORD + done + b"data: [DONE]\n\n")
        await writer.drain()

    async with (
        raw_server(converse) as url,
        running_router(tmp_path, change=lambda c: with_base_url(thinks_long(c), url)) as router,
    ):
        response = await router.chat("hello", stream=True)
    assert response.text.endswith("data: [DONE]\n\n")


async def test_streams_that_break_off_open_the_circuit_too(router: Router) -> None:
    text = f"[[sandbox:fault=cut model={HARD}]] hello"
    for n in range(3):
        await router.chat(f"{text} {n}", stream=True)
    entry = await entry_of(router, await router.chat(text, stream=True))
    assert entry.outcome.attempts[0].model != HARD


def quick_breaker(config: Config) -> Config:
    breaker = msgspec.structs.replace(config.breaker, failures=1, open_ms=1)
    return msgspec.structs.replace(all_hard_and_impatient(config), breaker=breaker)


async def test_a_trial_that_meets_a_bad_request_shows_that_the_model_is_well(
    tmp_path: Path,
) -> None:
    async with running_router(tmp_path, change=quick_breaker) as router:
        await router.chat(f"[[sandbox:fault=server model={HARD}]]")
        assert (await router.chat(f"[[sandbox:fault=invalid model={HARD}]]")).status_code == 400
        ready = (await router.http.get("/health/ready")).json()
        assert not any(HARD in reason for reason in ready["reasons"])
