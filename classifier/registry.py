"""Versions of the model: those that ship, and those trained here, of which one may be promoted.

A registry is a folder: a folder for each version, which nothing changes, the marker that names the
one in service, and the history of the marker.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from threading import get_ident
from typing import Final

import msgspec

from classifier import history
from classifier.artifact import MANIFEST, ArtifactError, is_plain, load, read_manifest
from classifier.history import BUILTIN, TWO_STAGE, Event, RegistryError
from classifier.types import Version

PROMOTED: Final = "promoted"
"""File in the registry that names the version in service, or one of SHIPPED; none: `builtin`."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One version that could serve."""

    version: Version
    path: Path
    builtin: bool
    """Whether it ships with the package."""
    serving: bool
    damage: str | None = None
    """Why it cannot be loaded; none as far as its manifest tells."""


def builtin() -> Path:
    """Folder of the model that ships with the package and serves where none is promoted."""
    return Path(__file__).parent / BUILTIN


def two_stage() -> Path:
    """Folder of the one that ships beside it: the same heads, and a second stage."""
    return Path(__file__).parent / TWO_STAGE


def promoted(registry: Path | None) -> str:
    """What the marker says serves: the name of a version's folder, or `builtin`.

    Raises ArtifactError where it cannot be read.
    """
    if registry is None:
        return BUILTIN
    try:
        return (registry / PROMOTED).read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return BUILTIN
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{registry / PROMOTED} cannot be read: {error}") from error


def resolve(registry: Path | None) -> Path:
    """Folder of the version in service: the promoted one, else the built-in one.

    Raises ArtifactError where the promoted version is not there.
    """
    return folder_of(registry, promoted(registry))


def folder_of(registry: Path | None, name: str) -> Path:
    """Folder of what the marker calls `name`. Raises ArtifactError where it is not there."""
    if name == TWO_STAGE:
        return two_stage()
    if registry is None or name == BUILTIN:
        return builtin()
    if not _is_version(registry, name):
        msg = (
            f"version {name!r} is not in {registry}. Choose another with `gearshift models "
            "promote`; `gearshift models list` names them"
        )
        raise ArtifactError(msg)
    return registry / name


def promote(
    registry: Path, path: Path, *, comparison: bytes = b"null", forced: bool = False
) -> Event:
    """Let the version in folder `path` serve from now on, once it has loaded.

    `comparison` is JSON for the history. Raises ArtifactError and RegistryError.
    """
    load(path)
    event = Event(
        at=datetime.now(UTC),
        action="promote",
        version=path.name,
        before=promoted(registry),
        forced=forced,
        comparison=msgspec.Raw(comparison),
    )
    return _change(registry, event)


def rollback(registry: Path) -> Event:
    """Let the version serve that served before, once it has loaded.

    Raises ArtifactError and RegistryError.
    """
    now = promoted(registry)
    before = history.served(history.read(registry), now)
    if not before:
        raise RegistryError(f"nothing served before {now}: there is no way further back")
    try:
        load(folder_of(registry, before[-1]))
    except ArtifactError as error:
        raise ArtifactError(f"{before[-1]} served before, but cannot now: {error}") from error
    event = Event(at=datetime.now(UTC), action="rollback", version=before[-1], before=now)
    return _change(registry, event)


def _change(registry: Path, event: Event) -> Event:
    """Record first, then change: nothing ever serves that is not in the history."""
    history.append(registry, event)
    replace(registry / PROMOTED, f"{event.version}\n".encode())
    return event


def replace(file: Path, data: bytes) -> None:
    """Write `file` at one stroke: who reads it meanwhile sees the old bytes or the new ones.

    Raises RegistryError.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}.{get_ident()}.part")
    try:
        with draft.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
        parent = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
    except OSError as error:
        raise RegistryError(f"{file} cannot be written: {error.strerror}") from error


def find(registry: Path | None, version: str) -> Path:
    """Folder of `version`; a name of SHIPPED or a unique beginning do. Raises ArtifactError."""
    every = versions(registry)
    fitting = [v for v in every if v.version == version or (v.builtin and v.path.name == version)]
    fitting = fitting or [v for v in every if version and v.version.startswith(version)]
    if len({v.version for v in fitting}) != 1:
        what = "is not the beginning of one version only" if fitting else "is not a known version"
        known = ", ".join(v.version for v in every)
        msg = f"{version!r} {what}; known: {known}"
        raise ArtifactError(msg)
    return fitting[0].path


def versions(registry: Path | None) -> tuple[Listed, ...]:
    """Every version, oldest first, damaged ones too."""
    folders = [builtin(), two_stage()]
    if registry is not None and registry.is_dir():
        folders += sorted(path.parent for path in registry.glob(f"[0-9]*/{MANIFEST}"))
    try:
        serving = resolve(registry)
    except ArtifactError:  # what is promoted is not there: nothing serves
        serving = None
    listed = [_list(folder, serving) for folder in folders]
    return tuple(sorted(listed, key=lambda one: (one.version, one.path)))


def _list(folder: Path, serving: Path | None) -> Listed:
    version, damage = Version(folder.name), None
    try:
        version = read_manifest(folder).version
    except ArtifactError as error:
        damage = str(error)
    return Listed(
        version=version,
        path=folder,
        builtin=folder in (builtin(), two_stage()),
        serving=folder == serving,
        damage=damage,
    )


def _is_version(registry: Path, version: str) -> bool:
    """Whether the name stays inside the registry and leads to a manifest."""
    return is_plain(version) and (registry / version / MANIFEST).is_file()
