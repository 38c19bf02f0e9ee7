"""Versions of the model: the built-in one, and those trained here, of which one may be promoted."""

from pathlib import Path
from typing import Final

import msgspec

from classifier.artifact import MANIFEST, ArtifactError, read_manifest
from classifier.types import Version

PROMOTED: Final = "promoted"
"""File in the registry that holds the version in service; none: the built-in one serves."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One version that could serve."""

    version: Version
    path: Path
    builtin: bool
    serving: bool
    damage: str | None = None
    """Why it cannot be loaded; none as far as its manifest tells."""


def builtin() -> Path:
    """Folder of the model that ships with the package."""
    return Path(__file__).parent / "builtin"


def resolve(registry: Path | None) -> Path:
    """Folder of the version in service: the promoted one, else the built-in one.

    Raises ArtifactError where the promoted version is not there.
    """
    marker = None if registry is None else registry / PROMOTED
    if registry is None or marker is None or not marker.is_file():
        return builtin()
    version = marker.read_text().strip()
    if not _is_version(registry, version):
        msg = (
            f"{marker} names version {version!r}, which is not in {registry}. "
            "Remove the file to serve the built-in model, or name one of: gearshift models list"
        )
        raise ArtifactError(msg)
    return registry / version


def find(registry: Path | None, version: str) -> Path:
    """Folder of `version`; `builtin` and a unique beginning will do. Raises ArtifactError."""
    every = versions(registry)
    fitting = [v for v in every if v.version == version or (version == "builtin" and v.builtin)]
    fitting = fitting or [v for v in every if version and v.version.startswith(version)]
    if len({v.version for v in fitting}) != 1:
        what = "is not the beginning of one version only" if fitting else "is not a known version"
        known = ", ".join(v.version for v in every)
        msg = f"{version!r} {what}; known: {known}"
        raise ArtifactError(msg)
    return fitting[0].path


def versions(registry: Path | None) -> tuple[Listed, ...]:
    """Every version, oldest first, damaged ones too."""
    folders = [builtin()]
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
        builtin=folder == builtin(),
        serving=folder == serving,
        damage=damage,
    )


def _is_version(registry: Path, version: str) -> bool:
    """Whether the name stays inside the registry and leads to a manifest."""
    plain = version not in {"", ".", ".."} and Path(version).name == version
    return plain and (registry / version / MANIFEST).is_file()
