"""Microseconds that a budget adds to a request: setting money aside and settling it.

    python -m benchmarks.bench_budgets [--redis URL] [--quick]

Without `--redis` a server is started on a free port of this machine. CPU time is this process's
own, without Redis's; medians over seven rounds. Four windows are what a key is under that has a
daily and a monthly budget of its own beside those of all keys.
"""

import argparse
import asyncio
import sys
import time
from contextlib import ExitStack
from statistics import median

import uvloop

from router.budgets import Bound, Hold
from router.cache.spend_memory import MemorySpend
from router.cache.spend_shared import RedisSpend
from router.config.schema import Cache
from router.ports import SpendCounter
from tests.budgets import daily, monthly
from tests.redis_server import RedisServer

SETTINGS = Cache(redis_timeout_ms=1_000)
"""Patient, so that a busy machine shows as microseconds and not as money held alone."""
LIMIT = 10**18
WINDOWS: tuple[tuple[Bound, ...], ...] = (
    (daily(LIMIT),),
    (daily(LIMIT), monthly(LIMIT), daily(LIMIT, scope=""), monthly(LIMIT, scope="")),
)


async def spend(counter: SpendCounter, bounds: tuple[Bound, ...]) -> None:
    """What one request asks of a counter."""
    hold = await counter.hold(bounds, 1_000)
    assert isinstance(hold, Hold), hold
    counter.settle(hold, 500)


async def measure(
    counter: SpendCounter, bounds: tuple[Bound, ...], at_once: int, requests: int
) -> float:
    """Median CPU time a request, microseconds."""
    rounds = []
    for _ in range(7):
        started = time.process_time()
        for _ in range(requests // at_once):
            await asyncio.gather(*(spend(counter, bounds) for _ in range(at_once)))
        rounds.append((time.process_time() - started) / requests * 1e6)
    return median(rounds)


async def run(url: str, requests: int) -> None:
    """Print every case."""
    for name in ("in the process", "in Redis"):
        for bounds in WINDOWS:
            for at_once in (1, 20):
                counter: SpendCounter = MemorySpend()
                if name == "in Redis":
                    counter = RedisSpend(url, SETTINGS)
                await measure(counter, bounds, at_once, 200)  # connections, first allocations
                spent_us = await measure(counter, bounds, at_once, requests)
                await counter.close()
                case = f"{name}, {len(bounds)} windows, {at_once} at once"
                print(f"{case:<44} {spent_us:8.1f} µs")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--redis", metavar="URL", help="use this server")
    parser.add_argument("--quick", action="store_true", help="a tenth of the requests")
    asked = parser.parse_args()
    with ExitStack() as stack:
        url = asked.redis or stack.enter_context(RedisServer()).url
        uvloop.run(run(url, 400 if asked.quick else 4_000))
    return 0


if __name__ == "__main__":
    sys.exit(main())
