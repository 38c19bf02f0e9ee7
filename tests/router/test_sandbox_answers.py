"""Healthy answers: what the sandbox's models say, how much, and how it is told."""

import statistics
from collections.abc import AsyncIterator

import pytest
from pydantic import BaseModel

from tests.sandboxes import INSTRUCT, SMALL, THINKING, Talk, talking

MODELS = (THINKING, INSTRUCT, SMALL)


@pytest.fixture(scope="module")
async def talk() -> AsyncIterator[Talk]:
    async with talking() as talk:
        yield talk


@pytest.mark.parametrize("model", MODELS)
async def test_every_answer_says_that_it_is_simulated(talk: Talk, model: str) -> None:
    response = await talk.post("Hello", model=model)
    answer = await talk.ask("Hello", model=model)
    assert response.headers["x-gearshift-simulated"] == "true"
    assert answer.system_fingerprint == "gearshift-sandbox"
    assert (answer.message.content or "").startswith("[simulated] ")
    assert answer.model == model


@pytest.mark.parametrize("model", MODELS)
async def test_a_stream_tells_the_same_as_an_answer_in_one_piece(talk: Talk, model: str) -> None:
    whole = await talk.ask("Why is the sky blue?", model=model)
    stream = await talk.stream("Why is the sky blue?", model=model)
    assert stream.content == whole.message.content
    assert stream.reasoning == (whole.message.reasoning_content or "")
    assert {chunk.id for chunk in stream.chunks} == {whole.id}
    assert stream.deltas[0].role == "assistant"
    assert stream.finish == ["stop"]
    assert stream.done


async def test_a_stream_says_that_it_is_simulated(talk: Talk) -> None:
    fields = {"model": SMALL, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    async with talk.http.stream("POST", "/chat/completions", json=fields) as response:
        assert response.headers["x-gearshift-simulated"] == "true"
        assert response.headers["content-type"] == "text/event-stream"
        await response.aread()


async def test_the_thinking_model_reasons_before_it_speaks(talk: Talk) -> None:
    deltas = (await talk.stream("Prove it", model=THINKING)).deltas
    thought = [place for place, delta in enumerate(deltas) if delta.reasoning_content]
    said = [place for place, delta in enumerate(deltas) if delta.content]
    assert thought
    assert said
    assert max(thought) < min(said)


@pytest.mark.parametrize("model", [INSTRUCT, SMALL])
async def test_the_others_do_not_reason(talk: Talk, model: str) -> None:
    assert (await talk.ask("Prove it", model=model)).message.reasoning_content is None


async def test_reasoning_is_billed_as_output(talk: Talk) -> None:
    answer = await talk.ask("[[sandbox:reasoning=70 tokens=30]] Prove it", model=THINKING)
    assert len((answer.message.reasoning_content or "").split()) == 70
    assert len((answer.message.content or "").split()) == 30
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 100
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 100


async def test_a_cap_below_the_reasoning_leaves_an_empty_answer(talk: Talk) -> None:
    answer = await talk.ask("[[sandbox:reasoning=600]] Prove it", model=THINKING, max_tokens=500)
    assert answer.message.content == ""
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 500


async def test_a_cap_cuts_the_answer_by_either_name(talk: Talk) -> None:
    for stream in (
        await talk.stream("[[sandbox:tokens=50]] Go on", max_tokens=7),
        await talk.stream("[[sandbox:tokens=50]] Go on", max_completion_tokens=7),
    ):
        assert len(stream.content.split()) == 7
        assert stream.finish == ["length"]


async def test_a_cap_that_is_not_reached_changes_nothing(talk: Talk) -> None:
    free = await talk.ask("Go on")
    capped = await talk.ask("Go on", max_tokens=20_000)
    assert capped.message == free.message
    assert capped.choices[0].finish_reason == "stop"


async def test_the_same_request_gets_the_same_answer_from_another_sandbox(talk: Talk) -> None:
    here = await talk.ask("Tell me a story", model=THINKING)
    async with talking() as other:
        there = await other.ask("Tell me a story", model=THINKING, temperature=0.3)
    assert there.choices == here.choices


async def test_another_prompt_gets_another_answer(talk: Talk) -> None:
    one, other = await talk.ask("Tell me a story"), await talk.ask("Tell me two stories")
    assert one.message.content != other.message.content


async def test_lengths_are_those_of_the_models(talk: Talk) -> None:
    """Over many prompts the thinking model writes several times what the small one does."""
    medians = {}
    for model in MODELS:
        answers = [await talk.ask(f"Question {number}", model=model) for number in range(40)]
        lengths = [answer.usage.completion_tokens for answer in answers if answer.usage]
        assert len(set(lengths)) > 20
        medians[model] = statistics.median(lengths)
    assert medians[THINKING] > 3 * medians[INSTRUCT]
    assert medians[INSTRUCT] > medians[SMALL] > 80


async def test_several_choices_differ_and_are_billed_together(talk: Talk) -> None:
    answer = await talk.ask("[[sandbox:tokens=40]] Again", model=INSTRUCT, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in answer.choices}) == 3
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 120
    stream = await talk.stream("[[sandbox:tokens=40]] Again", model=INSTRUCT, n=3)
    assert stream.finish == ["stop"] * 3
    assert [chunk.choices[0].usage is not None for chunk in stream.chunks].count(True) == 1


async def test_the_sdk_reads_a_stream_to_its_usage(talk: Talk) -> None:
    stream = await talk.client.chat.completions.create(
        model=INSTRUCT,
        messages=[{"role": "user", "content": "[[sandbox:tokens=25]] Hello"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert len(text.split()) == 25
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 25


class Step(BaseModel):
    text: str
    number: int


class Plan(BaseModel):
    title: str
    steps: list[Step]
    note: str | None


async def test_a_schema_is_answered_with_a_value_that_fits_it(talk: Talk) -> None:
    answer = await talk.client.chat.completions.parse(
        model=SMALL, messages=[{"role": "user", "content": "Plan"}], response_format=Plan
    )
    plan = answer.choices[0].message.parsed
    assert plan is not None
    assert plan.title == "[simulated]"
    assert plan.steps[0].number == 1


async def test_json_is_answered_with_json_that_says_it_is_simulated(talk: Talk) -> None:
    answer = await talk.ask("As JSON, please", response_format={"type": "json_object"})
    assert (answer.message.content or "").startswith('{"note": "[simulated]')


async def test_any_id_is_played_by_the_model_that_it_sounds_like(talk: Talk) -> None:
    for model in ("moonshotai/kimi-k2-thinking", "Kimi-K2-Thinking-Turbo", "kimi-k3"):
        assert (await talk.ask("Hi", model=model)).message.reasoning_content
    for model in ("moonshotai/Kimi-K2-Instruct-0905", "llama-3.1-8b"):
        assert (await talk.ask("Hi", model=model)).message.reasoning_content is None


async def test_a_newer_model_can_be_told_not_to_think(talk: Talk) -> None:
    answer = await talk.ask("Hi", model="kimi-k2.6", thinking={"type": "disabled"})
    assert answer.message.reasoning_content is None


async def test_models_are_listed(talk: Talk) -> None:
    listed = [model.id async for model in talk.client.models.list()]
    assert listed == list(MODELS)
