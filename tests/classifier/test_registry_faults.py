"""Registries that are damaged, shared and changed by hand: told in a line, never half changed."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from fsspec import AbstractFileSystem, register_implementation
from hypothesis import given
from hypothesis import strategies as st

from classifier import history
from classifier.artifact import ARRAYS, MANIFEST, ArtifactError, is_plain, load
from classifier.history import BUILTIN, HISTORY, Event, RegistryError, served
from classifier.registry import (
    PROMOTED,
    builtin,
    find,
    folder_of,
    promote,
    promoted,
    resolve,
    rollback,
    versions,
)
from classifier.remote import believe, fetch, locate, origin, publish, refresh, serving
from tests.registries import BAD, NEW, OLD, good, keep


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """Two versions, the newer in service."""
    for version in (OLD, NEW):
        keep(tmp_path, good(version))
        promote(tmp_path, tmp_path / version)
    return tmp_path


@pytest.mark.parametrize("name", ["x" * 256, "é" * 200, "a\0b", "a/b", "./a", "a/", ".", " \n"])
def test_a_marker_that_can_name_no_folder_is_told_like_any_other(registry: Path, name: str) -> None:
    (registry / PROMOTED).write_text(name)
    with pytest.raises(ArtifactError, match="gearshift models list"):
        resolve(registry)
    assert [one.serving for one in versions(registry)] == [False] * 4
    assert promote(registry, registry / OLD).before == name.strip()
    assert resolve(registry) == registry / OLD


def test_a_name_of_the_greatest_length_is_only_not_there(registry: Path) -> None:
    assert is_plain("x" * 255)
    assert not is_plain("x" * 256)
    with pytest.raises(ArtifactError, match="is not in"):
        folder_of(registry, "x" * 255)


def test_no_name_finds_no_version(registry: Path) -> None:
    with pytest.raises(ArtifactError, match="'' is not a known version"):
        find(registry, "")


def test_a_promotion_that_fails_leaves_marker_and_history_as_they_were(registry: Path) -> None:
    before = {name: (registry / name).read_bytes() for name in (PROMOTED, HISTORY)}
    for path in (registry / "20200101-00000000", registry / PROMOTED):
        with pytest.raises(ArtifactError):
            promote(registry, path)
    assert {name: (registry / name).read_bytes() for name in before} == before


def test_a_history_that_cannot_be_written_changes_nothing(registry: Path) -> None:
    (registry / HISTORY).unlink()
    (registry / HISTORY).mkdir()
    with pytest.raises(RegistryError, match="cannot be written"):
        promote(registry, registry / OLD)
    assert promoted(registry) == NEW


def test_a_version_that_was_deleted_cannot_be_gone_back_to(registry: Path) -> None:
    shutil.rmtree(registry / OLD)
    with pytest.raises(ArtifactError, match=f"{OLD} served before, but cannot now"):
        rollback(registry)
    assert resolve(registry) == registry / NEW


def test_after_a_marker_set_by_hand_one_goes_back_to_what_was_recorded(registry: Path) -> None:
    (registry / PROMOTED).write_text(BUILTIN)
    with pytest.raises(RegistryError, match="nothing served before builtin"):
        rollback(registry)
    keep(registry, good(BAD))
    (registry / PROMOTED).write_text(BAD)
    assert rollback(registry).version == NEW
    assert rollback(registry).version == OLD


@pytest.mark.parametrize("line", [b"", b"{}", b"[" * 100_000, b"\xff", b'{"at": "soon"}'])
def test_a_history_with_a_damaged_line_is_named_and_what_serves_stays(
    registry: Path, line: bytes
) -> None:
    with (registry / HISTORY).open("ab") as lines:
        lines.write(line + b"\n")
    with pytest.raises(RegistryError, match=r"history\.jsonl, line 3: "):
        rollback(registry)
    assert resolve(registry) == registry / NEW


def event(action: Any, version: str, before: str) -> Event:
    return Event(at=datetime.now(UTC), action=action, version=version, before=before)


def test_events_of_many_writers_are_whole_lines(tmp_path: Path) -> None:
    made = [event("promote", f"{number:03}" * 3_000, BUILTIN) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: history.append(tmp_path, one), made))
    assert sorted(one.version for one in history.read(tmp_path)) == [one.version for one in made]


EVENTS = st.builds(
    event,
    st.sampled_from(["promote", "rollback"]),
    st.sampled_from(["a", "b", BUILTIN]),
    st.sampled_from(["a", "b", BUILTIN, "x"]),
)


@given(st.lists(EVENTS, max_size=10), st.sampled_from(["a", "b", "x", "new", BUILTIN]))
def test_whatever_was_recorded_the_way_back_is_finite_and_leads_elsewhere(
    events: list[Event], now: str
) -> None:
    """Histories may be merged or written by hand; going back must still end."""
    way = served(events, now)
    assert len(way) <= 2 * len(events) + 1
    while way:
        assert way[-1] != now
        events = [*events, event("rollback", way[-1], now)]
        now, before = way[-1], way
        way = served(events, now)
        assert way == before[:-1]


def test_promoting_what_serves_already_adds_nothing_to_go_back_to(registry: Path) -> None:
    promote(registry, registry / NEW)
    assert rollback(registry).version == OLD


def test_going_back_from_a_marker_set_by_hand_never_leads_there_again() -> None:
    events = [event("promote", v, b) for v, b in zip("abac", [BUILTIN, *"aba"], strict=True)]
    assert served(events, "b") == [BUILTIN, "a"]
    assert served([*events, event("rollback", "a", "b")], "a") == [BUILTIN]


class Overtaken(AbstractFileSystem):  # type: ignore[misc]
    """A store so slow that another worker brings the version before this one has all of it."""

    protocol = "overtaken"
    copy: ClassVar[Path]

    def cat_file(self, path: str, **_: Any) -> bytes:
        file = Path(path)
        if file.name == ARRAYS:
            shutil.copytree(file.parent, self.copy / NEW)
        return file.read_bytes()


def test_two_workers_that_fetch_the_same_version_both_have_it(tmp_path: Path) -> None:
    register_implementation("overtaken", Overtaken, clobber=True)
    keep(tmp_path / "store", good(NEW))
    copy = locate(f"overtaken://{tmp_path / 'store'}", tmp_path / "copies")
    Overtaken.copy = copy
    fetch(copy, NEW)
    believe(copy, NEW)
    assert load(resolve(copy)).version == NEW
    assert [path.name for path in copy.iterdir() if path.is_dir()] == [NEW]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy that has fetched nothing, of an origin with one version in service."""
    url = f"file://{tmp_path / 'bucket'}"
    first = locate(url, tmp_path / "first")
    keep(first, good(NEW))
    promote(first, first / NEW)
    publish(first, HISTORY, PROMOTED)
    return locate(url, tmp_path / "second")


@pytest.mark.parametrize("folder", [True, False])
def test_what_stands_where_a_version_belongs_is_named(copy: Path, folder: bool) -> None:
    if folder:
        (copy / NEW).mkdir()
        (copy / NEW / "notes.txt").write_text("mine")
    else:
        (copy / NEW).write_text("mine")
    with pytest.raises(ArtifactError, match=f"{NEW} cannot be written"):
        fetch(copy, NEW)
    assert promoted(copy) == BUILTIN
    assert resolve(copy) == builtin()
    assert not list(copy.glob(f".{NEW}*"))


def test_a_version_without_one_of_its_files_does_not_arrive(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "bucket" / NEW / ARRAYS).unlink()
    with pytest.raises(ArtifactError, match=rf"{NEW}/{ARRAYS} is not there"):
        fetch(copy, NEW)
    assert refresh(copy)[0].endswith(f"{NEW}/{ARRAYS} is not there")
    assert not (copy / NEW).exists()


def test_a_manifest_that_was_changed_does_not_arrive_and_is_named_where_it_lies(
    copy: Path, tmp_path: Path
) -> None:
    manifest = tmp_path / "bucket" / NEW / MANIFEST
    manifest.write_bytes(manifest.read_bytes().replace(b'"needs_info"', b'"need"'))
    with pytest.raises(ArtifactError) as caught:
        fetch(copy, NEW)
    assert f"{tmp_path / 'bucket' / NEW / MANIFEST} " in str(caught.value)
    assert not (copy / NEW).exists()


def test_a_marker_and_history_that_are_gone_at_the_origin_go_here_too(
    copy: Path, tmp_path: Path
) -> None:
    refresh(copy)
    assert (promoted(copy), len(history.read(copy))) == (NEW, 1)
    for name in (PROMOTED, HISTORY):
        (tmp_path / "bucket" / name).unlink()
    refresh(copy)
    assert (serving(copy), promoted(copy), history.read(copy)) == (BUILTIN, BUILTIN, [])
    assert (copy / NEW / MANIFEST).is_file(), "versions stay"


def test_what_was_published_is_not_sent_again(copy: Path, tmp_path: Path) -> None:
    refresh(copy)
    there = tmp_path / "bucket" / NEW / ARRAYS
    before = there.stat().st_mtime_ns
    publish(copy, HISTORY, PROMOTED)
    assert there.stat().st_mtime_ns == before


def test_urls_have_copies_of_their_own_and_keep_them(tmp_path: Path) -> None:
    one, other = (locate(f"memory://{name}", tmp_path) for name in ("one", "other"))
    assert one != other
    assert (origin(one), origin(other)) == ("memory://one", "memory://other")
    assert locate("memory://one/", tmp_path) == one
    assert origin(None) is None
    assert origin(tmp_path / "nowhere") is None


def test_copies_that_cannot_be_made_are_named(tmp_path: Path) -> None:
    (tmp_path / "copies").write_text("a file where the folder would be")
    with pytest.raises(RegistryError, match="cannot be made"):
        locate("memory://shelf", tmp_path / "copies")
