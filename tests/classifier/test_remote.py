"""A registry behind a URL, through fsspec's own file systems: memory, and a folder by its URL."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from classifier import history
from classifier.artifact import MANIFEST, ArtifactError, load
from classifier.history import BUILTIN, HISTORY, RegistryError
from classifier.registry import PROMOTED, builtin, promote, resolve, rollback, versions
from classifier.remote import believe, fetch, locate, origin, publish, refresh, serving
from tests.registries import NEW, OLD, damage, good, keep


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    """A folder that is only ever spoken to by its URL."""
    return tmp_path / "bucket"


@pytest.fixture
def copies(tmp_path: Path) -> tuple[Path, Path]:
    """The copies of two machines."""
    url = f"file://{tmp_path / 'bucket'}"
    return locate(url, tmp_path / "one"), locate(f"{url}/", tmp_path / "other")


def test_a_folder_is_itself_and_nothing_is_fetched_or_sent(tmp_path: Path) -> None:
    registry = locate(str(tmp_path), tmp_path / "copies")
    keep(registry, good(NEW))
    promote(registry, registry / NEW)
    assert registry == tmp_path
    assert (origin(registry), serving(registry), refresh(registry)) == (None, NEW, ())
    fetch(registry, NEW)
    publish(registry, HISTORY, PROMOTED)
    assert not (tmp_path / "copies").exists()


def test_what_one_machine_promotes_another_fetches(copies: tuple[Path, Path]) -> None:
    one, other = copies
    keep(one, good(OLD))
    keep(one, good(NEW))
    promote(one, one / NEW)
    publish(one, HISTORY, PROMOTED)
    assert serving(other) == NEW
    fetch(other, serving(other))
    assert resolve(other) == builtin(), "it has not proved itself yet"
    believe(other, NEW)
    assert resolve(other) == other / NEW
    assert load(other / NEW).version == NEW
    assert not (other / OLD).exists(), "what does not serve is not fetched"


def test_what_is_fallen_back_to_is_fetched_too(copies: tuple[Path, Path], bucket: Path) -> None:
    one, other = copies
    for version in (OLD, NEW):
        promote(one, keep(one, good(version)))
    publish(one, HISTORY, PROMOTED)
    damage(bucket / NEW)
    with pytest.raises(ArtifactError):
        fetch(other, serving(other))
    assert history.read(other) == history.read(one)
    assert load(other / OLD).version == OLD


def test_workers_that_fetch_the_same_at_once_all_have_it(copies: tuple[Path, Path]) -> None:
    one, other = copies
    promote(one, keep(one, good(NEW)))
    publish(one, HISTORY, PROMOTED)
    together = Barrier(8)

    def work(_: int) -> None:
        together.wait()
        fetch(other, NEW)

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(work, range(8)))
    assert [path.name for path in other.iterdir() if path.is_dir()] == [NEW]


def test_a_folder_that_holds_another_version_is_not_taken(
    copies: tuple[Path, Path], bucket: Path
) -> None:
    one, other = copies
    keep(one, good(NEW))
    publish(one)
    (bucket / NEW).rename(bucket / OLD)
    with pytest.raises(ArtifactError, match=f"{OLD} holds another version, {NEW}"):
        fetch(other, OLD)


def test_a_refresh_brings_every_version_and_the_history(copies: tuple[Path, Path]) -> None:
    one, other = copies
    keep(one, good(OLD))
    keep(one, good(NEW))
    promote(one, one / OLD)
    promote(one, one / NEW)
    publish(one, HISTORY, PROMOTED)
    assert refresh(other) == ()
    assert [listed.version for listed in versions(other) if listed.serving] == [NEW]
    assert history.read(other) == history.read(one)
    rollback(other)
    publish(other, HISTORY, PROMOTED)
    assert serving(one) == OLD
    refresh(one)
    assert [event.action for event in history.read(one)] == ["promote", "promote", "rollback"]


def test_versions_alone_can_be_sent_and_leave_what_serves(copies: tuple[Path, Path]) -> None:
    one, other = copies
    keep(one, good(NEW))
    (one / PROMOTED).write_text(NEW)  # what this copy believes is nobody else's business
    publish(one)
    assert serving(other) == BUILTIN
    refresh(other)
    assert (other / NEW / MANIFEST).is_file()


def test_a_registry_that_is_not_there_yet_is_an_empty_one(copies: tuple[Path, Path]) -> None:
    one, _ = copies
    assert refresh(one) == ()
    assert serving(one) == BUILTIN
    fetch(one, BUILTIN)
    assert resolve(one) == builtin()


def test_a_version_that_arrives_damaged_does_not_arrive(
    copies: tuple[Path, Path], bucket: Path
) -> None:
    one, other = copies
    keep(one, good(NEW))
    promote(one, one / NEW)
    publish(one, HISTORY, PROMOTED)
    damage(bucket / NEW)
    with pytest.raises(ArtifactError, match=r"arrays\.safetensors does not match its digest"):
        fetch(other, NEW)
    (fault,) = refresh(other)
    assert NEW in fault
    assert [path.name for path in other.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("name", ["20200101-00000000", "../bucket", "..", "a/b"])
def test_a_marker_that_names_no_version_is_told_and_changes_nothing(
    copies: tuple[Path, Path], bucket: Path, name: str
) -> None:
    one, other = copies
    keep(one, good(NEW))
    promote(one, one / NEW)
    publish(one, HISTORY, PROMOTED)
    fetch(other, NEW)
    believe(other, NEW)
    (bucket / PROMOTED).write_text(name)
    assert serving(other) == name
    with pytest.raises(ArtifactError):
        fetch(other, name)
    assert resolve(other) == other / NEW


def test_a_marker_that_is_empty_while_it_is_written_changes_nothing(
    copies: tuple[Path, Path], bucket: Path
) -> None:
    one, _ = copies
    keep(one, good(NEW))
    promote(one, one / NEW)
    publish(one, HISTORY, PROMOTED)
    (bucket / PROMOTED).write_bytes(b"")
    assert serving(one) == NEW


def test_a_store_in_memory_does_as_well(tmp_path: Path) -> None:
    one, other = (locate("memory://shelf/models", tmp_path / name) for name in ("one", "other"))
    keep(one, good(NEW))
    promote(one, one / NEW)
    publish(one, HISTORY, PROMOTED)
    refresh(other)
    assert load(resolve(other)).version == NEW


def test_a_store_that_cannot_be_reached_is_told_by_its_url(
    copies: tuple[Path, Path], bucket: Path
) -> None:
    one, _ = copies
    keep(one, good(NEW))
    bucket.write_text("a file where the folder would be")
    with pytest.raises(RegistryError, match=r"the registry at file://.* cannot be reached"):
        serving(one)
    with pytest.raises(RegistryError, match="cannot be reached"):
        publish(one)


def test_a_copy_outlives_its_origin(copies: tuple[Path, Path], bucket: Path) -> None:
    one, other = copies
    keep(one, good(NEW))
    promote(one, one / NEW)
    publish(one, HISTORY, PROMOTED)
    fetch(other, NEW)
    believe(other, NEW)
    shutil.rmtree(bucket)
    assert load(resolve(other)).version == NEW


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nonsense://bucket", "cannot be reached"),
        ("gs://bucket/models", "make setup EXTRAS=registry"),
        ("s3://user:pass@bucket", "holds credentials"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_at_once(tmp_path: Path, url: str, why: str) -> None:
    with pytest.raises(RegistryError, match=why) as caught:
        locate(url, tmp_path)
    assert "pass" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
