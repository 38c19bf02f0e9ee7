"""The examples that ship can be read, agree with themselves, and teach no shortcut too cheap."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from classifier.corpus import prompts, read
from classifier.folds import parts
from classifier.types import LABELS

FILES = sorted(Path("data/authored").glob("*.jsonl"))
EXAMPLES = read(FILES)
FIELDS = {
    "id",
    "source",
    "category",
    "lang",
    "label",
    "needs_info",
    "reason",
    "second_reading",
    "conf",
    "provenance",
    "license",
    "license_class",
}


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for file in FILES for line in file.read_text().splitlines()]


def test_there_are_enough_and_the_datasheet_counts_them() -> None:
    text = Path("data/README.md").read_text()
    assert len(EXAMPLES) >= 1_500
    assert f"{len(EXAMPLES):,} prompts" in text
    for name, count in Counter(example.category for example in EXAMPLES).items():
        assert f"| {name} | {count} |" in text


def test_every_row_says_what_it_is_and_why() -> None:
    for line in lines():
        assert line.keys() >= FIELDS, line["id"]
        assert line["provenance"] == "authored"
        assert line["license"] == "Apache-2.0"
        assert line["reason"].strip()
        assert line["second_reading"] in LABELS


def test_ids_and_prompts_are_unique() -> None:
    assert len({line["id"] for line in lines()}) == len(EXAMPLES)
    assert len({(*example.earlier, example.prompt) for example in EXAMPLES}) == len(EXAMPLES)


def test_a_label_and_its_needs_info_agree() -> None:
    assert all((e.label == "needs_info") == (e.needs_info == 1) for e in EXAMPLES)


def test_readings_that_differ_are_trusted_less() -> None:
    for line in lines():
        agreed = line["label"] == line["second_reading"]
        assert line["conf"] == (0.9 if agreed else 0.6), line["id"]


def test_twins_differ_in_what_they_lack_and_share_a_part() -> None:
    twins = defaultdict(list)
    for example, part in zip(EXAMPLES, parts(EXAMPLES).tolist(), strict=True):
        if example.pair_id is not None:
            twins[example.pair_id].append((example.needs_info, part))
    whole = [pair for pair in twins.values() if len(pair) == 2]
    assert len(whole) >= 200
    for (one, here), (other, there) in whole:
        assert {one, other} == {0, 1}
        assert here == there


def test_every_row_has_something_to_score() -> None:
    assert all(prompt is not None for prompt in prompts(EXAMPLES))


@pytest.mark.parametrize("label", LABELS)
def test_every_label_has_short_and_long_prompts_in_many_kinds(label: str) -> None:
    rows = [example for example in EXAMPLES if example.label == label]
    lengths = [len(row.prompt) for row in rows]
    assert min(lengths) < 60
    assert max(lengths) > 300
    assert len({row.category for row in rows}) >= 8
