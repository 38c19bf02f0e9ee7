"""Which version serves, and which others there are."""

import shutil
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from classifier import artifact, history
from classifier.artifact import ArtifactError, load, read_manifest
from classifier.history import BUILTIN, RegistryError
from classifier.registry import (
    PROMOTED,
    builtin,
    find,
    promote,
    promoted,
    replace,
    resolve,
    rollback,
    two_stage,
    versions,
)
from classifier.types import Version
from tests.registries import damage

OLDER, NEWER = Version("20200101-aaaaaaaa"), Version("20990101-bbbbbbbb")


def place(registry: Path, version: Version) -> Path:
    """The built-in model under another version."""
    path = shutil.copytree(builtin(), registry / version)
    renamed = msgspec.structs.replace(read_manifest(path), version=version, seal="")
    sealed = msgspec.structs.replace(renamed, seal=artifact._seal(renamed))
    (path / artifact.MANIFEST).write_bytes(msgspec.json.encode(sealed))
    return path


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    place(tmp_path, NEWER)
    place(tmp_path, OLDER)
    return tmp_path


def test_the_built_in_model_loads_and_serves_where_nothing_is_promoted(tmp_path: Path) -> None:
    assert load(builtin()).version == read_manifest(builtin()).version
    assert resolve(None) == resolve(tmp_path) == resolve(tmp_path / "nowhere") == builtin()


def test_a_trained_version_does_not_serve_by_itself(registry: Path) -> None:
    assert resolve(registry) == builtin()


def test_the_promoted_version_serves(registry: Path) -> None:
    (registry / PROMOTED).write_text(f"{OLDER}\n")
    assert resolve(registry) == registry / OLDER
    assert load(resolve(registry)).version == OLDER


@pytest.mark.parametrize("name", ["", "20210101-cccccccc", "..", "../elsewhere", "/etc"])
def test_a_promoted_version_that_is_not_there_is_named(registry: Path, name: str) -> None:
    (registry / PROMOTED).write_text(name)
    with pytest.raises(ArtifactError, match=r"is not in .*gearshift models list"):
        resolve(registry)


def test_versions_are_listed_oldest_first(registry: Path) -> None:
    (registry / PROMOTED).write_text(NEWER)
    (registry / ".20250101-dddddddd.part").mkdir()
    listed = versions(registry)
    own = sorted(read_manifest(folder).version for folder in (builtin(), two_stage()))
    assert [one.version for one in listed] == [OLDER, *own, NEWER]
    assert [one.version for one in listed if one.builtin] == own
    assert [one.version for one in listed if one.serving] == [NEWER]


def test_a_damaged_version_is_listed_and_hides_no_other(registry: Path) -> None:
    (registry / OLDER / artifact.MANIFEST).write_text("{}")
    (registry / PROMOTED).write_text("20210101-cccccccc")
    first, *others = versions(registry)
    assert first.version == OLDER
    assert first.damage
    assert artifact.MANIFEST in first.damage
    assert [one.damage for one in others] == [None] * 3
    assert not any(one.serving for one in (first, *others))


def test_without_a_registry_there_are_those_that_ship() -> None:
    listed = versions(None)
    assert {one.path for one in listed if one.builtin} == {builtin(), two_stage()}
    assert [one.path for one in listed if one.serving] == [builtin()]


def test_the_one_with_two_stages_is_promoted_by_its_name_and_is_the_other_ones_child(
    registry: Path,
) -> None:
    assert find(registry, "two-stage") == two_stage()
    assert promote(registry, two_stage()).version == promoted(registry) == "two-stage"
    assert resolve(registry) == two_stage()
    assert [one.path for one in versions(registry) if one.serving] == [two_stage()]
    assert read_manifest(two_stage()).parent == read_manifest(builtin()).version
    assert load(two_stage()).encoder
    assert load(builtin()).encoder is None
    rollback(registry)
    assert resolve(registry) == builtin()


def test_a_second_stage_without_its_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ArtifactError, match="needs onnxruntime: make setup EXTRAS=second"):
        load(two_stage())
    assert load(builtin())


def test_a_version_is_found_by_name_beginning_or_as_built_in(registry: Path) -> None:
    assert find(registry, OLDER) == registry / OLDER
    assert find(registry, "2099") == registry / NEWER
    assert find(registry, "builtin") == builtin()


@pytest.mark.parametrize(("name", "why"), [("20", "one version only"), ("1999", "not a known")])
def test_a_name_that_is_not_one_version_is_refused(registry: Path, name: str, why: str) -> None:
    with pytest.raises(ArtifactError, match=rf"{why}.*{OLDER}"):
        find(registry, name)


def test_promoting_changes_the_marker_and_is_recorded(registry: Path) -> None:
    made = promote(registry, registry / NEWER, comparison=b'{"rows":3}', forced=True)
    assert resolve(registry) == registry / NEWER
    (event,) = history.read(registry)
    assert (event.action, event.version, event.before) == ("promote", NEWER, BUILTIN)
    assert (event.forced, bytes(event.comparison)) == (True, b'{"rows":3}')
    assert event.at == made.at


def test_rolling_back_leads_to_the_built_in_model_and_then_no_further(registry: Path) -> None:
    promote(registry, registry / OLDER)
    promote(registry, registry / NEWER)
    assert rollback(registry).version == OLDER
    assert resolve(registry) == registry / OLDER
    assert rollback(registry).version == BUILTIN
    assert resolve(registry) == builtin()
    with pytest.raises(RegistryError, match="nothing served before builtin"):
        rollback(registry)
    assert [event.action for event in history.read(registry)] == ["promote"] * 2 + ["rollback"] * 2


def test_the_built_in_model_can_be_promoted_by_name(registry: Path) -> None:
    promote(registry, registry / OLDER)
    promote(registry, find(registry, "builtin"))
    assert (registry / PROMOTED).read_text() == "builtin\n"
    assert resolve(registry) == builtin()
    assert rollback(registry).version == OLDER


def test_a_damaged_version_is_neither_promoted_nor_gone_back_to(registry: Path) -> None:
    promote(registry, registry / OLDER)
    promote(registry, registry / NEWER)
    damage(registry / OLDER)
    with pytest.raises(ArtifactError, match=r"arrays\.safetensors does not match"):
        promote(registry, registry / OLDER)
    with pytest.raises(ArtifactError, match=f"{OLDER} served before, but cannot now"):
        rollback(registry)
    assert resolve(registry) == registry / NEWER
    assert len(history.read(registry)) == 2


def test_the_marker_is_never_half_written(registry: Path) -> None:
    """A reader at any moment finds one version or the other, and no draft stays behind."""
    names = [OLDER, NEWER] * 200
    seen: set[str] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(promoted(registry))

    replace(registry / PROMOTED, OLDER.encode())
    reader = threading.Thread(target=read)
    reader.start()
    for name in names:
        replace(registry / PROMOTED, f"{name}\n".encode())
    done.set()
    reader.join()
    assert seen <= {OLDER, NEWER}
    assert not list(registry.glob("*.part"))
    assert not list(registry.glob(".*.part"))


def test_a_marker_that_is_no_text_is_named(registry: Path) -> None:
    (registry / PROMOTED).write_bytes(b"\xff\xfe")
    with pytest.raises(ArtifactError, match="promoted cannot be read"):
        resolve(registry)


def test_a_registry_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="promoted cannot be written"):
        replace(tmp_path / "nowhere" / PROMOTED, b"x")
