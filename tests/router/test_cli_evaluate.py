"""`gearshift evaluate`: one command, for people, for programs, and as files."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from classifier import artifact
from classifier.evaluate import Report
from classifier.judge.frontier import COSTS
from classifier.registry import builtin
from classifier.types import LABELS, TIERS
from tests.processes import environ, gearshift
from tests.synthetic import examples, save_examples

OWN = artifact.read_manifest(builtin()).version
WITHOUT_EXTRA = """
import sys
sys.modules["vl_convert"] = None  # as if it were not installed
from router.cli.main import main
sys.argv = ["gearshift", *sys.argv[1:]]
main()
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rows to judge by, and one of RouteLLM's sets, made up."""
    folder = tmp_path_factory.mktemp("home")
    save_examples(folder / "val.jsonl", examples(12, seed=6))
    (folder / "exams").mkdir()
    lines = [
        {"prompt": "prove it " * (at + 1), "weak_correct": at % 3 == 0, "strong_correct": True}
        for at in range(30)
    ]
    (folder / "exams" / "mmlu.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, lines)))
    return folder


def told(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return gearshift(home, "evaluate", "--data", str(home / "val.jsonl"), *arguments)


def test_people_get_a_short_table(home: Path) -> None:
    done = told(home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{OWN}: macro-F1 0.")
    assert "rules that read nothing: global majority 0." in done.stdout
    assert all(label in done.stdout for label in LABELS)
    for figure in ("hard called easy", "calibration error", "flipped by noise", "time of one"):
        assert figure in done.stdout
    assert len(done.stdout.splitlines()) < 30


def test_programs_get_everything_and_nothing_else(home: Path) -> None:
    done = told(home, "--json", "--costs", "1,2,10", "--routellm", str(home / "exams"))
    assert done.returncode == 0, done.stderr
    report = msgspec.json.decode(done.stdout, type=Report)
    assert (report.version, report.judged) == (OWN, 48)
    assert report.frontier is not None
    assert list(report.frontier.costs) == [1, 2, 10]
    assert report.measured.speed is not None
    assert report.measured.speed.rows == 48
    (exam,) = report.measured.routellm
    assert (exam.name, exam.prompts) == ("mmlu", 30)
    assert done.stderr == ""


def test_one_command_writes_page_figures_and_pictures(home: Path) -> None:
    done = told(home, "--out", str(home / "out"), "--routellm", str(home / "exams"))
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (home / "out").iterdir()}
    assert names == {
        "report.html",
        "report.json",
        "reliability.png",
        "sources.png",
        "needs_info.png",
        "frontier.png",
        "robustness.png",
        "routellm_mmlu.png",
    }
    assert str(home / "out" / "report.html") in done.stdout.splitlines()
    assert "RouteLLM mmlu, APGR" in done.stdout
    report = msgspec.json.decode((home / "out" / "report.json").read_bytes(), type=Report)
    assert report.version == OWN
    assert OWN in (home / "out" / "report.html").read_text()


def test_without_the_extra_it_says_so_before_it_judges(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRA, "evaluate", "--data", "val.jsonl", "--out", "none"],
        cwd=home,
        env=environ(home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "vl_convert is not installed: make setup EXTRAS=report" in done.stderr
    assert not (home / "none").exists()


def test_a_folder_that_cannot_be_made_is_named_before_it_judges(home: Path) -> None:
    (home / "file").write_text("")
    done = told(home, "--out", str(home / "file" / "out"))
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    "costs", ["1,2", "3,2,1", "a,b,c", "1,1,1", "-1,0,1", "nan,1,2", "0,1,inf"]
)
def test_costs_that_are_not_three_rising_numbers_are_refused(home: Path, costs: str) -> None:
    done = told(home, "--costs", costs)
    assert done.returncode == 2
    assert "rising costs" in done.stderr


def priced(home: Path, *prices: int) -> Path:
    """A configuration of three models with these prices of a million tokens, or with none."""
    names = ("small", "middle", "large")
    tiers = "".join(f'{tier} = ["{name}"]\n' for tier, name in zip(TIERS, names, strict=True))
    models = "".join(
        f'[model.{name}]\nupstream = "host"\nname = "{name}"\ncontext = 100_000\n' for name in names
    )
    for name, price in zip(names, prices, strict=False):
        cost = f'{{ input = {price}, output = {price}, source = "page", date = "2026-11-25" }}'
        ratio = '{ value = 1, low = 1, high = 1, source = "prior" }'
        told = f"[model.{name}]\nprice = {cost}\noutput_ratio = {ratio}\n"
        models = models.replace(f"[model.{name}]\n", told)
    file = home / "router.toml"
    file.write_text(f'[tiers]\n{tiers}[upstream.host]\nbase_url = "http://127.0.0.1:9"\n{models}')
    return file


@pytest.mark.parametrize(
    ("prices", "costs", "said"),
    [
        ((1, 2, 10), (0.1, 0.2, 1.0), ""),
        ((10, 2, 1), COSTS, "easier tiers do not cost less"),
        ((), COSTS, "is unknown"),
    ],
)
def test_costs_are_those_of_the_configuration_and_else_it_is_said(
    home: Path, prices: tuple[int, ...], costs: tuple[float, float, float], said: str
) -> None:
    done = told(home, "--json", "--config", str(priced(home, *prices)))
    assert done.returncode == 0, done.stderr
    report = msgspec.json.decode(done.stdout, type=Report)
    assert report.frontier is not None
    assert report.frontier.costs == pytest.approx(costs)
    assert said in done.stderr
    assert ("weighed by 0.05,0.25,1: --costs" in done.stderr) == bool(said)


def test_a_folder_without_sets_is_told(home: Path) -> None:
    (home / "empty").mkdir()
    done = told(home, "--routellm", str(home / "empty"))
    assert done.returncode == 1
    assert "has none of gsm8k.jsonl, mmlu.jsonl, mt_bench.jsonl" in done.stderr


def test_rows_without_labels_cannot_judge(home: Path) -> None:
    (home / "bare.jsonl").write_text('{"prompt": "hello"}\n')
    done = gearshift(home, "evaluate", "--data", str(home / "bare.jsonl"))
    assert done.returncode == 1
    assert "none of 1 rows has a label that is trusted" in done.stderr
