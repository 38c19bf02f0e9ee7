"""The second stage: asked where the heads are unsure of a short prompt, and nowhere else."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pytest

from classifier.artifact import load
from classifier.contextual import Contextual
from classifier.corpus import Example, read, readable, samples
from classifier.embed import HashEmbedder
from classifier.features import scored_text
from classifier.fit import Settings
from classifier.model import HEADS, Classifier
from classifier.registry import two_stage
from classifier.second import PIECES, SHARE, second_stage
from classifier.train import Tutor, train
from classifier.types import Prompt
from tests.synthetic import VERSION, examples, prompt

SHIPPED = load(two_stage())


@cache
def asked() -> tuple[tuple[Example, ...], tuple[Prompt, ...]]:
    """Prompts as people write them, some of them in doubt."""
    rows, prompts = readable(read(samples())[::5])
    return tuple(rows), tuple(prompts)


def unsure() -> list[Prompt]:
    return [one for one in asked()[1] if not SHIPPED.glance(one).sure]


def encoder() -> Contextual:
    assert SHIPPED.encoder is not None
    return SHIPPED.encoder


def test_a_sure_glance_is_the_verdict_and_an_unsure_one_is_not() -> None:
    glances = [SHIPPED.glance(one) for one in asked()[1]]
    same = [
        glance.verdict == SHIPPED.assess(one)
        for glance, one in zip(glances, asked()[1], strict=True)
    ]
    assert same == [glance.sure for glance in glances]
    assert 0 < np.mean(same) < 1


def test_only_those_in_doubt_are_asked_about() -> None:
    second = SHIPPED.calibration.second
    assert second is not None
    for one in asked()[1]:
        glance = SHIPPED.glance(one)
        likeliest = max(msgspec.structs.astuple(glance.verdict.probabilities))
        if not glance.sure:
            assert likeliest < second.below


def test_a_long_prompt_is_never_asked_about() -> None:
    longer = [
        msgspec.structs.replace(one, text=one.text + " and then some more of it" * PIECES)
        for one in unsure()
    ]
    assert all(SHIPPED.glance(one).sure for one in longer)


def test_what_moved_a_verdict_is_explained() -> None:
    for one in asked()[1][:60]:
        moved = [answer.second for answer in SHIPPED.explain(one).answers]
        assert any(moved) != SHIPPED.glance(one).sure
    for one in unsure()[:5]:
        probabilities = SHIPPED.assess(one).probabilities
        assert SHIPPED.explain(one).answers[0].probability == probabilities.needs_info


def test_threads_get_the_verdict_that_one_alone_gets() -> None:
    many = unsure()[:10]
    alone = SHIPPED.assess_many(many)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(SHIPPED.assess, many * 4)) == alone * 4


def test_a_text_is_read_up_to_its_most_pieces_and_no_further() -> None:
    assert encoder().pieces("one two three", 3) is not None
    assert encoder().pieces("one two three four", 3) is None
    nothing = encoder().pieces("", 3)
    assert nothing is not None
    assert np.isfinite(encoder().logits(nothing)).all()


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x09"])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "encoder.onnx"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="no ONNX model that can be run"):
        Contextual(file, encoder()._pieces)


def test_a_stage_without_its_calibration_is_refused() -> None:
    plain = msgspec.structs.replace(SHIPPED.calibration, second=None)
    for calibration, stage in ((plain, encoder()), (SHIPPED.calibration, None)):
        with pytest.raises(ValueError, match="both its encoder and its calibration"):
            SHIPPED.altered(calibration, stage)
    assert all(SHIPPED.altered(plain, None).glance(one).sure for one in unsure())


def one_stage() -> Classifier:
    return SHIPPED.altered(msgspec.structs.replace(SHIPPED.calibration, second=None), None)


def test_doubt_is_where_the_share_of_rows_lies_below() -> None:
    rows, prompts = asked()
    found = second_stage(one_stage(), encoder(), rows, prompts)
    both = SHIPPED.altered(msgspec.structs.replace(SHIPPED.calibration, second=found), encoder())
    unsure_share = np.mean([not both.glance(one).sure for one in prompts])
    assert unsure_share == pytest.approx(SHARE, abs=0.5 / len(prompts) + 0.003)
    assert len(found.slope) == len(found.offset) == len(HEADS)


def test_where_no_row_is_short_nothing_is_ever_asked() -> None:
    rows, prompts = asked()
    longer = [msgspec.structs.replace(one, text="so " * 100) for one in prompts[:40]]
    found = second_stage(one_stage(), encoder(), rows[:40], longer)
    assert found.below == 0
    assert all(encoder().pieces(scored_text(one), found.pieces) is None for one in longer)


def silent(rows: list[Example]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.full((len(rows), len(HEADS)), 0.5)


def test_a_model_that_is_built_upon_another_keeps_its_second_stage() -> None:
    tutor = Tutor(teacher=silent, encoder=encoder())  # type: ignore[arg-type]
    base = train(
        examples(), HashEmbedder(), settings=Settings(), version=VERSION, tutor=tutor
    ).classifier
    assert base.encoder is encoder()
    upon = train(examples(30, seed=5), base, settings=Settings(), version=VERSION).classifier
    assert upon.encoder is encoder()
    assert upon.calibration.second == base.calibration.second
    assert upon.assess(prompt("what is 2 plus 3 ?")).label
