"""One poller for all who look, and none for nobody."""

import asyncio
from threading import Event

import pytest

from router.api.dashboard.feed import MOST_VIEWERS, Feed, Full
from router.api.dashboard.reader import Snapshot
from tests.waiting import until


class Source:
    """A ledger's reader whose ledger changes when it is told to."""

    def __init__(self) -> None:
        self.latest = Snapshot(at_us=1)
        self.reads = 0
        self.error: Exception | None = None

    def read(self) -> Snapshot:
        self.reads += 1
        if self.error:
            raise self.error
        return self.latest


async def test_nobody_looks_and_nothing_is_read() -> None:
    source = Source()
    feed = Feed(source.read, pause_s=0.001)
    feed.enter()
    await feed.after(None)
    feed.leave()
    read = source.reads
    await asyncio.sleep(0.03)
    assert source.reads <= read + 1
    assert feed.viewers == 0


async def test_all_who_look_see_what_one_reading_found() -> None:
    source = Source()
    feed = Feed(source.read, pause_s=0.001)
    for _ in range(5):
        feed.enter()
    seen = await asyncio.gather(*(feed.after(None) for _ in range(5)))
    assert len({id(one) for one in seen}) == 1
    waiting = [asyncio.create_task(feed.after(seen[0])) for _ in range(5)]
    before = source.reads
    await until(lambda: source.reads > before + 3)
    assert not any(task.done() for task in waiting)
    source.latest = Snapshot(at_us=2)
    assert {one.at_us for one in await asyncio.gather(*waiting)} == {2}
    for _ in range(5):
        feed.leave()


async def test_no_more_than_may_look() -> None:
    feed = Feed(Source().read)
    for _ in range(MOST_VIEWERS):
        feed.enter()
    with pytest.raises(Full):
        feed.enter()
    feed.leave()
    feed.enter()
    assert feed.viewers == MOST_VIEWERS
    await feed.close()


async def test_a_page_does_not_wait_for_a_slow_ledger() -> None:
    go = Event()
    slow = Source()

    def read() -> Snapshot:
        go.wait(20)
        return slow.read()

    feed = Feed(read)
    assert await feed.soon(0.01) is None
    go.set()
    assert await feed.soon(20) is slow.latest
    assert slow.reads == 1


async def test_what_nobody_expected_is_told_once_and_tried_again() -> None:
    source = Source()
    feed = Feed(source.read, pause_s=0.001)
    feed.enter()
    seen = await feed.after(None)
    source.error = ZeroDivisionError("a secret")
    told = await feed.after(seen)
    assert "ZeroDivisionError" in told.trouble
    assert "a secret" not in told.trouble
    assert told.at_us == seen.at_us
    source.error = None
    assert await feed.after(told) is seen
    feed.leave()
