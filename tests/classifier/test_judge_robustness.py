"""Flipped labels, counted with a real model."""

from functools import cache

import pytest

from classifier.corpus import prompts
from classifier.features import MAX_CHARS, extract
from classifier.judge.robustness import SEED, Robustness, retold, robustness
from classifier.judge.rows import Judged, judged
from classifier.noise import NOISES, TEMPLATES, disturb
from classifier.types import Prompt, Turn
from tests.synthetic import examples, prompt, trained

MODEL = trained().classifier
ROWS = examples(20, seed=5)


def told() -> list[Prompt]:
    return [found for found in prompts(ROWS) if found is not None]


def seen() -> Judged:
    return judged(ROWS, MODEL.assess_many(told()))


@cache
def shaken() -> Robustness:
    found = robustness(MODEL, told(), seen())
    assert found is not None
    return found


def test_every_noise_and_every_wrapper_is_tried_on_every_row() -> None:
    found = shaken()
    assert (found.rows, found.seed) == (len(ROWS), SEED)
    assert [one.name for one in found.noises] == list(NOISES)
    assert [one.name for one in found.templates] == list(TEMPLATES)


@pytest.mark.parametrize("name", NOISES)
def test_a_flip_is_another_label_than_before(name: str) -> None:
    flips = [
        MODEL.assess(retold(one, lambda text: disturb(name, text, SEED))).label
        != MODEL.assess(one).label
        for one in told()
    ]
    (found,) = [one for one in shaken().noises if one.name == name]
    assert found.flipped.value == pytest.approx(sum(flips) / len(flips))


def test_the_mean_is_over_the_kinds() -> None:
    found = shaken()
    assert found.mean.value == pytest.approx(
        sum(one.flipped.value for one in found.noises) / len(NOISES)
    )
    assert found.templates_mean.value == pytest.approx(
        sum(one.flipped.value for one in found.templates) / len(TEMPLATES)
    )


def test_what_noise_cannot_change_is_said() -> None:
    changed = {one.name: one.changed for one in shaken().noises}
    assert changed["polite preamble"] == 1
    assert changed["sentence order"] < 0.5, "most of these prompts are one sentence"


def test_many_rows_are_sampled_the_same_way_each_time() -> None:
    one, other = (robustness(MODEL, told(), seen(), rows=10) for _ in range(2))
    assert one is not None
    assert one.rows == 10
    assert one == other
    assert robustness(MODEL, [], judged([], [])) is None


def test_only_the_last_turn_is_disturbed() -> None:
    turns = [Turn(role="user", text="name the colour"), Turn(role="user", text="and of a lamp?")]
    found = extract(turns)
    assert found is not None
    loud = retold(found, str.upper)
    assert (loud.context, loud.text) == ("name the colour", "AND OF A LAMP?")
    assert retold(found, str) == found


def test_a_long_turn_stays_long() -> None:
    long = prompt("word " * MAX_CHARS)
    same = retold(long, str)
    assert (same.length, same.truncated) == (long.length, True)
    assert retold(long, lambda text: "Hi! " + text).length == long.length + 4
