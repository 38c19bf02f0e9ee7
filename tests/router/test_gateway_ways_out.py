"""Whatever ends a request, it has one entry, its money is counted once, and nothing stays held."""

import asyncio
import random

import msgspec
import pytest

from router.errors import BudgetExceeded, RequestError, UpstreamError
from tests.gateways import (
    DOWN,
    INSTRUCT,
    SMALL,
    THINKING,
    WORKED,
    Caller,
    Desk,
    answer,
    everywhere,
    limited,
    settled,
    stream,
)
from tests.waiting import until

CUT = UpstreamError("cut", fault="cut", upstream_status=200)


@pytest.mark.parametrize("shadow", [False, True])
@pytest.mark.parametrize(
    ("streamed", "step"),
    [(False, "answer"), (True, "start"), (True, "write"), (True, "end")],
)
async def test_a_failure_of_ours_is_paid_noted_and_blames_no_model(
    step: str, streamed: bool, shadow: bool
) -> None:
    desk = Desk(limited(hard_usd=5, shadow=shadow), everywhere(stream("a", "b")))
    if not streamed:
        desk = Desk(limited(hard_usd=5, shadow=shadow))
    for _ in range(6):  # more than would open a breaker
        with pytest.raises(RuntimeError, match=step):
            await desk.ask(Caller(fails_at=step), stream=streamed)
    settled(desk)
    assert desk.gateway.doubtful == ()
    assert len(desk.entries) == 6
    for entry in desk.entries:
        (attempt,) = entry.outcome.attempts
        assert attempt.usage.input > 0
        assert entry.cost.actual is not None
        assert entry.cost.actual > 0
        if step in ("start", "write"):
            assert (entry.outcome.fault, attempt.fault) == ("internal", "internal")
            assert attempt.usage.source == "estimated"
        else:
            assert attempt.usage.source == "billed", "it was recorded before its last byte"


async def test_a_failure_before_the_head_is_noted_too() -> None:
    desk = Desk(limited(hard_usd=5))
    desk.upstream.crash = RuntimeError("a bug")
    with pytest.raises(RuntimeError, match="a bug"):
        await desk.ask()
    (entry,) = desk.entries
    assert (entry.outcome.status, entry.outcome.fault) == (500, "internal")
    assert [attempt.fault for attempt in entry.outcome.attempts] == ["internal"]
    assert desk.gateway.doubtful == ()
    settled(desk)


@pytest.mark.parametrize("shadow", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
async def test_who_leaves_before_the_head_pays_for_what_was_asked(
    streamed: bool, shadow: bool
) -> None:
    desk = Desk(limited(hard_usd=5, shadow=shadow), everywhere(stream("a")))
    desk.upstream.gate = asyncio.Event()
    asking = asyncio.create_task(desk.ask(stream=streamed))
    await until(lambda: bool(desk.upstream.received))
    assert desk.fill().held > 0
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    (entry,) = desk.entries
    assert (entry.outcome.status, entry.outcome.fault) == (499, "client_left")
    assert entry.usage.source == "estimated"
    assert entry.usage.input > 0
    assert desk.gateway.doubtful == ()
    settled(desk)


@pytest.mark.parametrize(("step", "output"), [("start", 0), ("write", 50), ("end", 50)])
async def test_who_leaves_within_a_stream_pays_for_what_was_written(step: str, output: int) -> None:
    desk = Desk(limited(hard_usd=5), everywhere(stream("word " * 40)))
    caller = Caller(stays_in=step)
    asking = asyncio.create_task(desk.ask(caller, stream=True))
    await until(lambda: step in caller.steps)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    (entry,) = desk.entries
    left = step != "end"
    assert entry.outcome.fault == ("client_left" if left else None)
    assert entry.outcome.attempts[0].fault == entry.outcome.fault
    assert entry.usage.source == ("estimated" if left else "billed")
    assert (entry.usage.output > 0) == (output > 0) or step == "start"
    settled(desk)


async def test_a_caller_who_leaves_the_shadow_unjudged_has_the_facts_of_the_request() -> None:
    """Routing is noted by them: an image must not be noted as going to a model without eyes."""
    config = limited(shadow=True)
    seeing = msgspec.structs.replace(config.model[THINKING], modalities=("image",))
    desk = Desk(msgspec.structs.replace(config, model={**config.model, THINKING: seeing}))
    desk.upstream.gate = asyncio.Event()
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "what is it?"}, picture]}]
    asking = asyncio.create_task(desk.ask(model=INSTRUCT, messages=messages, max_tokens=2_500))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    (entry,) = desk.entries
    assert entry.facts.passthrough == INSTRUCT
    assert (entry.facts.modalities, entry.facts.max_tokens) == (("image",), 2_500)
    assert entry.shadow is not None
    assert (entry.shadow.model, entry.shadow.reason) == (THINKING, "modality")
    assert desk.decide_again(entry) == entry.shadow


@pytest.mark.parametrize("streamed", [False, True])
async def test_every_failed_attempt_that_was_at_work_is_in_the_budget(streamed: bool) -> None:
    good = stream("yes") if streamed else answer()
    desk = Desk(limited(hard_usd=5), {SMALL: WORKED, INSTRUCT: DOWN, THINKING: good})
    entry = await desk.ask(stream=streamed)
    assert [one.fault for one in entry.outcome.attempts] == ["timeout", "overloaded", None]
    costs = [one.cost for one in entry.outcome.attempts]
    assert costs[0] is not None
    assert costs[0] > 0
    assert costs[1] == 0
    assert (entry.decision.tier, entry.decision.reason) == ("hard", "fallback")
    assert desk.decide_again(entry) == entry.decision
    settled(desk)


async def test_when_all_fail_what_was_held_is_free_again() -> None:
    desk = Desk(limited(hard_usd=5), everywhere(DOWN))
    with pytest.raises(UpstreamError):
        await desk.ask()
    settled(desk)
    assert desk.fill().spent == 0


async def test_a_stream_that_breaks_off_is_paid_by_its_text() -> None:
    desk = Desk(limited(hard_usd=5), everywhere(stream("word " * 80, finish=None, broken=CUT)))
    caller = Caller()
    entry = await desk.ask(caller, stream=True)
    assert b'"code":"upstream_cut"' in caller.data
    assert (entry.outcome.fault, entry.usage.source) == ("cut", "estimated")
    assert entry.usage.output == 100
    settled(desk)


@pytest.mark.parametrize("n", [1, 3, 128])
async def test_as_many_answers_as_are_asked_for_are_set_aside(n: int) -> None:
    desk = Desk(limited(hard_usd=900_000))
    desk.upstream.gate = asyncio.Event()
    asking = asyncio.create_task(desk.ask(model=SMALL, max_tokens=1_000, n=n))
    await until(lambda: bool(desk.upstream.received))
    prompt = desk.fill().held - n * 1_000 * 400_000
    assert 0 < prompt < 100 * 100_000
    desk.upstream.gate.set()
    await asking
    settled(desk)


async def test_many_answers_at_once_do_not_pass_the_last_cent() -> None:
    desk = Desk(limited(hard_usd=0.001))
    assert (await desk.ask(model=SMALL, max_tokens=1_000, n=2)).outcome.status == 200
    with pytest.raises(BudgetExceeded, match=r"0\.0000 of 0\.0010 USD are spent, .* cost 0\.0012"):
        await desk.ask(model=SMALL, max_tokens=1_000, n=3)
    with pytest.raises(BudgetExceeded):
        await desk.ask(model=SMALL, max_tokens=20_000, n=2**31 - 1)
    assert [entry.outcome.fault for entry in desk.entries] == [None, "quota", "quota"]
    settled(desk)


@pytest.mark.parametrize("seed", range(4))
async def test_of_a_crowd_that_does_everything_at_once_each_cent_is_counted_once(seed: int) -> None:
    """Streams, leavers, broken upstreams and callers, in and out of money, all together."""
    draw = random.Random(seed)
    desk = Desk(limited(hard_usd=0.05, shadow=seed == 3), everywhere(stream("word " * 30)))
    desk.upstream.say(INSTRUCT, WORKED)

    async def one() -> None:
        step = draw.choice(("", "", "start", "write", "end"))
        caller = Caller(stays_in=step) if draw.random() < 0.3 else Caller(fails_at=step)
        desk.judge.label = draw.choice(("easy", "medium", "hard"))
        messages = [{"role": "user", "content": f"hi {draw.random()}"}]
        asking = asyncio.create_task(
            desk.ask(caller, stream=True, messages=messages, max_tokens=2_500)
        )
        for _ in range(draw.randrange(1, 60)):
            await asyncio.sleep(0)
        if caller.stays_in or draw.random() < 0.3:
            asking.cancel()
        await asyncio.wait((asking,))
        error = None if asking.cancelled() else asking.exception()
        assert error is None or isinstance(error, RequestError | RuntimeError), error

    await asyncio.gather(*(one() for _ in range(60)))
    assert len(desk.entries) == 60
    faults = {entry.outcome.fault for entry in desk.entries}
    assert {None, "client_left", "internal"} <= faults
    assert desk.fill().spent <= 0.05 * 10**12
    settled(desk)
    for entry in desk.entries:
        if entry.outcome.attempts and entry.shadow is None:
            assert desk.decide_again(entry) == entry.decision
