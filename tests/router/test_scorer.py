"""The scorer: once per prompt, in time or not at all, and never an error."""

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.types import Prompt, Version
from router.cache.null import NullCache
from router.config.schema import Cache
from router.config.schema import Scorer as Settings
from router.scorer import Scorer
from tests.assessors import (
    HASTY,
    LONG,
    PATIENT,
    SHORT,
    Counting,
    Failing,
    close,
    held,
    memory,
    tiered,
)
from tests.redis_server import RedisServer
from tests.verdicts import prompt, prompts
from tests.waiting import until


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@given(asked=st.lists(prompts(), max_size=8))
@settings(max_examples=30, deadline=None)
async def test_every_prompt_gets_its_own_verdict(asked: list[Prompt]) -> None:
    assessor = Counting()
    scorer = Scorer(assessor, memory(), PATIENT)
    for each in (*asked, *reversed(asked)):
        assert (await scorer.score(each)).verdict == assessor.expected(each)
    assert len(assessor.threads) == len(set(map(repr, asked)))
    await scorer.close()


async def test_short_prompts_stay_in_the_event_loop_and_long_ones_leave_it() -> None:
    assessor = Counting()
    scorer = Scorer(assessor, memory(), PATIENT)
    for asked in (
        SHORT,
        prompt("x" * 10, context="y" * 10),
        prompt("x" * 10, context="y" * 11),
        LONG,
    ):
        await scorer.score(asked)
    here = threading.current_thread().name
    assert [name == here for name in assessor.threads] == [True, True, False, False]
    await scorer.close()


@pytest.mark.parametrize("asked", [SHORT, LONG])
async def test_the_second_time_is_a_hit(asked: Prompt) -> None:
    assessor = Counting()
    scorer = Scorer(assessor, memory(), PATIENT, secret=b"secret")
    first, second = await scorer.score(asked), await scorer.score(asked)
    assert (first.cache, second.cache) == ("miss", "hit")
    assert first.verdict == second.verdict
    assert len(assessor.threads) == 1
    assert first.score_ms > 0 == second.score_ms
    assert second.cache_ms > 0
    assert scorer.stats.assessed == 1
    await scorer.close()


async def test_concurrent_prompts_that_are_equal_are_scored_once() -> None:
    with held() as assessor:
        scorer = Scorer(assessor, NullCache(), PATIENT)
        asking = [asyncio.create_task(scorer.score(LONG)) for _ in range(50)]
        await asyncio.sleep(0)
        assessor.go.set()
        scored = await asyncio.gather(*asking)
        assert {each.verdict for each in scored} == {assessor.expected(LONG)}
        assert len(assessor.threads) == 1
        await scorer.close()


async def test_a_verdict_that_comes_late_is_none_but_is_kept() -> None:
    with held() as assessor:
        cache = memory()
        scorer = Scorer(assessor, cache, HASTY)
        scored = await scorer.score(LONG)
        assert (scored.verdict, scored.trouble) == (None, "timeout")
        assert scored.score_ms >= HASTY.timeout_ms / 2
        assert scorer.stats.timeouts == 1
        assessor.go.set()
        await until(lambda: scorer.stats.queued == 0)
        again = await scorer.score(LONG)
        assert (again.cache, again.verdict) == ("hit", assessor.expected(LONG))
        await scorer.close()


async def test_more_than_may_wait_get_no_verdict_at_once() -> None:
    with held() as assessor:
        patient = Settings(timeout_ms=20_000, inline_chars=20, threads=1, queue=2)
        scorer = Scorer(assessor, memory(), patient)
        many = [prompt(f"{LONG.text} {number}") for number in range(3)]
        waiting = [asyncio.create_task(scorer.score(each)) for each in many]
        await until(lambda: scorer.stats.queued == 3)
        refused = await scorer.score(LONG)
        assert (refused.verdict, refused.trouble) == (None, "busy")
        assessor.go.set()
        scored = await asyncio.gather(*waiting)
        assert [each.verdict for each in scored] == [assessor.expected(each) for each in many]
        assert (await scorer.score(LONG)).verdict is not None, "the queue did not empty"
        assert scorer.stats.busy == 1
        await scorer.close()


@pytest.mark.parametrize("asked", [SHORT, LONG])
async def test_a_failing_classifier_is_no_verdict_and_its_words_are_not_logged(
    asked: Prompt, caplog: pytest.LogCaptureFixture
) -> None:
    cache = memory()
    scorer = Scorer(Failing(), cache, PATIENT)
    scored = await scorer.score(asked)
    assert (scored.verdict, scored.trouble) == (None, "error")
    assert scorer.stats.errors == 1
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert "ValueError" in record.getMessage()
    assert asked.text not in caplog.text
    scorer.replace(Counting())
    assert (await scorer.score(asked)).verdict is not None, "the failure was kept"
    await scorer.close()


async def test_a_prompt_that_has_no_bytes_is_no_verdict() -> None:
    scorer = Scorer(Counting(), memory(), PATIENT)
    assert (await scorer.score(prompt("half a pair: \ud800"))).trouble == "error"
    await scorer.close()


async def test_a_client_that_leaves_takes_nobody_along() -> None:
    with held() as assessor:
        scorer = Scorer(assessor, memory(), PATIENT)
        leaving, staying = (asyncio.create_task(scorer.score(LONG)) for _ in range(2))
        await until(lambda: scorer.stats.queued == 1)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assessor.go.set()
        assert (await staying).verdict == assessor.expected(LONG)
        assert len(assessor.threads) == 1
        await scorer.close()


async def test_when_all_clients_leave_the_verdict_is_still_kept() -> None:
    with held() as assessor:
        cache = memory()
        scorer = Scorer(assessor, cache, PATIENT)
        leaving = asyncio.create_task(scorer.score(LONG))
        await until(lambda: scorer.stats.queued == 1)
        leaving.cancel()
        assessor.go.set()
        await until(lambda: scorer.stats.queued == 0)
        assert (await scorer.score(LONG)).cache == "hit"
        await scorer.close()


async def test_a_new_classifier_takes_over_without_a_request_lost() -> None:
    with held() as old:
        new = Counting(Version("new"))
        scorer = Scorer(old, memory(), PATIENT)
        before = asyncio.create_task(scorer.score(LONG))
        await until(lambda: scorer.stats.queued == 1)
        scorer.replace(new)
        assert scorer.version == "new"
        assert (await scorer.score(LONG)).verdict == new.expected(LONG)
        old.go.set()
        assert (await before).verdict == old.expected(LONG)
        assert (await scorer.score(LONG)).verdict == new.expected(LONG), "the old verdict was kept"
        scorer.replace(old)
        assert (await scorer.score(LONG)).verdict == old.expected(LONG), "old keys were lost"
        await scorer.close()


async def test_close_lets_those_who_wait_have_their_verdicts() -> None:
    one_thread = Settings(timeout_ms=20_000, inline_chars=20, threads=1, queue=1)
    with held() as assessor:
        scorer = Scorer(assessor, memory(), one_thread)
        asked = [prompt(f"{LONG.text} {number}") for number in range(2)]
        asking = [asyncio.create_task(scorer.score(each)) for each in asked]
        await until(lambda: scorer.stats.queued == 2)
        closing = asyncio.create_task(scorer.close())
        await asyncio.sleep(0)
        assessor.go.set()
        await closing
        scored = await asyncio.gather(*asking)
        assert [each.verdict for each in scored] == [assessor.expected(each) for each in asked]


async def test_close_does_not_wait_for_ever_and_those_who_do_get_no_verdict() -> None:
    with held() as assessor:
        scorer = Scorer(assessor, memory(), HASTY)
        running, queued = prompt(f"{LONG.text} 1"), prompt(f"{LONG.text} 2")
        early = [asyncio.create_task(scorer.score(each)) for each in (running, queued)]
        await until(lambda: scorer.stats.queued == 2)
        closing = asyncio.create_task(scorer.close())
        scored = await asyncio.gather(*early)
        assert [each.trouble for each in scored] == ["timeout"] * 2
        late = asyncio.create_task(scorer.score(queued))  # still waits when the closing gives up
        await closing
        assert (await late).verdict is None
        assert (await scorer.score(prompt(f"{LONG.text} 3"))).verdict is None
        assessor.go.set()
        await until(lambda: scorer.stats.queued == 0)
        assert len(assessor.threads) == 1, "what was given up was scored all the same"


async def test_two_scorers_share_through_redis(server: RedisServer) -> None:
    one, two = Counting(), Counting()
    caches = [tiered(server.url), tiered(server.url)]
    first, second = Scorer(one, caches[0], PATIENT), Scorer(two, caches[1], PATIENT)
    for asked in (SHORT, LONG):
        await first.score(asked)
    await caches[0].flush()
    for asked in (SHORT, LONG):
        scored = await second.score(asked)
        assert (scored.cache, scored.verdict) == ("hit", one.expected(asked))
    assert not two.threads
    await close(first, caches[0])
    await close(second, caches[1])


async def test_a_hanging_redis_counts_against_the_time(server: RedisServer) -> None:
    cache = tiered(server.url, Cache(redis_timeout_ms=20_000))
    scorer = Scorer(Counting(), cache, HASTY)
    server.pause()
    try:
        scored = await scorer.score(SHORT)
        assert (scored.verdict, scored.trouble) == (None, "timeout")
    finally:
        server.resume()
    await until(lambda: scorer.stats.queued == 0)
    await close(scorer, cache)


async def test_a_redis_killed_and_brought_back_fails_no_request() -> None:
    assessor = Counting()
    settings = Cache(entries=0, breaker_failures=3, breaker_open_ms=30, redis_timeout_ms=200)
    with RedisServer() as own:
        cache = tiered(own.url, settings)
        scorer = Scorer(assessor, cache, PATIENT)
        stop = asyncio.Event()

        async def ask(client: int) -> int:
            asked = 0
            while not stop.is_set():
                each = prompt(f"client {client % 4} asks {asked % 5} " + "x" * (asked % 3) * 10)
                scored = await scorer.score(each)
                assert scored.verdict == assessor.expected(each), scored
                asked += 1
                await asyncio.sleep(0)
            return asked

        clients = [asyncio.create_task(ask(number)) for number in range(8)]
        await until(lambda: cache.stats.hits_redis > 20)
        own.kill()
        await until(lambda: cache.degraded is not None)
        own.start()
        found = cache.stats.hits_redis
        await until(lambda: cache.degraded is None and cache.stats.hits_redis > found + 20)
        stop.set()
        assert all(await asyncio.gather(*clients))
        assert cache.stats.errors["connect"] >= 3
        assert cache.stats.breaker_open > 0
        assert scorer.stats.timeouts == scorer.stats.errors == scorer.stats.busy == 0
        await close(scorer, cache)
