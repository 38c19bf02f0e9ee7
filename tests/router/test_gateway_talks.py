"""Conversations and tool loops on the live path, where models fail and money runs out."""

import pytest

from classifier.types import Label
from router.config.schema import Config
from router.domain import Entry
from router.errors import BudgetExceeded
from tests.gateways import (
    DOWN,
    INSTRUCT,
    SMALL,
    THINKING,
    WORKED,
    Desk,
    answer,
    everywhere,
    limited,
    settled,
)

LONG = "Every entry of this ledger has a day, an amount and a name. " * 600


class Talk:
    """A conversation of some 9,000 tokens, turn by turn."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.messages: list[dict[str, str]] = [{"role": "system", "content": LONG}]

    async def say(self, label: Label) -> Entry:
        """The next human turn, of which the classifier will say `label`."""
        self.desk.judge.label = label
        text = f"turn {len(self.messages)}"  # never scored before
        self.messages.append({"role": "user", "content": text})
        entry = await self.desk.ask(messages=self.messages)
        self.messages.append({"role": "assistant", "content": "yes"})
        assert self.desk.decide_again(entry) == entry.decision
        return entry


def talk(config: Config) -> Talk:
    return Talk(Desk(config, everywhere(answer(taken=9_000))))


async def test_at_the_soft_limit_a_warm_conversation_is_left_for_the_cheaper_tier() -> None:
    talking = talk(limited(soft_usd=1))
    assert (await talking.say("hard")).decision.model == THINKING
    stayed = await talking.say("medium")
    assert (stayed.decision.model, stayed.decision.reason) == (THINKING, "pinned")
    desk = talking.desk
    desk.counter.learn({desk.fill().window: 10**12})
    left = await talking.say("medium")
    assert left.facts.thrift
    assert left.facts.warm is not None
    assert left.facts.warm.model == THINKING
    assert (left.decision.model, left.decision.reason) == (SMALL, "budget")
    after = await talking.say("hard")
    assert (after.decision.model, after.decision.reason) == (INSTRUCT, "budget")


async def test_a_warm_model_that_is_down_is_left_and_the_next_one_is_warm_then() -> None:
    talking = talk(limited(hard_usd=5))
    await talking.say("hard")
    talking.desk.upstream.say(THINKING, DOWN)
    moved = await talking.say("medium")
    assert [one.fault for one in moved.outcome.attempts] == ["overloaded", None]
    assert moved.facts.warm is not None
    assert (moved.facts.warm.model, moved.decision.model) == (THINKING, INSTRUCT)
    talking.desk.upstream.say(THINKING, answer(taken=9_000))
    after = await talking.say("medium")
    assert after.facts.warm is not None
    assert after.facts.warm.model == INSTRUCT, "who answered has it, not who failed"
    settled(talking.desk)


async def test_who_was_refused_for_money_warms_nothing() -> None:
    talking = talk(limited(hard_usd=0.08))
    await talking.say("hard")
    with pytest.raises(BudgetExceeded):
        await talking.desk.ask(messages=talking.messages, model="gearshift/hard", n=9)
    after = await talking.say("medium")
    assert after.facts.warm is not None
    assert after.facts.warm.model == THINKING
    settled(talking.desk)


async def test_a_conversation_that_is_only_watched_is_remembered_by_nobody() -> None:
    talking = talk(limited(shadow=True))
    for _ in range(3):
        assert (await talking.desk.ask(messages=talking.messages)).facts.warm is None
        talking.messages += [{"role": "assistant", "content": "yes"}]
        talking.messages += [{"role": "user", "content": "and then?"}]


async def test_a_thrifty_attempt_that_fails_goes_up_again_and_both_are_held() -> None:
    desk = Desk(limited(soft_usd=1e-6, hard_usd=5), everywhere(answer()) | {INSTRUCT: WORKED})
    await desk.ask(model="gearshift/hard")
    desk.judge.label = "hard"
    entry = await desk.ask(messages=[{"role": "user", "content": "prove it"}])
    assert [one.model for one in entry.outcome.attempts] == [INSTRUCT, THINKING]
    assert entry.facts.thrift
    assert desk.decide_again(entry) == entry.decision
    settled(desk)


LOOP = [
    {"role": "user", "content": "look it up"},
    {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function",
     "function": {"name": "f", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "1", "content": "42"},
]  # fmt: skip
TOOLS = [{"type": "function", "function": {"name": "f"}}]


def tooled(config: Config) -> Desk:
    called = answer(finish="tool_calls")
    return Desk(config, everywhere(called) | {SMALL: DOWN})


async def test_a_tool_loop_that_fell_back_goes_on_there_whatever_the_budget_says() -> None:
    desk = tooled(limited(soft_usd=1e-9))
    begun = await desk.ask(messages=LOOP[:1], tools=TOOLS)
    moved = begun.decision.model
    assert begun.decision.reason == "fallback"
    desk.upstream.say(SMALL, answer())  # it is well again, and cheaper
    going = await desk.ask(messages=LOOP, tools=TOOLS)
    assert (going.decision.model, going.decision.reason) == (moved, "pinned")
    assert going.facts.thrift
    assert going.facts.pin == moved
    settled(desk)


async def test_an_open_loop_that_no_money_covers_is_refused_and_not_moved() -> None:
    desk = tooled(limited(hard_usd=0.01))
    begun = await desk.ask(messages=LOOP[:1], tools=TOOLS, max_tokens=200)
    with pytest.raises(BudgetExceeded):
        await desk.ask(messages=LOOP, tools=TOOLS, max_tokens=100_000)
    refused = desk.entries[-1]
    assert refused.decision.model == begun.decision.model
    assert refused.outcome.attempts == ()
    settled(desk)
    again = await desk.ask(messages=LOOP, tools=TOOLS, max_tokens=200)
    assert again.decision.model == begun.decision.model, "who shortens it goes on"
