"""The training path from end to end, on a small world and without torch."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pytest

from classifier import artifact
from classifier.artifact import load
from classifier.corpus import RESTRICTED, Example
from classifier.embed import HashEmbedder
from classifier.evaluate import evaluate
from classifier.features import matrix
from classifier.fit import Settings
from classifier.folds import parts
from classifier.model import HEADS, Classifier
from classifier.registry import two_stage
from classifier.targets import Floats
from classifier.train import Trained, TrainingError, Tutor, train, version_of
from classifier.types import LABELS, TIERS
from tests.synthetic import (
    SHARES,
    VERSION,
    WORDS,
    examples,
    prompt,
    static_embedder,
    trained,
    trained_on_hashes,
)


@pytest.mark.parametrize("model", [trained(), trained_on_hashes()], ids=["static", "hash"])
def test_it_learns_the_rule_of_its_world(model: Trained) -> None:
    report = evaluate(model.classifier, examples(30, seed=99), model.facts)
    assert report.macro_f1.value > 0.9
    assert report.macro_f1.value > report.baselines["length alone"].macro_f1
    assert model.facts.held_macro_f1 > 0.9


def test_success_follows_the_measured_shares() -> None:
    model = trained().classifier
    fresh = [e for e in examples(40, seed=5) if e.label in SHARES]
    for tier, name in enumerate(TIERS):
        told = [getattr(model.assess(prompt(e.prompt)).success, name) for e in fresh]
        true = [SHARES[e.label][tier] for e in fresh if e.label]
        assert np.mean(told) == pytest.approx(np.mean(true), abs=0.1)
        assert np.corrcoef(told, true)[0, 1] > 0.7 or np.std(true) < 0.15


def test_every_head_is_calibrated() -> None:
    calibration = trained().classifier.calibration
    assert len(calibration.slope) == len(calibration.offset) == len(HEADS)
    assert all(slope >= 0 for slope in calibration.slope)
    assert 0 < calibration.needs_info < 1


def test_training_twice_makes_the_same_model() -> None:
    again = train(examples(), HashEmbedder(), settings=Settings(), version=VERSION)
    many = [prompt(e.prompt) for e in examples(10, seed=3)]
    first = trained_on_hashes().classifier
    assert again.classifier.calibration == first.calibration
    assert again.classifier.assess_many(many) == first.assess_many(many)


def test_a_trained_model_is_saved_and_loaded(tmp_path: Path) -> None:
    model = trained()
    artifact.save(
        tmp_path / VERSION,
        model.classifier,
        embedder=static_embedder(),
        probes=[prompt("fix it"), prompt("prove that no prime of order 3 has a lamp of order 4")],
        texts={},
        origin=artifact.Origin(libraries={}),
    )
    loaded = artifact.load(tmp_path / VERSION)
    many = [prompt(e.prompt) for e in examples(10, seed=3)]
    assert loaded.assess_many(many) == model.classifier.assess_many(many)


def test_rows_under_a_restricted_licence_never_train() -> None:
    """Rows that say the opposite of everything change nothing but the count of what was left."""
    poison = [
        msgspec.structs.replace(e, label="hard", needs_info=0, license_class=license_class)
        for license_class in sorted(RESTRICTED)
        for e in examples(70, seed=8)
    ]
    seen = train([*examples(), *poison], HashEmbedder(), settings=Settings(), version=VERSION)
    many = [prompt(e.prompt) for e in examples(10, seed=3)]
    first = trained_on_hashes()
    assert seen.classifier.assess_many(many) == first.classifier.assess_many(many)
    assert seen.facts.left_out == dict.fromkeys(sorted(RESTRICTED), len(poison) // 2)
    assert seen.facts.sources == first.facts.sources


def test_rows_without_human_text_are_passed_over() -> None:
    empty = [Example(prompt=" "), Example(prompt="<user_info>x</user_info>", label="easy")]
    seen = train([*empty, *examples()], HashEmbedder(), settings=Settings(), version=VERSION)
    assert seen.facts.rows == trained_on_hashes().facts.rows


def test_progress_names_every_step() -> None:
    steps: list[str] = []
    train(examples(40), HashEmbedder(), settings=Settings(), version=VERSION, progress=steps.append)
    assert steps[0] == "reading prompts"
    assert {step.removeprefix("fitting ") for step in steps[1:]} == {
        head.replace("_", " ") for head in HEADS
    }


def test_rows_kept_for_promotion_teach_nothing() -> None:
    """Whatever they say, the model is the same to the bit."""
    kept = parts(examples()) == "promote"
    lied = [
        msgspec.structs.replace(e, label="hard", needs_info=0, share_small=0.0) if k else e
        for e, k in zip(examples(), kept.tolist(), strict=True)
    ]
    assert kept.any()
    again = train(lied, HashEmbedder(), settings=Settings(), version=VERSION).classifier
    many = [prompt(e.prompt) for e in examples(10, seed=3)]
    assert again.assess_many(many) == trained_on_hashes().classifier.assess_many(many)


def own_rows(count: int = 300) -> list[Example]:
    """What a user knows that the world above does not: here every prompt about ferries is hard."""
    draw = np.random.default_rng(4)
    ferry = [f"when does ferry {n} sail to {draw.choice(WORDS)} ?" for n in range(count // 2)]
    other = [f"what is {n} plus {draw.integers(99)} ?" for n in range(count // 2)]
    return [Example(prompt=text, label="hard", needs_info=0) for text in ferry] + [
        Example(prompt=text, label="easy", needs_info=0) for text in other
    ]


def adapted(rows: list[Example]) -> Classifier:
    base = trained().classifier
    return train(rows, base, settings=Settings(), version=VERSION).classifier


def test_a_few_rows_of_ones_own_move_a_model_where_they_point() -> None:
    before, after = trained().classifier, adapted(own_rows())
    ferry = prompt("when does ferry 977 sail to cloud ?")
    assert before.assess(ferry).label != "hard"
    assert after.assess(ferry).label == "hard"


def test_and_leave_it_as_it_was_elsewhere() -> None:
    before, after = trained().classifier, adapted([*own_rows(), *examples()])
    elsewhere = [prompt(e.prompt) for e in examples(30, seed=11)]
    same = [
        one.label == two.label
        for one, two in zip(
            before.assess_many(elsewhere), after.assess_many(elsewhere), strict=True
        )
    ]
    assert np.mean(same) > 0.9
    one = before.assess(elsewhere[0]).success
    assert msgspec.structs.astuple(after.assess(elsewhere[0]).success) == pytest.approx(
        msgspec.structs.astuple(one), abs=0.1
    )


def test_rows_without_anything_known_leave_a_model_as_it_is() -> None:
    before = trained().classifier
    after = adapted([Example(prompt=f"row {n}") for n in range(50)])
    for e in examples(10, seed=3):
        one, two = before.assess(prompt(e.prompt)), after.assess(prompt(e.prompt))
        assert one.label == two.label
        assert two.difficulty == pytest.approx(one.difficulty, abs=2e-3)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"needs_info": 0}, r"'needs_info': 0 say yes .*field needs_info"),
        ({"label": "easy"}, r"'above_easy': 0 say yes .*field label"),
        ({"share_mid": None}, r"'solved_by_medium': 0 say yes and 0 say no.*field share"),
    ],
)
def test_data_that_cannot_teach_a_head_is_refused(change: dict[str, object], names: str) -> None:
    rows = [msgspec.structs.replace(e, **change) for e in examples()]
    with pytest.raises(TrainingError, match=names):
        train(rows, HashEmbedder(), settings=Settings(), version=VERSION)


@pytest.mark.parametrize("rows", [[], [Example(prompt="x", license_class="non_commercial")]])
def test_no_rows_cannot_train(rows: list[Example]) -> None:
    with pytest.raises(TrainingError, match="no row that may train"):
        train(rows, HashEmbedder(), settings=Settings(), version=VERSION)


def test_a_version_names_its_day_and_its_data() -> None:
    day = date(2026, 11, 23)
    one = version_of(b"data", day)
    assert one.startswith("20261123-")
    assert len(one) == len("20261123-0a1b2c3d")
    assert version_of(b"data", day) == one
    assert version_of(b"other", day) != one


def test_the_score_on_held_rows_is_not_that_of_rows_it_knows() -> None:
    """Labels without any sign in the text must look unlearnable on held rows."""
    draw = np.random.default_rng(0)
    rows = [
        msgspec.structs.replace(e, label=str(draw.choice(LABELS)), needs_info=int(draw.integers(2)))
        for e in examples()
    ]
    seen = train(rows, HashEmbedder(), settings=Settings(), version=VERSION)
    assert seen.facts.held_macro_f1 < 0.35


def test_a_teacher_is_asked_of_the_rows_and_moves_what_is_fitted() -> None:
    """One that never knows makes the heads doubt."""
    asked: list[int] = []

    def doubtful(rows: Sequence[Example]) -> Floats:
        asked.append(len(rows))
        return np.full((len(rows), len(HEADS)), 0.5)

    plain = trained_on_hashes()
    encoder = load(two_stage()).encoder
    assert encoder is not None
    unsure = train(
        examples(),
        HashEmbedder(),
        settings=Settings(),
        version=VERSION,
        tutor=Tutor(teacher=doubtful, encoder=encoder),
    )
    assert asked == [plain.facts.rows]
    many = [prompt(e.prompt) for e in examples(20, seed=3)]
    row = matrix(many[:1], HashEmbedder())[0]
    raw = [abs(one.classifier.heads.logits(row)[1]) for one in (unsure, plain)]
    assert raw[0] < 0.7 * raw[1]
