"""Figures of a variant: the same as `evaluate` gives, and none that chance alone would give."""

from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchmarks.variants import judge
from benchmarks.variants.catalogue import BY_NAME, VARIANTS, Cascade, Variant
from benchmarks.variants.entries import entry
from benchmarks.variants.ground import Ground, ground
from benchmarks.variants.judge import Answers, Asked
from benchmarks.variants.table import COLUMNS, markdown
from benchmarks.variants.workshop import Workshop
from classifier.corpus import Example
from classifier.evaluate import evaluate
from classifier.features import scored_text
from classifier.metrics import Interval, positions
from classifier.model import sigmoid
from classifier.types import LABELS
from tests.synthetic import examples, static_embedder, trained

PLAIN = "static-linear"


@cache
def world() -> Ground:
    """Four sources, two of them ours, and rows to report on."""
    rows = []
    for number, row in enumerate(examples(120)):
        ours = "authored" if number % 4 > 1 else None
        source = f"source {number % 4}"
        rows.append(msgspec.structs.replace(row, source=source, provenance=ours))
    return ground(rows, examples(30, seed=5))


def workshop(folder: Path) -> Workshop:
    return Workshop(world(), folder, lambda text: None, trained().classifier)


def logits(*rows: tuple[float, float, float]) -> np.ndarray:
    return np.array([(*row, 0.0) for row in rows])


def test_the_shipped_version_has_the_figures_that_evaluate_gives(tmp_path: Path) -> None:
    row = entry(workshop(tmp_path), "shipped", "x", PLAIN)
    told = evaluate(trained().classifier, world().val, trained().facts)
    assert row.val.macro_f1.value == pytest.approx(told.macro_f1.value, abs=1e-9)
    assert row.val.macro_f1.low == pytest.approx(told.macro_f1.low, abs=1e-9)
    assert told.needs_info is not None
    assert row.val.auroc is not None
    assert row.val.auroc.value == pytest.approx(told.needs_info.auroc.value, abs=1e-6)
    assert (row.public, row.own, row.fitted) == (None, None, 0)


def test_a_variant_is_judged_on_sources_that_it_never_saw(tmp_path: Path) -> None:
    row = entry(workshop(tmp_path), PLAIN, "make it so", "static-network")
    assert row.public is not None
    assert row.own is not None
    assert row.public.rows + row.own.rows == len(world().rows)
    assert row.public.macro_f1.value > 0.8
    assert row.public.beyond is not None
    assert row.public.beyond.low <= row.public.beyond.value <= row.public.beyond.high
    assert row.command == "make it so"
    assert row.cost.mean_ms > 0
    assert row.kept.rows == sum(
        part == "promote" and row.provenance == "authored"
        for part, row in zip(world().part, world().rows, strict=True)
    )


def test_the_base_is_not_beyond_itself(tmp_path: Path) -> None:
    row = entry(workshop(tmp_path), PLAIN, "x", PLAIN)
    assert row.public is not None
    assert row.public.beyond is None


def test_what_was_made_once_is_not_made_again(tmp_path: Path) -> None:
    told: list[str] = []
    first = Workshop(world(), tmp_path, told.append, trained().classifier)
    made = entry(first, "static-network", "x", PLAIN)
    assert any("timing" in line for line in told)
    told.clear()
    again = Workshop(world(), tmp_path, told.append, trained().classifier)
    assert entry(again, "static-network", "x", PLAIN) == made
    assert told == []


def test_calibration_mends_logits_that_are_too_loud() -> None:
    lacks = np.array([row.needs_info == 1 for row in world().rows])
    noise = np.random.default_rng(2).normal(0, 1, (lacks.size, 4))
    loud = Answers(rows=9 * (noise + lacks[:, None]), val=np.zeros((0, 4)))
    mended = judge.settle(loud, world(), 0)
    apart = ~world().held(0)
    before, after = (sigmoid(one.rows[apart, 0]) for one in (loud, mended))
    assert np.mean((after - lacks[apart]) ** 2) < np.mean((before - lacks[apart]) ** 2) - 0.05


def test_chances_add_up_and_the_cutoff_decides_on_needs_info() -> None:
    asked = logits((-4, -4, 0), (-4, 4, -4), (-4, 4, 4), (0.2, -4, 0))
    assert judge.chances(asked).sum(axis=1) == pytest.approx(np.ones(4))
    assert [LABELS[at] for at in judge.label(asked, 0.5)] == [*LABELS]
    assert LABELS[judge.label(asked, 0.6)[3]] == "easy"


def test_only_doubtful_rows_are_blended() -> None:
    first = Answers(rows=logits((-5, -5, 0), (-0.1, 0.1, 0.1)), val=logits((-5, -5, 0)))
    second = Answers(rows=logits((5, 5, 5), (-5, -5, -5)), val=logits((5, 5, 5)))
    every = Asked(rows=np.ones(2, np.bool_), val=np.ones(1, np.bool_))
    mixed = judge.blend(first, second, judge.doubtful(first, every, 0.6))
    assert np.array_equal(mixed.rows[0], first.rows[0])
    assert np.array_equal(mixed.val, first.val)
    assert mixed.rows[1, 0] == pytest.approx(-2.55)
    always = judge.blend(first, second, judge.doubtful(first, every, float("inf")))
    assert always.rows[0, 0] == 0


def test_no_second_stage_is_asked_about_a_long_prompt_or_one_without_an_answer() -> None:
    rows = logits((-0.1, 0.1, 0.1), (-0.1, 0.1, 0.1), (np.nan, np.nan, np.nan))
    first = Answers(rows=rows, val=rows[:2])
    short = Asked(rows=np.array([True, False, True]), val=np.array([False, True]))
    asked = judge.doubtful(first, short, float("inf"))
    assert asked.rows.tolist() == [True, False, False]
    assert asked.val.tolist() == [False, True]


def random_answers() -> Answers:
    draw = np.random.default_rng(3)
    return Answers(rows=draw.normal(0, 2, (len(world().rows), 4)), val=np.zeros((0, 4)))


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.3])
def test_the_second_stage_is_asked_about_the_share_that_was_wanted(
    share: float, every: int
) -> None:
    told, held = random_answers(), world().held(0)
    short = Asked(rows=np.arange(held.size) % every == 0, val=np.zeros(0, np.bool_))
    limit = judge.limit(told, short, world(), 0, share)
    asked = judge.doubtful(told, short, limit).rows
    assert asked[held].mean() == pytest.approx(share, abs=0.03)
    assert judge.limit(told, short, world(), 0, 1.0) == float("inf")


def test_where_too_few_are_short_all_of_them_are_asked_about() -> None:
    told, held = random_answers(), world().held(0)
    short = Asked(rows=np.arange(held.size) % 9 == 0, val=np.zeros(0, np.bool_))
    asked = judge.doubtful(told, short, judge.limit(told, short, world(), 0, 0.5))
    assert np.array_equal(asked.rows, short.rows)


def test_a_second_stage_is_calibrated_on_what_it_can_be_asked_about() -> None:
    told = random_answers()
    short = np.arange(len(world().rows)) % 3 == 0
    other = Answers(rows=np.where(short[:, None], told.rows, 7.0), val=told.val)
    mended, again = (judge.settle(one, world(), 0, short) for one in (told, other))
    assert np.array_equal(mended.rows[short], again.rows[short])
    assert not np.allclose(mended.rows[short], judge.settle(told, world(), 0).rows[short])


def cascading(folder: Path, pieces: int | None) -> Workshop:
    """A workshop whose `cascade` asks a small network about all prompts that are short enough."""
    making = Cascade(first=PLAIN, second="static-network", share=1.0, pieces=pieces)
    variants = BY_NAME | {"cascade": Variant(name="cascade", title="x", making=making)}
    return Workshop(world(), folder, lambda text: None, trained().classifier, variants)


def pieces_of_val() -> np.ndarray:
    cut = static_embedder().pieces.encode
    return np.array([len(cut(scored_text(asked))) for asked in world().val_asked])


def test_a_cascade_asks_its_second_stage_about_short_prompts_alone(tmp_path: Path) -> None:
    place = cascading(tmp_path, 8)
    first, both = (place.settled(name, 0).answers.val for name in (PLAIN, "cascade"))
    changed = (first != both).any(axis=1)
    assert np.array_equal(changed, pieces_of_val() <= 8)


def test_a_cascade_costs_its_second_stage_only_where_that_is_asked(tmp_path: Path) -> None:
    place = cascading(tmp_path, 8)
    one, other, both = (place.cost(name) for name in (PLAIN, "static-network", "cascade"))
    assert both.second == pytest.approx((pieces_of_val() <= 8).mean())
    assert both.second not in (0, 1)
    assert one.mean_ms < both.mean_ms < one.mean_ms + other.mean_ms
    assert both.megabytes == pytest.approx(one.megabytes + other.megabytes)
    always = cascading(tmp_path, None).cost("cascade")
    assert always.second == 1
    assert always.mean_ms == pytest.approx(one.mean_ms + other.mean_ms)


def test_a_cascade_has_a_row_like_any_other(tmp_path: Path) -> None:
    row = entry(cascading(tmp_path, 8), "cascade", "x", PLAIN)
    assert row.public is not None
    assert row.public.beyond is not None
    assert "(of val: " in markdown([row])


def test_misses_are_counted_among_the_hard_rows_alone() -> None:
    rows = [Example(prompt=f"p{n}", label="hard" if n < 4 else "easy") for n in range(8)]
    easy, hard = (-9.0, -9.0, 0.0), (-9.0, 9.0, 9.0)
    told = judge.said(rows, logits(easy, hard, hard, hard, *[easy] * 4), 0.5)
    found = judge.report(told)
    assert found.hard == 4
    assert found.hard_miss is not None
    assert found.hard_miss.value == pytest.approx(0.25)
    assert found.auroc is None
    assert found.solved_error is None


def test_weak_labels_do_not_judge() -> None:
    rows = [Example(prompt="a", label="easy"), Example(prompt="b", label="hard", conf=0.4)]
    found = judge.apart(judge.said(rows, logits((-9, -9, 0), (-9, -9, 0)), 0.5))
    assert found.rows == 1
    assert found.macro_f1.value == 1
    assert positions([rows[0].label]).tolist() == [0]


def test_every_cascade_stands_on_variants_that_are_in_the_table() -> None:
    for variant in VARIANTS:
        if isinstance(variant.making, Cascade):
            assert {variant.making.first, variant.making.second} <= BY_NAME.keys()


def test_the_table_has_a_line_a_variant_and_leaves_out_what_is_unknown(tmp_path: Path) -> None:
    place = workshop(tmp_path)
    rows = [entry(place, name, "x", PLAIN) for name in ("shipped", "static-network")]
    lines = markdown(rows).splitlines()
    assert len(lines) == 4
    assert {line.count(" | ") for line in lines if "---" not in line} == {len(COLUMNS) - 1}
    shipped, network = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:])
    assert shipped[1] == shipped[2] == ""
    beyond = rows[1].public and rows[1].public.beyond
    assert isinstance(beyond, Interval)
    assert network[2].startswith("+" if beyond.value >= 0 else "\u2212")
