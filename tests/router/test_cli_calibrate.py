"""Cut-offs from the command line: a version of their own, which serves, or the reason why not."""

import shutil
from pathlib import Path

import msgspec
import pytest

from classifier import artifact
from classifier.artifact import read_manifest
from classifier.registry import PROMOTED
from router.config.schema import UNCALIBRATED
from tests.processes import gearshift
from tests.synthetic import (
    VERSION,
    examples,
    prompt,
    save_examples,
    static_embedder,
    trained,
)

FILE = """\
[tiers]
easy = ["small"]
medium = ["middle"]
hard = ["large"]

[upstream.host]
base_url = "http://127.0.0.1:9/v1"
key_env = "NOWHERE_KEY"

[policy]
by = "success"
{policy}
"""
MODEL = """
[model.{name}]
upstream = "host"
name = "{name}"
context = 100_000
price = {{ input = {price}, output = {price}, source = "page", date = "2026-11-25" }}
output_ratio = {{ value = 1, low = 1, high = 1, source = "prior" }}
"""


def configuration(folder: Path, policy: str = "") -> str:
    """A file whose key is not set: choosing cut-offs asks no upstream."""
    models = [("small", 1), ("middle", 4), ("large", 10)]
    profiles = (MODEL.format(name=name, price=price) for name, price in models)
    path = folder / "router.toml"
    path.write_text(FILE.format(policy=policy) + "".join(profiles))
    return str(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rows, and a registry with one version."""
    folder = tmp_path_factory.mktemp("home")
    save_examples(folder / "rows.jsonl", examples(900, seed=11))
    model = trained()
    artifact.save(
        folder / "registry" / VERSION,
        model.classifier,
        embedder=static_embedder(),
        probes=[prompt("fix it")],
        texts={artifact.CARD: f"# Model card: gearshift classifier {VERSION}\n"},
        origin=artifact.Origin(libraries={}),
    )
    return folder


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "home")


def command(home: Path, target: str, *more: str) -> tuple[str, ...]:
    files = ("--data", str(home / "rows.jsonl"), "--registry", str(home / "registry"))
    return ("calibrate", "--target", target, *files, "--version", VERSION, *more)


def calibrated(home: Path, target: str, *more: str) -> Path:
    done = gearshift(home, *command(home, target, *more))
    assert done.returncode == 0, done.stderr
    assert f"{target} is kept by easy" in done.stderr
    return Path(done.stdout.strip())


@pytest.mark.parametrize("target", ["hard-miss<=10%", "spend<=60%", "quality>=80%"])
def test_a_target_makes_a_version_that_keeps_it(home: Path, target: str) -> None:
    version = calibrated(home, target, "--config", configuration(home))
    manifest = read_manifest(version)
    kept = manifest.guarantee
    assert version.parent == home / "registry"
    assert manifest.version == version.name
    assert manifest.parent == VERSION
    assert kept is not None
    assert (kept.target, kept.delta, kept.needs_info_tier) == (target, 0.05, "medium")
    assert kept.costs == ((0.1, 0.4, 1.0) if target.startswith("spend") else None)
    card = artifact.read_text(version, artifact.CARD)
    assert card.startswith(f"# Model card: gearshift classifier {version.name}")
    assert f"| target | `{target}` |" in card
    assert artifact.load(version).cutoffs == manifest.cutoffs
    assert not (home / "registry" / PROMOTED).exists()


def test_a_registry_behind_a_url_gets_the_version(home: Path) -> None:
    url = f"file://{home / 'bucket'}"
    files = ("--data", str(home / "rows.jsonl"), "--registry", url)
    shutil.copytree(home / "registry" / VERSION, home / "bucket" / VERSION)
    words = ("calibrate", "--target", "hard-miss<=10%", *files, "--version", VERSION)
    done = gearshift(home, *words)
    assert done.returncode == 0, done.stderr
    version = Path(done.stdout.strip()).name
    assert read_manifest(home / "bucket" / version).parent == VERSION


def test_the_same_again_overwrites_nothing(home: Path) -> None:
    first = calibrated(home, "hard-miss<=10%")
    again = gearshift(home, *command(home, "hard-miss<=10%"))
    if again.returncode:  # unless midnight came between the two
        assert f"{first} is there already" in again.stderr
        assert len(again.stderr.splitlines()) == 1
    other = calibrated(home, "hard-miss<=10%", "--delta", "0.2")
    assert other != first


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("hard-miss<=0.1%", "held-out rows are too few at delta 0.05; about 2,995 like them"),
        ("spend<=9%", "the best that any cut-off reaches is"),
        ("quality<=98%", "write quality>=98%"),
    ],
)
def test_a_target_that_cannot_be_met_is_refused_with_the_reason(
    home: Path, target: str, why: str
) -> None:
    done = gearshift(home, *command(home, target, "--config", configuration(home)))
    assert done.returncode == 1
    assert why in done.stderr
    assert (done.stdout, len(done.stderr.splitlines())) == ("", 1)
    assert [path.name for path in (home / "registry").iterdir()] == [VERSION]


def test_spend_needs_prices(home: Path) -> None:
    file = Path(configuration(home))
    file.write_text(file.read_text().replace("output_ratio = { value = 1", "# { value = 1", 1))
    done = gearshift(home, *command(home, "spend<=60%", "--config", str(file)))
    assert done.returncode == 1
    assert "what the easy tier costs is unknown: small has no `output_ratio`" in done.stderr


def test_what_is_promoted_decides_and_check_tells_it(home: Path) -> None:
    version = calibrated(home, "hard-miss<=10%")
    (home / "registry" / PROMOTED).write_text(version.name)
    cutoffs = read_manifest(version).cutoffs["auto"]
    said = f"cut-offs of auto: easy {cutoffs.easy:g}, medium {cutoffs.medium:g}"
    lines = checked(home)
    assert f"ok   {said}, from classifier {version.name} (hard-miss<=10%, delta 0.05, " in lines
    elsewhere = checked(home, 'needs_info_tier = "easy"')
    assert f"FAIL {said}" in elsewhere
    assert "chosen for another `policy.needs_info_tier`: gearshift calibrate" in elsewhere
    own = checked(home, "auto = { easy = 0.5, medium = 0.5 }")
    assert "ok   cut-offs of auto: easy 0.5, medium 0.5, from the configuration\n" in own


def test_route_decides_as_the_service_would(home: Path) -> None:
    version = calibrated(home, "spend<=60%", "--config", configuration(home))
    cutoffs = read_manifest(version).cutoffs["auto"]
    rows = ("--input", str(home / "rows.jsonl"), "--registry", str(home / "registry"))
    for serving in (VERSION, version.name):
        (home / "registry" / PROMOTED).write_text(serving)
        least = cutoffs if serving == version.name else UNCALIBRATED
        done = gearshift(
            home, "route", *rows, "--config", configuration(home), NOWHERE_KEY="sk-none"
        )
        said = [msgspec.json.decode(line) for line in done.stdout.splitlines()]
        by_success = [one for one in said if one["decision"]["reason"] == "success"]
        assert len(by_success) > 1_000
        for one in by_success:
            good = one["success"]["easy"] >= least.easy
            assert (one["decision"]["tier"] == "easy") == good


def test_without_any_the_placeholders_are_called_so(home: Path) -> None:
    assert "easy 0.75, medium 0.65, placeholders: gearshift calibrate" in checked(home)


def checked(home: Path, policy: str = "") -> str:
    done = gearshift(
        home,
        "check",
        "--offline",
        "--config",
        configuration(home, policy),
        GEARSHIFT_DATA_DIR=str(home),
        NOWHERE_KEY="sk-none",
    )
    return done.stdout
