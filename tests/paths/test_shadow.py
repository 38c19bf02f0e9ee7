"""Shadow mode: what the caller asked for is done, what routing would do is noted."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from router.config.access import Shadow
from router.config.schema import Config, Upstream
from router.domain import Entry, ModelId
from router.policy.shadow import carried, routed
from router.sandbox.profile import UPSTREAM
from router.sandbox.settings import SandboxSettings, Scenario
from tests.paths.test_budgets import key, keyed
from tests.rawserver import raw_server, read_request
from tests.routers import Router, running_router

QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello there!"}]
STRANGER = "acme/large-3"


def shadowed(config: Config) -> Config:
    return msgspec.structs.replace(config, shadow=Shadow(enabled=True, upstream=UPSTREAM))


async def noted(router: Router, headers: Mapping[str, str]) -> Entry:
    """The entry of an answer with these headers, after its shadow was decided again."""
    entry = await router.entry(headers["x-gearshift-decision"])
    assert entry.shadow is not None
    assert routed(entry.shadow.verdict, entry.facts, router.table) == entry.shadow
    own = carried(entry.decision.model, entry.facts.forced, router.table)
    assert (own.tier, own.model, own.reason) == (
        entry.decision.tier,
        entry.decision.model,
        entry.decision.reason,
    )
    return entry


async def test_the_caller_s_model_answers_and_routing_only_watches(tmp_path: Path) -> None:
    async with running_router(tmp_path, change=shadowed) as router:
        raw = await router.openai.chat.completions.with_raw_response.create(
            model="kimi-k2-thinking", messages=QUESTION
        )
        answer = raw.parse()
        assert answer.model == "kimi-k2-thinking"
        headers = raw.headers
        assert headers["x-gearshift-reason"] == "shadow"
        assert (headers["x-gearshift-model"], headers["x-gearshift-tier"]) == (answer.model, "hard")
        assert headers["x-gearshift-label"] == "easy"
        assert headers["x-gearshift-cache"] == "miss"
        entry = await noted(router, headers)
        assert entry.shadow is not None
        assert (entry.shadow.tier, entry.shadow.model) == ("easy", "small-chat")
        assert entry.shadow.verdict is not None
        assert entry.facts.passthrough == "kimi-k2-thinking"
        assert (entry.cost.actual, entry.cost.routed) == (entry.cost.hard, entry.cost.easy)
        assert entry.cost.routed is not None
        assert entry.cost.actual is not None
        assert 0 < entry.cost.routed < entry.cost.actual


async def test_auto_goes_to_the_model_that_is_named_for_it(tmp_path: Path) -> None:
    def named(config: Config) -> Config:
        shadow = Shadow(enabled=True, model=ModelId("kimi-k2-instruct"))
        return msgspec.structs.replace(config, shadow=shadow)

    async with running_router(tmp_path, change=named) as router:
        answer = await router.chat("hello there!")
        assert answer.headers["x-gearshift-model"] == "kimi-k2-instruct"
        entry = await noted(router, answer.headers)
        assert entry.facts.passthrough is None
        asked = await router.chat("hello there!", model="gearshift/hard")
        forced = await noted(router, asked.headers)
        assert (forced.decision.model, forced.decision.reason) == ("kimi-k2-thinking", "shadow")
        assert forced.shadow is not None
        assert forced.shadow.tier == "easy"


async def test_without_a_name_auto_goes_to_the_baseline(tmp_path: Path) -> None:
    async with running_router(tmp_path, change=shadowed) as router:
        assert (await router.chat("hi")).headers["x-gearshift-model"] == "kimi-k2-thinking"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_model_that_is_not_known_here_passes_untouched(
    tmp_path: Path, streamed: bool
) -> None:
    body = (
        b'{ "model":"acme/large-3", "temperature":1.70, "x_odd":[1,{"a":1e2}], "stream":%s,'
        b'\n"messages":[{"role":"user","content":"\\u0068i", "reasoning_content":"kept"}]}'
    ) % (b"true" if streamed else b"false")
    async with running_router(tmp_path, change=shadowed) as router:
        response = await router.http.post("/v1/chat/completions", content=body)
        assert response.status_code == 200
        assert response.headers["x-gearshift-model"] == STRANGER
        sent = router.sandbox.received[-1].body
        if streamed:
            assert response.text.endswith("data: [DONE]\n\n")
            fields = msgspec.json.decode(sent)
            assert fields.pop("stream_options") == {"include_usage": True}
            assert fields == msgspec.json.decode(body)
            assert b"1.70" in sent
        else:
            assert sent == body
        entry = await noted(router, response.headers)
        assert entry.usage.source == "billed"
        assert entry.decision.tier == "hard"
        # No list knows a private host's price, and nobody knows how long it would have been.
        assert (entry.cost.actual, entry.cost.routed) == (None, None)
        text = (await router.http.get("/metrics")).text
        assert 'model="other"' in text
        assert STRANGER not in text, "callers choose such names: they are no label"


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 129, " a", "naïve"])
async def test_a_name_that_no_header_carries_is_refused(tmp_path: Path, name: str) -> None:
    async with running_router(tmp_path, change=shadowed) as router:
        assert (await router.chat("hi", model=name)).status_code == 404


async def test_a_stranger_is_refused_where_nobody_takes_it(tmp_path: Path) -> None:
    def closed(config: Config) -> Config:
        return msgspec.structs.replace(config, shadow=Shadow(enabled=True))

    async with running_router(tmp_path, change=closed) as router:
        with pytest.raises(openai.NotFoundError):
            await router.openai.chat.completions.create(model=STRANGER, messages=QUESTION)


async def test_the_way_of_a_stream_is_the_same(tmp_path: Path) -> None:
    async with running_router(tmp_path, change=shadowed) as router:
        stream = await router.openai.chat.completions.create(
            model="kimi-k2-instruct", messages=QUESTION, stream=True
        )
        chunks = [chunk async for chunk in stream]
        assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
        assert stream.response.headers["x-gearshift-label"] == "easy"
        entry = await noted(router, stream.response.headers)
        assert entry.cost.routed is not None


async def test_no_other_model_stands_in_and_nothing_is_left_alone(tmp_path: Path) -> None:
    down = SandboxSettings(keep_requests=100, scenarios=(Scenario(fault="overloaded"),))
    async with running_router(tmp_path, change=shadowed, sandbox=down) as router:
        for n in range(6):  # twice as many as open the breaker
            answer = await router.chat(f"hi {n}", model="kimi-k2-thinking")
            assert answer.status_code == 503
            entry = await noted(router, answer.headers)
            assert len(entry.outcome.attempts) == 1
            assert entry.decision.verdict is not None
        asked = [one for one in router.sandbox.received if one.path.endswith("completions")]
        assert len(asked) == 6


async def test_no_obstacle_is_looked_for_on_the_caller_s_way(tmp_path: Path) -> None:
    def narrow(config: Config) -> Config:
        model = ModelId("small-chat")
        profile = msgspec.structs.replace(config.model[model], context=50, capabilities=())
        models = {**config.model, model: profile}
        return msgspec.structs.replace(shadowed(config), model=models)

    async with running_router(tmp_path, change=narrow) as router:
        answer = await router.chat("hello there! " * 30, model="small-chat", max_tokens=20)
        assert answer.status_code == 200, "an estimate of ours refuses nobody here"
        entry = await noted(router, answer.headers)
        assert entry.shadow is not None
        assert entry.shadow.reason == "context"


async def test_a_scorer_that_is_too_slow_costs_the_verdict_and_nothing_else(
    tmp_path: Path,
) -> None:
    def slow(config: Config) -> Config:
        scorer = msgspec.structs.replace(config.scorer, timeout_ms=1, inline_chars=0, threads=1)
        return msgspec.structs.replace(shadowed(config), scorer=scorer)

    async with running_router(tmp_path, change=slow) as router:
        long = "Explain this. " * 2_000
        answers = await asyncio.gather(
            *(router.chat(f"{long}{n}", model="kimi-k2-instruct") for n in range(60))
        )
        assert {answer.status_code for answer in answers} == {200}
        entries = [await noted(router, answer.headers) for answer in answers]
        unscored = [e.shadow for e in entries if e.shadow and e.shadow.verdict is None]
        assert unscored
        assert {shadow.reason for shadow in unscored} == {"no_verdict"}


async def test_it_is_scored_while_the_model_is_at_work(tmp_path: Path) -> None:
    scored = asyncio.Event()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await scored.wait()  # until the router has judged, which it can only do meanwhile
        body = b'{"choices":[{"message":{"content":"yes"},"finish_reason":"stop"}]}'
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
        writer.write(b"content-length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async with raw_server(converse) as url:

        def elsewhere(config: Config) -> Config:
            upstream = {**config.upstream, "other": Upstream(base_url=url)}
            shadow = Shadow(enabled=True, upstream="other")
            return msgspec.structs.replace(config, upstream=upstream, shadow=shadow)

        async with running_router(tmp_path, change=elsewhere) as router:
            asking = asyncio.create_task(router.chat("hello there!", model=STRANGER))
            told = ""
            async with asyncio.timeout(20):
                while 'event="miss"} 1.0' not in told:
                    told = (await router.http.get("/metrics")).text
            assert not asking.done()
            scored.set()
            assert (await asking).headers["x-gearshift-label"] == "easy"


async def test_who_leaves_is_noted_all_the_same(tmp_path: Path) -> None:
    async with running_router(tmp_path, change=shadowed) as router:
        body = {"model": STRANGER, "stream": True, "messages": QUESTION}
        body["messages"] = [{"role": "user", "content": "[[sandbox:fault=stall]] go"}]
        async with router.http.stream("POST", "/v1/chat/completions", json=body) as response:
            await anext(response.aiter_lines())
        entry = await noted(router, response.headers)
        assert entry.outcome.fault == "client_left"
        assert entry.decision.verdict is not None


async def test_a_key_may_be_watched_and_another_routed(tmp_path: Path) -> None:
    watched = msgspec.structs.replace(key("watched"), shadow=True)
    async with running_router(tmp_path, change=keyed(watched, key("routed"))) as router:
        reasons = []
        for name in ("watched", "routed"):
            shown = {"authorization": f"Bearer gs-{name}"}
            body = {"model": "auto", "messages": QUESTION}
            answer = await router.http.post("/v1/chat/completions", json=body, headers=shown)
            reasons.append(answer.headers["x-gearshift-reason"])
        assert reasons == ["shadow", "label"]


async def test_a_key_in_the_shadow_is_under_its_budget(tmp_path: Path) -> None:
    poor = msgspec.structs.replace(key("poor", hard_usd=0.0), shadow=True)
    async with running_router(tmp_path, change=keyed(poor)) as router:
        shown = {"authorization": "Bearer gs-poor"}
        body = {"model": "auto", "messages": QUESTION}
        answer = await router.http.post("/v1/chat/completions", json=body, headers=shown)
        assert answer.status_code == 429
        entry = await noted(router, answer.headers)
        assert entry.outcome.attempts == ()
        assert entry.cost.routed is None


async def test_route_tells_what_routing_would_do(tmp_path: Path) -> None:
    async with running_router(tmp_path, change=shadowed) as router:
        body = {"model": STRANGER, "messages": QUESTION}
        said = (await router.http.post("/v1/route", json=body)).json()
        assert (said["decision"]["tier"], said["decision"]["reason"]) == ("easy", "label")
        assert not [one for one in router.sandbox.received if one.path.endswith("completions")]
