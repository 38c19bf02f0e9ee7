"""The scorer's two stages: the first in the event loop, the second never there."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from classifier.types import Prompt, Verdict
from router.config.schema import Scorer as Settings
from router.ports import DecisionCache
from router.scorer import Scorer
from tests.assessors import LONG, PATIENT, SHORT, Counting, Unsure, memory, tiered
from tests.redis_server import RedisServer
from tests.verdicts import prompt
from tests.waiting import until


class Breaking(Unsure):
    """Has a first thought, and then fails."""

    def assess(self, asked: Prompt) -> Verdict:
        raise ValueError(asked.text)


@pytest.fixture
def unsure() -> Iterator[Unsure]:
    """Whatever happens to the test, no thread is left waiting."""
    assessor = Unsure()
    yield assessor
    assessor.go.set()


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture(params=["alone", "redis"])
async def cache(
    request: pytest.FixtureRequest, server: RedisServer
) -> AsyncIterator[DecisionCache]:
    """An empty one, that may have to be waited for or not."""
    server.client().flushall()
    empty: DecisionCache = tiered(server.url) if request.param == "redis" else memory()
    yield empty
    await empty.close()


async def test_what_the_first_stage_is_sure_of_never_leaves_the_event_loop(
    cache: DecisionCache,
) -> None:
    assessor = Counting()
    scorer = Scorer(assessor, cache, PATIENT)
    scored = await asyncio.gather(*(scorer.score(prompt(f"short {n}")) for n in range(9)))
    assert all(each.verdict is not None and each.trouble is None for each in scored)
    assert assessor.threads == [threading.current_thread().name] * 9
    assert (await scorer.score(prompt("short 1"))).cache == "hit"
    assert scorer.stats.assessed == 9
    await scorer.close()


async def test_what_it_is_unsure_of_goes_to_a_thread_once_and_is_kept(
    cache: DecisionCache, unsure: Unsure
) -> None:
    scorer = Scorer(unsure, cache, PATIENT)
    asking = [asyncio.create_task(scorer.score(SHORT)) for _ in range(50)]
    await until(lambda: scorer.stats.queued == 1)
    unsure.go.set()
    scored = await asyncio.gather(*asking)
    assert {each.verdict for each in scored} == {unsure.expected(SHORT)}
    assert {each.trouble for each in scored} == {None}
    assert unsure.glanced == [threading.current_thread().name]
    [thread] = unsure.threads
    assert thread.startswith("scorer")
    again = await scorer.score(SHORT)
    assert (again.cache, again.verdict) == ("hit", unsure.expected(SHORT))
    assert scorer.stats.assessed == 1
    await scorer.close()


async def test_a_long_prompt_is_not_glanced_at(cache: DecisionCache, unsure: Unsure) -> None:
    scorer = Scorer(unsure, cache, PATIENT)
    unsure.go.set()
    assert (await scorer.score(LONG)).verdict == unsure.expected(LONG)
    assert not unsure.glanced
    await scorer.close()


async def test_where_too_many_wait_the_first_stage_has_the_last_word_and_it_is_not_kept(
    cache: DecisionCache, unsure: Unsure
) -> None:
    patient = Settings(timeout_ms=20_000, inline_chars=20, threads=1, queue=1)
    scorer = Scorer(unsure, cache, patient)
    many = [prompt(f"short {number}") for number in range(2)]
    waiting = [asyncio.create_task(scorer.score(each)) for each in many]
    await until(lambda: scorer.stats.queued == 2)
    refused = await scorer.score(SHORT)
    assert (refused.verdict, refused.trouble) == (unsure.first(SHORT), "busy")
    assert refused.score_ms > 0
    assert (await scorer.score(LONG)).verdict is None
    assert scorer.stats.busy == 2
    unsure.go.set()
    scored = await asyncio.gather(*waiting)
    assert [each.verdict for each in scored] == [unsure.expected(each) for each in many]
    again = await scorer.score(SHORT)
    assert (again.cache, again.verdict) == ("miss", unsure.expected(SHORT))
    assert (scorer.stats.assessed, scorer.stats.busy) == (3, 2)
    await scorer.close()


async def test_an_unsure_prompt_that_takes_too_long_has_no_verdict_but_it_is_kept(
    cache: DecisionCache, unsure: Unsure
) -> None:
    scorer = Scorer(unsure, cache, Settings(timeout_ms=200, inline_chars=20, threads=1))
    scored = await scorer.score(SHORT)
    assert (scored.verdict, scored.trouble) == (None, "timeout")
    unsure.go.set()
    await until(lambda: scorer.stats.queued == 0)
    assert (await scorer.score(SHORT)).verdict == unsure.expected(SHORT)
    assert len(unsure.threads) == 1
    await scorer.close()


async def test_where_the_second_stage_fails_there_is_no_verdict(cache: DecisionCache) -> None:
    scorer = Scorer(Breaking(), cache, PATIENT)
    scored = await scorer.score(SHORT)
    assert (scored.verdict, scored.trouble) == (None, "error")
    assert (scorer.stats.errors, scorer.stats.busy, scorer.stats.queued) == (1, 0, 0)
    await scorer.close()
