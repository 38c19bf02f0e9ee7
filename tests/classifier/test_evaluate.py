"""The judgement of a model: right numbers, from rows that may judge."""

from functools import cache

import msgspec
import pytest

from classifier.card import render
from classifier.corpus import Example
from classifier.evaluate import STEPS, EvaluationError, Report, evaluate
from classifier.facts import LengthRule, length_rule, majority, sources
from classifier.metrics import confusion, macro_f1, positions
from classifier.types import LABELS, Label
from tests.synthetic import VERSION, examples, prompt, trained

FACTS = trained().facts
MODEL = trained().classifier
JUDGES = examples(40, seed=77)


def report(rows: list[Example] | None = None) -> Report:
    return judged_once() if rows is None else evaluate(MODEL, rows, FACTS)


@cache
def judged_once() -> Report:
    return evaluate(MODEL, JUDGES, FACTS)


def said(rows: list[Example]) -> list[Label]:
    return [MODEL.assess(prompt(row.prompt)).label for row in rows]


def test_the_report_is_what_the_verdicts_say() -> None:
    truth, told = positions([row.label for row in JUDGES]), positions(said(JUDGES))
    seen = report()
    assert seen.version == VERSION
    assert seen.rows == seen.judged == len(JUDGES)
    assert seen.macro_f1.value == pytest.approx(macro_f1(truth, told))
    assert seen.macro_f1.low <= seen.macro_f1.value <= seen.macro_f1.high
    assert seen.accuracy == pytest.approx((truth == told).mean())
    table = confusion(truth, told)
    assert [list(counts.values()) for counts in seen.confusion.rows.values()] == table.tolist()
    assert seen.hard_miss is not None
    assert seen.hard_miss.value == table[2, 0] / table[2].sum()


def test_weak_labels_and_missing_ones_do_not_judge() -> None:
    weak = [msgspec.structs.replace(row, conf=0.49, label="hard") for row in JUDGES]
    unlabelled = [msgspec.structs.replace(row, label=None) for row in JUDGES]
    seen = report([*JUDGES, *weak, *unlabelled])
    assert seen.judged == len(JUDGES)
    assert seen.macro_f1.value == report().macro_f1.value


def test_each_source_is_judged_by_itself() -> None:
    one, other = report().slices.sources
    assert {one.name, other.name} == {"source 0", "source 1"}
    rows = [row for row in JUDGES if row.source == one.name]
    right = [row.label == label for row, label in zip(rows, said(rows), strict=True)]
    assert one.rows == len(rows)
    assert one.labels == len(LABELS)
    assert one.accuracy.value == pytest.approx(sum(right) / len(right))
    assert one.source_majority == pytest.approx(0.25)
    assert one.excess_ece <= one.ece


def test_languages_and_categories_are_judged_where_rows_have_them() -> None:
    assert (report().slices.languages, report().slices.categories) == ((), ())
    half = len(JUDGES) // 2
    rows = [
        msgspec.structs.replace(
            row, lang="zh" if at < 10 else "en", category="chat" if at < half else None
        )
        for at, row in enumerate(JUDGES)
    ]
    seen = report(rows).slices
    assert [(one.name, one.rows) for one in seen.languages] == [
        ("en", len(JUDGES) - 10),
        ("zh", 10),
    ]
    assert [(one.name, one.rows) for one in seen.categories] == [("chat", half)]


def test_sources_with_two_labels_are_pooled() -> None:
    seen = report()
    pooled = seen.slices.pooled
    assert pooled is not None
    assert (pooled.sources, pooled.rows) == (2, len(JUDGES))
    assert pooled.accuracy.value == pytest.approx(seen.accuracy)
    assert pooled.majority == pytest.approx(0.25)
    assert report([row for row in JUDGES if row.label == "easy"]).slices.pooled is None


def test_baselines_read_nothing() -> None:
    baselines = report().baselines
    assert set(baselines) == {"global majority", "length alone", "source majority"}
    assert baselines["global majority"].macro_f1 == pytest.approx(0.1)
    assert all(rule.macro_f1 < report().macro_f1.value for rule in baselines.values())
    assert all(rule.margin.low > 0 for rule in baselines.values())


def test_success_is_judged_where_a_tier_was_measured() -> None:
    easy, medium, hard = report().calibration.success
    assert [score.tier for score in (easy, medium, hard)] == ["easy", "medium", "hard"]
    assert easy.rows == len([row for row in JUDGES if row.share_small is not None])
    assert easy.measured == pytest.approx((0.95 + 0.2 + 0.0) / 3)
    assert easy.predicted == pytest.approx(easy.measured, abs=0.1)
    assert easy.brier < 0.05
    alone = [msgspec.structs.replace(row, share_mid=None, share_top=None) for row in JUDGES]
    assert [score.tier for score in report(alone).calibration.success] == ["easy"]


def test_label_shares_are_of_rows_without_anything() -> None:
    assert report().unlabelled == {}
    shares = report([*JUDGES, *(Example(prompt=row.prompt) for row in JUDGES)]).unlabelled
    told = said(JUDGES)
    assert shares == {label: told.count(label) / len(told) for label in LABELS}


def test_nothing_to_judge_by_is_said() -> None:
    with pytest.raises(EvaluationError, match=r"none of 1 rows .*conf"):
        report([Example(prompt="x")])


def test_what_cannot_be_judged_is_left_out() -> None:
    seen = report([row for row in JUDGES if row.label == "easy"])
    assert seen.hard_miss is None
    assert seen.needs_info is None
    lacking = [row for row in JUDGES if row.label == "needs_info"]
    blunt = [msgspec.structs.replace(row, share_top=None) for row in lacking]
    assert report(blunt).frontier is None


def test_costs_of_the_tiers_are_the_callers() -> None:
    found = evaluate(MODEL, JUDGES, FACTS, costs=(1, 2, 4)).frontier
    assert found is not None
    assert [point.cost for point in found.always] == [1, 2, 4]


def test_each_step_is_told() -> None:
    steps: list[str] = []
    evaluate(MODEL, JUDGES, FACTS, progress=steps.append)
    assert len(set(steps)) == STEPS


def test_a_report_is_read_back_as_it_was_written() -> None:
    assert msgspec.json.decode(msgspec.json.encode(report()), type=Report) == report()


def test_sources_are_counted_with_their_licences() -> None:
    rows = [
        Example(prompt="a", source="big", label="easy", license="MIT", license_class="permissive"),
        Example(prompt="b", source="big", label="easy", share_small=0.5, license="MIT"),
        Example(prompt="c", source="big", needs_info=1, license_class="none_stated"),
        Example(prompt="d", source="small", license="no file", license_class="none_stated"),
    ]
    big, small = sources(rows)
    assert (big.name, big.rows, big.labels, big.majority) == ("big", 3, {"easy": 2}, "easy")
    assert (big.needs_info, big.shares) == (1, (1, 0, 0))
    assert big.licenses == ("MIT", "none stated", "none stated (MIT)")
    assert (small.majority, small.licenses) == (None, ("none stated (no file)",))


def test_the_length_rule_says_what_is_commonest_at_each_length() -> None:
    rows = [Example(prompt="x" * n, label="easy" if n < 50 else "hard") for n in range(100)]
    rule = length_rule(rows, "medium")
    assert [rule.label(n) for n in (0, 20, 80, 10_000)] == ["easy", "easy", "hard", "hard"]
    assert length_rule([], "medium") == LengthRule(edges=(0.0,), labels=("medium", "medium"))


def test_the_commonest_label() -> None:
    rows = [Example(prompt="", label=label) for label in ("hard", "easy", "hard", None, None, None)]
    assert majority(rows) == "hard"
    assert majority([Example(prompt="")]) is None


def test_the_card_names_every_source_with_its_licence_and_every_figure() -> None:
    seen = report([*JUDGES, *(Example(prompt=row.prompt) for row in JUDGES)])
    card = render(VERSION, FACTS, seen)
    assert VERSION in card
    for source in FACTS.sources:
        assert f"| {source.name} | {source.rows:,} |" in card
        assert "; ".join(source.licenses) in card
    assert f"{seen.macro_f1.value:.3f} [{seen.macro_f1.low:.3f}, {seen.macro_f1.high:.3f}]" in card
    for name, rule in seen.baselines.items():
        assert f"| {name} | {rule.macro_f1:.3f} | {rule.mean_cost:.3f} |" in card
    assert f"{seen.hard_miss:.3f}" in card
    assert f"{seen.calibration.excess:.3f} beyond chance" in card
    assert seen.robustness is not None
    assert f"{seen.robustness.mean:.3f} on average; typos" in card
    assert seen.needs_info is not None
    assert f"AUROC {seen.needs_info.auroc:.3f}" in card
    assert f"accuracy {seen.accuracy:.3f}" in card.lower()
    assert "needs_info 2" in card
    assert "Whom it fails" in card


def test_the_card_speaks_of_twins_and_languages_where_there_are_any() -> None:
    pairs = zip(JUDGES[:40], JUDGES[-40:], strict=True)
    twins = [
        msgspec.structs.replace(row, pair_id=number, cluster=None, lang="en")
        for number, pair in enumerate(pairs)
        for row in pair
    ]
    card = render(VERSION, FACTS, report(twins))
    assert "Of 40 pairs of twins the underspecified one scores higher in" in card
    assert "| en | 80 |" in card
    assert "pairs of twins" not in render(VERSION, FACTS, report())


def test_a_card_without_a_judgement_says_so() -> None:
    card = render(VERSION, FACTS, None)
    assert "not judged on rows of their own" in card
    assert f"{FACTS.held_macro_f1:.3f}" in card


def test_tables_of_the_card_are_whole() -> None:
    for block in render(VERSION, FACTS, report()).split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1
