"""300 rows of one's own, from a table to the service and back: the commands of the page, as typed.

The table is of a made-up shop; the figures on the page are this one's.
"""

import csv
import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from classifier import artifact, history
from classifier.corpus import load, samples
from classifier.folds import parts
from classifier.outcomes import models_of
from classifier.registry import builtin, promoted
from tests.processes import ROOT, gearshift

PAGE = (ROOT / "docs" / "training-data.md").read_text(encoding="utf-8")
OWN = artifact.read_manifest(builtin()).version
MODELS = models_of(["easy=small-model", "medium=large-model", "hard=thinking-model"])
VERSION = re.compile(r"\d{8}-[0-9a-f]{8}")

GOODS = ("returns", "invoices", "vouchers", "parcels", "suppliers", "refunds", "pallets")
MORE_GOODS = ("price lists", "reminders", "stock counts")
PLACES = ("Lyon", "Gdansk", "Porto", "Leeds", "Graz", "Turin", "Ghent", "Malmo", "Brno", "Cork")
ASKED: Final = {
    "easy": (
        "Where do I find the {goods} of {place}?",
        "How many {goods} did {place} have yesterday?",
        "Rename the tab {goods} to {goods} {place}.",
    ),
    "medium": (
        "Write a query that lists {goods} per week for {place}, the late ones first.",
        (
            "Compare the {goods} of {place} with last year's and explain the three largest "
            "differences."
        ),
        "Draft a letter to the team in {place} about the new rules for {goods}, with an example.",
    ),
    "hard": (
        (
            "Plan how we move all {goods} from {place} to the new system without a day of closing, "
            "and what could go wrong."
        ),
        (
            "Find out why {goods} in {place} are counted twice when two shifts overlap, and prove "
            "that the fix is safe."
        ),
    ),
    "needs info": ("Send the {goods} to them.", "Do the same for the {goods} in {place}."),
}
COUNTS: Final = {"easy": 110, "medium": 100, "hard": 60, "needs info": 30}
SOLVED: Final = {"easy": (1, 1, ""), "medium": (0, 1, ""), "hard": (0, 0, 1)}
ON_ODD_DAYS: Final = {"easy": (0, 1, ""), "medium": (1, 1, ""), "hard": (0, 1, 1)}


def save_table(path: Path) -> Path:
    """What people asked a shop's assistant, and what became of it; some rows have a label alone."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        tiers = ("small-model", "large-model", "thinking-model")
        rows.writerow(("prompt", "label", *(f"outcome:{model}" for model in tiers)))
        for label, count in COUNTS.items():
            for number, text in enumerate(questions(label, count)):
                told = label == "needs info" or number % 4 == 0
                solved = (ON_ODD_DAYS if number % 9 == 1 else SOLVED).get(label, ())
                rows.writerow((text, label, "", "", "") if told else (text, "", *solved))
    return path


def questions(label: str, count: int) -> Iterator[str]:
    slots = itertools.product(ASKED[label], GOODS + MORE_GOODS, PLACES)
    every = {text.format(goods=goods, place=place) for text, goods, place in slots}
    ordered = sorted(every, key=lambda text: text[::-1])
    return (ordered[int(number * len(ordered) / count)] for number in range(count))


def commands() -> list[list[str]]:
    """The words of every `gearshift …` in the walk-through."""
    walk = PAGE.partition("## 300 rows")[2].partition("\n## ")[0]
    blocks = re.findall(r"```console\n(.*?)```", walk, re.DOTALL)
    lines = "".join(blocks).replace("\\\n", "").splitlines()
    return [shlex.split(line)[2:] for line in lines if line.startswith("$ gearshift ")]


@pytest.mark.skipif(not samples(), reason="this installation is without the prompts that ship")
def test_the_walk_through_does_what_the_page_says(tmp_path: Path) -> None:
    table = save_table(tmp_path / "mine.csv")
    rows = load([table], MODELS).examples
    assert len(rows) == 300
    made = ""

    def typed(words: list[str]) -> tuple[str, str]:
        named = [made if VERSION.fullmatch(word) else word for word in words]
        there = [str(table) if word == "mine.csv" else word for word in named]
        # One thread: those of a linear algebra library that wait for each other only spin.
        done = gearshift(tmp_path, *there, OPENBLAS_NUM_THREADS="1")
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    train, judge, judge_old, promote, listing, rollback = commands()
    assert train[:1] == ["train"]
    stdout, stderr = typed(train)
    version = Path(stdout.strip())
    made = version.name
    assert stderr.startswith("macro-F1 on held-out rows 0.")
    assert version.parent == tmp_path / "registry"
    assert artifact.read_manifest(version).parent == OWN
    assert promoted(version.parent) == "builtin", "nothing is promoted by training"

    held = int((parts(rows) == "promote").sum())
    scores = [score_of(typed(words)[0], held) for words in (judge, judge_old)]
    assert [name for name, _ in scores] == [made, OWN]
    assert scores[0][1] > 0.8
    assert scores[0][1] > scores[1][1]

    stdout, stderr = typed(promote)
    assert stdout.startswith(f"{made} challenges {OWN} on ")
    assert stderr == f"{made} serves from now on\n"
    assert f"{made}  in service since" in typed(listing)[0]

    assert typed(rollback)[1] == f"the built-in {OWN} serves from now on\n"
    assert promoted(version.parent) == "builtin"
    assert [event.action for event in history.read(version.parent)] == ["promote", "rollback"]


def test_its_own_tenth_alone_is_too_little_to_promote_by(tmp_path: Path) -> None:
    """Which is why the page gives the samples too."""
    rows = load([save_table(tmp_path / "mine.csv")], MODELS).examples
    held = [row for row, part in zip(rows, parts(rows), strict=True) if part == "promote"]
    hard = sum(row.label == "hard" for row in held)
    assert f"{len(held)} rows, {hard} of them hard, would be too few" in PAGE


def score_of(said: str, rows: int) -> tuple[str, float]:
    """The version that was judged, on so many rows, and its macro-F1."""
    found = re.match(rf"(\S+): macro-F1 (\S+) \[.*\] on {rows} rows$", said, re.MULTILINE)
    assert found is not None, said
    return found[1], float(found[2])
