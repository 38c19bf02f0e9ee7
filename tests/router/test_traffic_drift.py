"""Drift: what is an alarm, what is not, and what each side can show."""

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from classifier.embed import HashEmbedder
from classifier.types import Label
from router.divergence import ALARM
from router.domain import Entry, Facts
from router.ledger.facets import Span
from router.ledger.place import place
from router.ledger.store import Store
from router.ledger.upgrade import upgrade
from router.traffic.drift import MOST_TEXTS, compare, count, embedding_shift, recorded
from router.traffic.windows import drift_between
from tests.ledgers import DAY_US, NOON_US, chosen, drain, entry, open_spool
from tests.traffic import asked, in_loop, verdict_of

LABELS: tuple[Label, ...] = ("easy", "medium", "hard", "needs_info")


def many(*counts: int, confidence: float = 0.7, tokens: int = 100) -> list[Entry]:
    """So many entries of each label."""
    return [
        entry(
            n,
            decision=replace(chosen("easy", "m"), verdict=verdict_of(label, confidence)),
            facts=Facts(input_tokens=tokens),
        )
        for label, number in zip(LABELS, counts, strict=True)
        for n in range(number)
    ]


def test_the_same_traffic_is_no_alarm() -> None:
    side = count(many(45, 25, 13, 17))
    found = compare(side, side, "earlier traffic")
    assert not found.alarm
    assert found.labels is not None
    assert found.labels.psi == 0
    assert found.labels.now["easy"] == pytest.approx(0.45)


def test_another_mix_of_labels_is_an_alarm_and_named() -> None:
    found = compare(count(many(10, 20, 60, 10)), count(many(450, 250, 130, 170)), "x")
    assert found.alarm
    assert found.alarms == ("labels",)
    assert found.labels is not None
    assert found.labels.psi > ALARM


def test_a_large_shift_of_few_requests_may_be_chance() -> None:
    found = compare(count(many(1, 1, 4, 1)), count(many(450, 250, 130, 170)), "x")
    assert found.labels is not None
    assert found.labels.psi > ALARM
    assert found.labels.by_chance is not None
    assert found.labels.by_chance > found.labels.psi
    assert not found.alarm


def test_a_small_shift_of_many_requests_is_certain_and_no_alarm() -> None:
    found = compare(count(many(50, 25, 10, 15)), count(many(45, 25, 13, 17)), "x")
    assert not found.alarm


def test_confidence_and_length_are_looked_at_as_well() -> None:
    before = count(many(90, 50, 26, 34))
    unsure = compare(count(many(90, 50, 26, 34, confidence=0.4)), before, "x")
    assert unsure.alarms == ("confidence",)
    assert (unsure.now.mean_confidence, before.mean_confidence) == pytest.approx((0.4, 0.7))
    longer = compare(count(many(90, 50, 26, 34, tokens=9_000)), before, "x")
    assert longer.alarms == ("lengths",)
    assert longer.lengths is not None
    assert longer.lengths.now["8192"] == 1


def test_lengths_beyond_all_bins_are_counted() -> None:
    found = count([*many(1, 0, 0, 0, tokens=0), *many(1, 0, 0, 0, tokens=10**7)])
    assert found.lengths == {"0": 1, "32768": 1}


def test_an_artifact_shows_its_labels_alone() -> None:
    learned: dict[Label, int] = {"easy": 10_000, "medium": 6_000, "hard": 3_000}
    found = compare(count(many(10, 10, 70, 10)), recorded(learned), "20261123-x")
    assert found.alarms == ("labels",)
    assert (found.confidence, found.lengths, found.embedding) == (None, None, None)
    assert found.before.mean_confidence is None


def test_steps_of_tool_loops_and_unscored_requests_are_not_counted() -> None:
    unscored = entry(3, decision=chosen("easy", "m", "forced"))
    assert count([asked(1, "hello"), in_loop(2, "hello"), unscored]).requests == 1


def test_nothing_at_all_is_compared_without_an_alarm() -> None:
    found = compare(count(()), count(()), "x")
    assert not found.alarm
    assert found.labels is None


def cloud(rows: int, shift: float, seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    drawn = np.random.default_rng(seed).standard_normal((rows, 8))
    drawn[:, 0] += shift
    return drawn


def test_two_samples_of_one_cloud_have_not_moved() -> None:
    found = embedding_shift(cloud(300, 0, 1), cloud(400, 0, 2))
    assert found is not None
    assert found.share < 0.02
    assert found.p_value > 0.001
    assert not found.alarm


def test_a_cloud_that_moved_is_an_alarm_measured_by_its_own_width() -> None:
    found = embedding_shift(cloud(300, 1, 1), cloud(400, 0, 2))
    assert found is not None
    assert found.share == pytest.approx(1 / 8, abs=0.05)
    assert found.p_value <= 0.001
    assert found.alarm
    again = embedding_shift(cloud(300, 1, 1), cloud(400, 0, 2))
    assert again == found, "the same prompts give the same report"


def test_too_few_texts_have_no_shift() -> None:
    assert embedding_shift(cloud(1, 0, 1), cloud(9, 0, 2)) is None
    assert embedding_shift(cloud(0, 0, 1), cloud(9, 0, 2)) is None
    assert embedding_shift(np.ones((5, 8)), np.ones((5, 8))) is None


def test_both_sides_come_from_the_ledger(tmp_path: Path) -> None:
    home = place(str(tmp_path))
    upgrade(home)
    spool = open_spool(home)
    for n in range(60):
        spool.record(asked(n, f"sort a list of {n} numbers in python", minute=n))
        late = {"minute": 24 * 60 + n, "label": "hard", "tier": "hard"}
        spool.record(asked(100 + n, f"prove a theorem about {n} primes", **late))  # type: ignore[arg-type]
    spool.close()
    drain(home)
    store = Store(home)
    noon = NOON_US + DAY_US
    found = drift_between(store, Span(since_us=noon), Span(until_us=noon), HashEmbedder())
    store.close()
    assert (found.now.requests, found.before.requests) == (60, 60)
    assert set(found.alarms) == {"labels", "embedding"}
    assert found.embedding is not None
    assert (found.embedding.texts_now, found.embedding.texts_before) == (60, 60)
    assert MOST_TEXTS > 60
