"""Usage in all the places and spellings in which hosts report it."""

from collections.abc import AsyncIterator

import pytest

from tests.sandboxes import INSTRUCT, SMALL, THINKING, Stream, Talk, talking

ASKED = {"include_usage": True}
LONG = "All of this text is said again and again. " * 60


@pytest.fixture(scope="module")
async def talk() -> AsyncIterator[Talk]:
    async with talking() as talk:
        yield talk


@pytest.fixture
async def fresh() -> AsyncIterator[Talk]:
    """A sandbox that has seen no prompt."""
    async with talking() as talk:
        yield talk


def places(stream: Stream) -> list[str]:
    """Where the stream reports usage, in order; all reports must agree."""
    found = []
    reports: set[int] = set()
    for chunk in stream.chunks:
        inside = [choice.usage for choice in chunk.choices if choice.usage]
        if inside:
            found.append("choice")
            reports.update(usage.total_tokens for usage in inside)
        if chunk.usage:
            found.append("filled" if chunk.choices else "empty")
            reports.add(chunk.usage.total_tokens)
    assert len(reports) <= 1
    return found


async def test_kimi_reports_inside_the_choice_unasked(talk: Talk) -> None:
    assert places(await talk.stream("Hi", model=THINKING)) == ["choice"]


async def test_kimi_reports_once_more_when_asked(talk: Talk) -> None:
    assert places(await talk.stream("Hi", model=INSTRUCT, stream_options=ASKED)) == [
        "choice",
        "empty",
    ]


async def test_the_small_model_reports_only_when_asked(talk: Talk) -> None:
    assert places(await talk.stream("Hi")) == []
    assert places(await talk.stream("Hi", stream_options=ASKED)) == ["empty"]


@pytest.mark.parametrize(
    ("quirk", "expected"),
    [
        ("usage_in_choice", ["choice"]),
        ("usage_filled_choices", ["filled"]),
        ("usage_empty_choices", ["empty"]),
        ("usage_everywhere", ["choice", "filled", "empty"]),
        ("no_usage", []),
    ],
)
@pytest.mark.parametrize("model", [THINKING, SMALL])
async def test_a_quirk_says_where_usage_stands(
    talk: Talk, model: str, quirk: str, expected: list[str]
) -> None:
    stream = await talk.stream(f"[[sandbox:quirk={quirk}]] Hi", model=model, stream_options=ASKED)
    assert places(stream) == expected
    assert stream.finish == ["stop"]


async def test_an_answer_in_one_piece_can_lack_usage(talk: Talk) -> None:
    assert (await talk.ask("[[sandbox:quirk=no_usage]] Hi")).usage is None


@pytest.mark.parametrize(
    ("model", "quirk", "flat", "details"),
    [
        (THINKING, "", 17, {"cached_tokens": 17}),
        (THINKING, "quirk=cached_flat", 17, None),
        (THINKING, "quirk=cached_details", None, {"cached_tokens": 17}),
        (SMALL, "", None, {"cached_tokens": 17}),
    ],
)
async def test_cached_tokens_are_spelt_as_hosts_do(
    talk: Talk, model: str, quirk: str, flat: int | None, details: dict[str, int] | None
) -> None:
    answer = await talk.ask(f"[[sandbox:cached=17 {quirk}]] {LONG}", model=model)
    assert answer.usage is not None
    assert answer.usage.cached_tokens == flat
    assert answer.usage.prompt_tokens_details == details


async def test_cached_tokens_are_never_more_than_the_prompt(talk: Talk) -> None:
    answer = await talk.ask("[[sandbox:cached=5000]] Hi", model=INSTRUCT)
    assert answer.usage is not None
    assert answer.usage.cached_tokens == answer.usage.prompt_tokens


async def test_reasoning_tokens_are_told_on_request(talk: Talk) -> None:
    prompt = "[[sandbox:quirk=reasoning_details+cached_flat reasoning=9]] Hi"
    answer = await talk.ask(prompt, model=THINKING)
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details == {"reasoning_tokens": 9}
    assert answer.usage.prompt_tokens_details is None


async def cached(talk: Talk, system: str, prompt: str, model: str = INSTRUCT) -> int:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": prompt}]
    answer = await talk.ask("", model=model, messages=messages)
    assert answer.usage is not None
    assert answer.usage.cached_tokens is not None
    return answer.usage.cached_tokens


async def test_a_repeated_prefix_is_cached_by_the_model_that_saw_it(fresh: Talk) -> None:
    assert await cached(fresh, LONG, "One") == 0
    assert await cached(fresh, LONG, "Two") == 512
    assert await cached(fresh, LONG, "Two", model=THINKING) == 0
    assert await cached(fresh, "Be brief. " + LONG, "Two") == 0


async def test_a_short_prompt_is_never_cached(fresh: Talk) -> None:
    assert await cached(fresh, "Be brief.", "Hi") == 0
    assert await cached(fresh, "Be brief.", "Hi") == 0


async def test_other_tools_forfeit_the_prefix(fresh: Talk) -> None:
    async def ask(tool: str) -> int | None:
        tools = [{"type": "function", "function": {"name": tool, "parameters": {}}}]
        answer = await fresh.ask(LONG, model=INSTRUCT, tools=tools, tool_choice="none")
        return answer.usage.cached_tokens if answer.usage else None

    assert [await ask("look"), await ask("look"), await ask("find")] == [0, 512, 0]
