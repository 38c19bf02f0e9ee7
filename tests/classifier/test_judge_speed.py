"""Times, by a clock of our own."""

from collections.abc import Iterator

import pytest

from classifier.artifact import load
from classifier.corpus import read, samples
from classifier.judge.speed import speed
from classifier.registry import two_stage
from tests.synthetic import prompt, trained

MODEL = trained().classifier
SHIPPED = load(two_stage())


def ticks(*seconds: float) -> Iterator[float]:
    """A clock that is read in pairs: before and after each of `seconds`."""
    now = 0.0
    for took in seconds:
        yield now
        now += took
        yield now


def test_median_tail_and_rate() -> None:
    clock = ticks(*([0.001] * 19), 0.101, 0.01)
    found = speed(MODEL, [prompt("fix it")] * 20, clock.__next__)
    assert found is not None
    assert found.rows == 20
    assert found.median_ms == pytest.approx(1)
    # Between the 19th and the 20th of twenty: 5 % of the way from 1 to 101 ms.
    assert found.p95_ms == pytest.approx(6)
    assert found.batch_per_s == pytest.approx(2_000)
    assert found.second == 0


def test_the_share_that_is_in_doubt() -> None:
    asked = [prompt(row.prompt) for row in read(samples())[:200]]
    found = speed(SHIPPED, asked)
    assert found is not None
    doubt = [SHIPPED.glance(one).sure for one in asked].count(False)
    assert found.second == doubt / len(asked) > 0


def test_nothing_takes_no_time() -> None:
    assert speed(MODEL, []) is None
