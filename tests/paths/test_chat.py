"""The ordinary day: OpenAI's own SDK against a live router."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from openai import omit
from openai.types.chat import ChatCompletionMessageParam

from router.config.schema import Config
from router.sandbox.profile import with_base_url
from tests.rawserver import raw_server, read_request
from tests.routers import Router, running_router
from tests.waiting import until

QUESTION: list[ChatCompletionMessageParam] = [
    {"role": "user", "content": "What is the capital of Portugal?"}
]


async def test_an_answer_in_one_piece_with_its_decision_and_its_entry(router: Router) -> None:
    raw = await router.openai.chat.completions.with_raw_response.create(
        model="auto", messages=QUESTION
    )
    answer = raw.parse()
    headers = raw.headers
    assert answer.choices[0].message.content
    assert answer.choices[0].message.content.startswith("[simulated]")
    assert headers["x-gearshift-simulated"] == "true"
    assert headers["x-gearshift-tier"] in {"easy", "medium", "hard"}
    assert headers["x-gearshift-label"] in {"easy", "medium", "hard", "needs_info"}
    assert 0 < float(headers["x-gearshift-confidence"]) <= 1
    assert headers["x-gearshift-reason"] in {"label", "needs_info"}
    assert headers["x-gearshift-cache"] == "miss"
    entry = await router.entry(headers["x-gearshift-decision"])
    assert answer.usage is not None
    assert (entry.usage.input, entry.usage.output) == (
        answer.usage.prompt_tokens,
        answer.usage.completion_tokens,
    )
    assert entry.usage.source == "billed"
    assert entry.cost.actual is not None
    assert entry.cost.actual > 0
    assert entry.simulated
    assert entry.decision.model == headers["x-gearshift-model"]
    assert entry.prompt is None, "prompts are not kept unless configured"


async def test_the_second_time_the_verdict_comes_from_the_cache(router: Router) -> None:
    first = await router.chat("Name three rivers in France.")
    again = await router.chat("Name three rivers in France.")
    assert (first.headers["x-gearshift-cache"], again.headers["x-gearshift-cache"]) == (
        "miss",
        "hit",
    )
    for name in ("label", "confidence", "tier", "model", "reason"):
        assert first.headers[f"x-gearshift-{name}"] == again.headers[f"x-gearshift-{name}"]


@pytest.mark.parametrize("ask_usage", [True, False])
async def test_a_stream_comes_whole_and_with_usage_only_when_asked(
    router: Router, ask_usage: bool
) -> None:
    stream = await router.openai.chat.completions.create(
        model="auto",
        messages=QUESTION,
        stream=True,
        stream_options={"include_usage": True} if ask_usage else omit,
    )
    chunks = [chunk async for chunk in stream]
    decision = stream.response.headers["x-gearshift-decision"]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text.startswith("[simulated]")
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    usages = [chunk.usage for chunk in chunks if chunk.usage]
    assert len(usages) == int(ask_usage)
    entry = await router.entry(decision)
    assert entry.outcome.streamed
    assert entry.usage.source == "billed", "the router asks for usage, whatever the caller does"
    assert entry.usage.output > 0
    if ask_usage:
        assert usages[0] is not None
        assert usages[0].completion_tokens == entry.usage.output


async def test_a_stream_is_relayed_as_it_comes(router: Router) -> None:
    body = {
        "model": "gearshift/easy",
        "stream": True,
        "messages": [{"role": "user", "content": "[[sandbox:fault=stall]] go"}],
    }
    async with router.http.stream("POST", "/v1/chat/completions", json=body) as response:
        lines = response.aiter_lines()
        first = await anext(lines)
        assert first.startswith("data: "), "what came before the stall is here while it stalls"
        router.sandbox.release()
        rest = [line async for line in lines]
    assert rest[-2:] == ["data: [DONE]", ""]


async def test_a_connection_to_the_upstream_serves_one_stream_after_the_other(
    tmp_path: Path,
) -> None:
    connections = 0
    whole = asyncio.Event()
    done = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await read_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
            writer.write(b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(done), done))
            await writer.drain()
            # The end of the body comes when the caller has everything already.
            await whole.wait()
            whole.clear()
            writer.write(b"0\r\n\r\n")
            await writer.drain()

    async with (
        raw_server(converse) as url,
        running_router(tmp_path, change=lambda config: with_base_url(config, url)) as router,
    ):
        for n in range(6):
            response = await router.chat(f"hello {n}", stream=True)
            assert response.text.endswith("data: [DONE]\n\n")
            whole.set()
            await until(lambda: not whole.is_set())
    # One for the list of models at the start; and a request may overtake the end of the last.
    assert connections <= 4


async def test_reasoning_of_the_thinking_tier_comes_through(router: Router) -> None:
    answer = (await router.chat("Prove it.", model="gearshift/hard")).json()
    assert answer["choices"][0]["message"]["reasoning_content"]
    assert answer["model"] == "kimi-k2-thinking", "the answer's model is the upstream's"


@pytest.mark.parametrize("tier", ["easy", "medium", "hard"])
async def test_a_forced_tier_is_not_scored_but_accounted(router: Router, tier: str) -> None:
    response = await router.chat("hello", model=f"gearshift/{tier}")
    assert response.headers["x-gearshift-tier"] == tier
    assert response.headers["x-gearshift-reason"] == "forced"
    assert response.headers["x-gearshift-cache"] == "off"
    assert "x-gearshift-label" not in response.headers
    entry = await router.entry(response.headers["x-gearshift-decision"])
    assert entry.decision.verdict is None
    assert entry.cost.actual is not None


async def test_a_configured_model_passes_through(router: Router) -> None:
    response = await router.chat("hello", model="kimi-k2-instruct")
    assert response.headers["x-gearshift-reason"] == "passthrough"
    assert response.headers["x-gearshift-model"] == "kimi-k2-instruct"


async def test_unknown_fields_reach_the_upstream_untouched(router: Router) -> None:
    odd = b'{"b":1.0e2,"a":[1,2,{"z":"\\u00e9"}],"big":123456789012345678901234567890}'
    body = b'{"model":"gearshift/easy","x_vendor":%s,"messages":[{"role":"user","content":"hi"}]}'
    response = await router.http.post("/v1/chat/completions", content=body % odd)
    assert response.status_code == 200
    sent = router.sandbox.received[-1].body
    assert odd in sent


async def test_a_caller_s_credentials_go_no_further(router: Router) -> None:
    await router.http.post(
        "/v1/chat/completions",
        json={"model": "gearshift/easy", "messages": QUESTION},
        headers={"authorization": "Bearer sk-caller", "x-api-key": "sk-caller", "cookie": "a=b"},
    )
    headers = router.sandbox.received[-1].headers
    assert "sk-caller" not in str(headers)
    assert "cookie" not in headers


async def test_a_conversation_without_a_human_turn_is_served_unscored(router: Router) -> None:
    body = {"model": "auto", "messages": [{"role": "system", "content": "Say hello."}]}
    response = await router.http.post("/v1/chat/completions", json=body)
    assert response.status_code == 200
    assert response.headers["x-gearshift-reason"] == "no_verdict"
    assert response.headers["x-gearshift-tier"] == "medium"
    assert response.headers["x-gearshift-cache"] == "off"


async def test_hints_become_the_entry_s_caller(router: Router) -> None:
    response = await router.http.post(
        "/v1/chat/completions",
        json={
            "model": "gearshift/easy",
            "messages": QUESTION,
            "user": "u-1",
            "metadata": {"tags": ["blue", "green"]},
        },
        headers={"x-session-id": "s-1"},
    )
    entry = await router.entry(response.headers["x-gearshift-decision"])
    assert entry.caller.user == "u-1"
    assert entry.caller.session == "s-1"
    assert entry.caller.tags == ("blue", "green")


async def test_models_are_listed_by_every_name_that_works(router: Router) -> None:
    ids = [model.id async for model in router.openai.models.list()]
    assert {"auto", "auto:cheap", "auto:best", "gearshift/hard", "kimi-k2-thinking"} <= set(ids)


async def test_route_decides_and_sends_nothing(router: Router) -> None:
    one = {"model": "auto", "messages": QUESTION}
    response = await router.http.post("/v1/route", json=one)
    preview = response.json()
    assert response.status_code == 200
    assert preview["verdict"]["label"] in {"easy", "medium", "hard", "needs_info"}
    assert preview["decision"].keys() == {"tier", "model", "reason", "candidates"}
    assert preview["decision"]["tier"] in {"easy", "medium", "hard"}
    assert len(preview["decision"]["candidates"]) == 3
    answered = await router.chat("What is the capital of Portugal?")
    assert answered.headers["x-gearshift-tier"] == preview["decision"]["tier"]
    sent = [each for each in router.sandbox.received if each.path.endswith("/chat/completions")]
    assert len(sent) == 1


async def test_route_answers_a_batch_each_for_itself(router: Router) -> None:
    batch = {"requests": [{"model": "auto", "messages": QUESTION}, {"model": "auto"}, 7]}
    results = (await router.http.post("/v1/route", json=batch)).json()["results"]
    assert results[0]["decision"]["model"]
    assert results[1]["error"]["type"] == "invalid_request_error"
    assert "messages" in results[1]["error"]["message"]
    assert results[2]["error"]["type"] == "invalid_request_error"


def one_thread(config: Config) -> Config:
    scorer = msgspec.structs.replace(config.scorer, threads=1, queue=1, inline_chars=0)
    return msgspec.structs.replace(config, scorer=scorer)


async def test_a_batch_does_not_overrun_the_scorer(tmp_path: Path) -> None:
    bodies = [
        {"model": "auto", "messages": [{"role": "user", "content": f"What is {n} and {n}?"}]}
        for n in range(40)
    ]
    async with running_router(tmp_path, change=one_thread) as router:
        response = await router.http.post("/v1/route", json={"requests": bodies})
    results = response.json()["results"]
    assert len(results) == 40
    assert all(result["verdict"] for result in results), "each gets the verdict it would get live"
    assert {result["decision"]["reason"] for result in results} <= {"label", "needs_info"}


async def test_an_error_in_sandbox_mode_says_that_it_is_simulated(router: Router) -> None:
    response = await router.chat("[[sandbox:fault=auth]] hi")
    assert response.status_code == 502
    assert response.headers["x-gearshift-simulated"] == "true"


async def test_a_live_entry_is_decided_again_without_any_text(router: Router) -> None:
    from_live = [
        await router.chat("hi"),
        await router.chat("Prove that there are infinitely many primes.", max_tokens=100),
        await router.chat("hi", model="auto:best"),
        await router.chat(
            "[[sandbox:fault=server model=kimi-k2-thinking]]", model="gearshift/hard"
        ),
    ]
    assert msgspec.json.encode([r.headers["x-gearshift-decision"] for r in from_live])
    for response in from_live:
        entry = await router.entry(response.headers["x-gearshift-decision"])
        assert router.decide_again(entry) == entry.decision
