"""Three hundred rows of one's own, as a table, on the way into service."""

import csv
from pathlib import Path

import msgspec
import pytest

from classifier import artifact, history
from classifier.corpus import read, samples
from classifier.evaluate import Report
from classifier.facts import Facts
from classifier.folds import parts
from classifier.promotion import Comparison
from classifier.registry import builtin, promoted
from router.cli.classify import classify
from router.cli.evaluate import evaluate
from router.cli.model import ModelError
from router.cli.models import models
from router.cli.train import train
from tests.commands import done, typed
from tests.synthetic import examples

OWN = artifact.read_manifest(builtin()).version
QUESTION = "prove that no lamp of order 7 has a river of order 9 , and bound the lamp from below"


def table(path: Path, *, labels: tuple[str, ...] = (), count: int = 75) -> Path:
    """A table as spreadsheets save it: a byte order mark, semicolons, labels as people write."""
    written = {"needs_info": "Needs Info", "hard": "HARD", "medium": "medium", "easy": "Easy"}
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        rows = csv.writer(file, delimiter=";")
        rows.writerow(("prompt", "label", "category", "ticket"))
        for number, row in enumerate(examples(count, seed=41)):
            label = labels[number % len(labels)] if labels else written[str(row.label)]
            rows.writerow((row.prompt, label, "support", f"T-{number}"))
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one version that 300 rows made of the built-in one."""
    folder = tmp_path_factory.mktemp("home")
    result = done(folder, train, "--data", table(folder / "mine.csv"))
    assert result.stdout.strip() == str(made(folder))
    table(folder / "exam.csv", count=300)
    return folder


def made(home: Path) -> Path:
    (version,) = (path for path in (home / "registry").iterdir() if path.is_dir())
    return version


def test_the_version_says_what_it_was_made_of(home: Path) -> None:
    version = made(home)
    facts = msgspec.json.decode(artifact.read_text(version, artifact.FACTS), type=Facts)
    rows = examples(75, seed=41)
    assert facts.base == artifact.read_manifest(version).parent == OWN
    before = msgspec.json.decode(artifact.read_text(builtin(), artifact.FACTS), type=Facts)
    mine = facts.rows - before.rows
    assert 0.8 * len(rows) < mine < len(rows), "a tenth is left for promotions"
    known = {source.name for source in before.sources}
    assert {name for s in facts.sources if s.name not in known for name in s.labels} == {
        "easy",
        "medium",
        "hard",
        "needs_info",
    }
    assert done(home, models, "show", version.name).stdout.startswith("# Model card")


def test_it_knows_its_rows_better_than_the_version_that_it_was_made_of(home: Path) -> None:
    scores = []
    for version in ("builtin", made(home).name):
        words = ("--data", home / "exam.csv", "--held-out", "--version", version, "--json")
        report = msgspec.json.decode(done(home, evaluate, *words).stdout, type=Report)
        scores.append(report.macro_f1.value)
    assert scores[1] > scores[0] + 0.1


def test_it_is_promoted_by_its_own_held_out_rows_and_serves(home: Path) -> None:
    version = made(home).name
    before = msgspec.json.decode(done(home, classify, QUESTION).stdout)
    assert before["model_version"] == OWN
    told = done(home, models, "promote", version, "--data", home / "exam.csv", "--json")
    comparison = msgspec.convert(msgspec.json.decode(told.stdout)["comparison"], Comparison)
    assert (comparison.champion, comparison.challenger) == (OWN, version)
    assert comparison.refusal is None
    after = msgspec.json.decode(done(home, classify, QUESTION).stdout)
    assert (after["model_version"], after["label"]) == (version, "hard")
    done(home, models, "rollback")
    assert msgspec.json.decode(done(home, classify, QUESTION).stdout) == before
    assert promoted(home / "registry") == "builtin"
    assert [event.version for event in history.read(home / "registry")] == [version, "builtin"]


def test_rows_that_are_wrong_are_told_by_file_and_line_also_beside_the_samples(
    tmp_path: Path,
) -> None:
    file = table(tmp_path / "mine.csv", labels=("easy", "tricky", "hard"), count=3)
    result = typed(tmp_path, train, "--data", "samples", "--data", file)
    assert isinstance(result.exception, ModelError)
    first, last = str(result.exception).splitlines()
    assert first.startswith(f"{file}, line 3 and 3 more rows: label 'tricky' is none of easy")
    assert last == "4 rows cannot be used; --skip-bad leaves them out"
    assert not (tmp_path / "registry").exists()


def test_the_samples_have_labelled_rows_in_every_part() -> None:
    """Or `--data samples` would train without calibrating, or promote without comparing."""
    rows = [row for row in read(samples()) if row.label]
    assert set(parts(rows)) == {"train", "calibrate", "promote"}


def test_a_table_without_prompts_says_what_a_row_needs(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("question;label\nwhy?;easy\n")
    result = typed(tmp_path, train, "--data", tmp_path / "mine.csv")
    assert isinstance(result.exception, ModelError)
    assert "line 2: no `prompt`; found: question, label" in str(result.exception)
    assert "if `question` is it, call it `prompt`" in str(result.exception)


def test_too_few_rows_of_one_s_own_cannot_promote(home: Path, tmp_path: Path) -> None:
    few = table(tmp_path / "few.csv", count=20)
    result = typed(home, models, "promote", made(home).name, "--data", few)
    assert isinstance(result.exception, ModelError)
    assert "cannot tell: " in str(result.exception)
    assert promoted(home / "registry") == "builtin"
