"""`gearshift train --from-ledger`, as it is typed: what it takes, and why it refuses."""

import time
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from classifier import artifact
from classifier.facts import Facts
from classifier.registry import PROMOTED, builtin
from router.cli.model import ModelError
from router.cli.train import train
from router.domain import Entry, Feedback
from router.errors import GearshiftError, LedgerError
from router.ledger.place import place
from router.ledger.store import Store
from router.ledger.upgrade import upgrade
from tests.commands import done, typed
from tests.ledgers import DAY_US, open_spool, said
from tests.registries import OLD, damage, good, keep
from tests.synthetic import examples, save_examples
from tests.traffic import asked

OWN = artifact.read_manifest(builtin()).version


def traffic(days_ago: float = 1, number: int = 24) -> list[Entry | Feedback]:
    """Questions with kept text, each with a caller's label."""
    start = time.time_ns() // 1_000 - int(days_ago * DAY_US)
    entries = [asked(n, f"Rename district {n} on the map.", label="easy") for n in range(number)]
    return [
        one
        for n, entry in enumerate(entries)
        for one in (replace(entry, at_us=start + n), said(n, at_us=start + n + 1, label="medium"))
    ]


def record(home: Path, *kept: Entry | Feedback) -> None:
    spool = open_spool(place(str(home)))
    for one in kept:
        spool.record(one)
    spool.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder with a few rows beside it."""
    save_examples(tmp_path / "rows.jsonl", examples(8, seed=31))
    return tmp_path


def training(home: Path, *words: str | Path) -> tuple[str | Path, ...]:
    return ("--from-ledger", "--data", home / "rows.jsonl", *words)


def versions(home: Path) -> set[str]:
    registry = home / "registry"
    return {path.name for path in registry.iterdir()} if registry.is_dir() else set()


def made(home: Path, *words: str | Path) -> Path:
    """The version that a training makes."""
    return Path(done(home, train, *training(home, *words)).stdout.strip())


def facts(version: Path) -> Facts:
    return msgspec.json.decode(artifact.read_text(version, artifact.FACTS), type=Facts)


def test_rows_of_the_ledger_train_beside_those_of_the_files(home: Path) -> None:
    record(home, *traffic())
    result = done(home, train, *training(home))
    version = Path(result.stdout.strip())
    assert result.stderr.splitlines()[0] == "24 rows from the ledger"
    assert "macro-F1 on held-out rows" in result.stderr
    learned = {source.name: source for source in facts(version).sources}
    assert set(learned) > {"source 0", "source 1", "traffic"}, "and what its base had learned"
    assert 12 <= learned["traffic"].rows < 24, "a tenth is kept for promotions"
    assert set(learned["traffic"].labels) == {"medium"}
    manifest = artifact.read_manifest(version)
    assert (manifest.version, manifest.parent) == (version.name, OWN)
    assert artifact.load(version).version == version.name


def test_no_prompt_of_the_ledger_stands_in_the_version(home: Path) -> None:
    """Versions are copied to buckets and to other machines; prompts are not ours to copy."""
    record(home, *traffic())
    for file in made(home).iterdir():
        assert b"on the map" not in file.read_bytes(), file


def test_the_same_ledger_and_data_are_not_trained_twice(home: Path) -> None:
    record(home, *traffic())
    day = time.gmtime().tm_yday
    first = made(home)
    before = {file: file.read_bytes() for file in first.iterdir()}
    again = typed(home, train, *training(home))
    if time.gmtime().tm_yday != day:
        pytest.skip("midnight came in between")
    assert isinstance(again.exception, ModelError)
    assert str(again.exception) == f"{first} is there already: the same data, code and day"
    assert versions(home) == {first.name}
    assert {file: file.read_bytes() for file in first.iterdir()} == before


def test_anything_new_in_the_ledger_makes_another_version(home: Path) -> None:
    record(home, *traffic())
    first = made(home)
    record(home, said(3, at_us=time.time_ns() // 1_000, label="hard"))
    thought_again = made(home)
    record(home, *traffic(days_ago=0.5, number=25)[-2:])
    asked_more = made(home)
    every = (first, thought_again, asked_more)
    assert versions(home) == {path.name for path in every}
    assert len({facts(path).data for path in every}) == 3


def test_since_bounds_what_it_learns_from(home: Path) -> None:
    record(home, *traffic(days_ago=10))
    late = done(home, train, *training(home, "--since", "30d"))
    assert "24 rows from the ledger" in late.stderr
    early = typed(home, train, *training(home, "--since", "3d"))
    assert isinstance(early.exception, ModelError)
    assert "teaches nothing yet" in str(early.exception)


def test_a_since_that_is_none_is_refused_with_what_is_accepted(home: Path) -> None:
    result = typed(home, train, *training(home, "--since", "lately"))
    assert result.exit_code == 2
    assert "--since" in result.output
    assert versions(home) == set()


def test_without_a_ledger_it_says_when_there_will_be_one(home: Path) -> None:
    result = typed(home, train, *training(home))
    assert isinstance(result.exception, LedgerError)
    assert "there is no ledger yet" in str(result.exception)
    assert "it begins with the first request" in str(result.exception)
    assert versions(home) == set()


def without_text(one: Entry | Feedback) -> Entry | Feedback:
    return replace(one, prompt=None, kept=None) if isinstance(one, Entry) else one


@pytest.mark.parametrize(
    "kept",
    [
        [],
        [without_text(one) for one in traffic()],
        [one for one in traffic() if isinstance(one, Entry)],
        [replace(one, simulated=True) for one in traffic() if isinstance(one, Entry)]
        + [said(n, opinion="bad") for n in range(24)],
    ],
    ids=["empty", "no prompt kept", "nothing said", "opinions of the sandbox"],
)
def test_a_ledger_that_teaches_nothing_says_what_it_lacks(
    home: Path, kept: list[Entry | Feedback]
) -> None:
    upgrade(place(str(home)))
    record(home, *kept)
    result = typed(home, train, *training(home, "--since", "365d"))
    assert isinstance(result.exception, ModelError)
    assert "`ledger.store_prompts`" in str(result.exception)
    assert "docs/feedback.md" in str(result.exception)
    assert len(str(result.exception).splitlines()) == 1
    assert versions(home) == set()


def test_prompts_whose_time_is_over_teach_no_longer(home: Path) -> None:
    record(home, *traffic(days_ago=10))
    assert "24 rows" in done(home, train, *training(home)).stderr
    store = Store(place(str(home)), "write")
    assert store.forget_prompts(time.time_ns() // 1_000) == 24
    store.close()
    result = typed(home, train, *training(home))
    assert "teaches nothing yet" in str(result.exception)


def test_it_builds_on_the_version_in_service_and_not_on_the_built_in_one(home: Path) -> None:
    record(home, *traffic())
    keep(home / "registry", good(OLD))
    (home / "registry" / PROMOTED).write_text(OLD)
    version = made(home)
    assert artifact.read_manifest(version).parent == OLD
    assert facts(version).base == OLD


def test_a_damaged_version_in_service_is_no_ground_to_build_on(home: Path) -> None:
    record(home, *traffic())
    damage(keep(home / "registry", good(OLD)))
    (home / "registry" / PROMOTED).write_text(OLD)
    result = typed(home, train, *training(home))
    assert isinstance(result.exception, GearshiftError)
    assert "arrays.safetensors does not match" in str(result.exception)
    assert versions(home) == {OLD, PROMOTED}
