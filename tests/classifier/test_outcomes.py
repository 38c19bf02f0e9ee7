"""Outcomes of single models become shares of tiers, and shares a label."""

import pytest

from classifier.outcomes import label_of, models_of, shares


@pytest.mark.parametrize(
    ("known", "label"),
    [
        ((0.6, 0.5, None), ("easy", None)),
        ((1.0, None, None), ("easy", 0.5)),
        ((1.0, None, 1.0), ("easy", 0.5)),
        ((0.59, 0.5, None), ("medium", None)),
        ((0.0, 1.0, 0.0), ("medium", None)),
        ((0.0, 0.49, 0.5), ("hard", None)),
        ((None, 0.0, 1.0), ("hard", None)),
        ((1.0, 0.0, 1.0), ("hard", None)),
        ((1.0, 0.0, None), None),
        ((0.0, 0.0, 0.49), None),
        ((0.5, None, 1.0), None),
        ((None, 1.0, 1.0), None),
        ((None, None, 1.0), None),
        ((None, None, None), None),
    ],
)
def test_the_shares_speak_for_a_label_or_for_none(
    known: tuple[float | None, ...], label: tuple[str, float | None] | None
) -> None:
    assert label_of(known) == label


def test_a_tiers_share_is_the_mean_over_its_models_that_were_asked() -> None:
    models = models_of(["easy=a,b", "hard=c"])
    assert shares({"a": 1.0, "b": 0.5, "x": 0.0}, models) == (0.75, None, None)
    assert shares({"b": 0.0, "c": 1.0}, models) == (0.0, None, 1.0)
    assert shares({}, models) == (None, None, None)


def test_models_are_given_tier_by_tier() -> None:
    said = models_of(["easy=a, b", "HARD=org/c:free", "easy=d"])
    assert said == {"easy": ("a", "b", "d"), "hard": ("org/c:free",)}
    assert models_of([]) == {}


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("simple=a", "'simple=a': write TIER=MODEL,MODEL with a tier of easy, medium, hard"),
        ("needs_info=a", "write TIER=MODEL"),
        ("a,b", "write TIER=MODEL"),
        ("easy", "write TIER=MODEL"),
        ("easy=,", "write TIER=MODEL"),
    ],
)
def test_an_option_of_another_shape_is_named(option: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        models_of([option])


def test_a_model_of_two_tiers_is_named() -> None:
    with pytest.raises(ValueError, match="b: a model belongs to one tier"):
        models_of(["easy=a,b", "hard=b"])
