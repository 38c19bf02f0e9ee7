"""A registry behind a URL (s3://, gs://, …), worked on through a copy of it in a folder.

The copy is a registry like any other, so whatever reads one reads this one too. It knows where it
was copied from: `refresh` and `fetch` bring news from there, `publish` sends them. Versions never
change, so each is copied once, and it is whole or not there.

fsspec does the talking; it comes with the extra `registry`, and is not imported before it is used.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from classifier.artifact import MANIFEST, ArtifactError, is_plain, read_manifest
from classifier.history import BUILTIN, HISTORY, SHIPPED, RegistryError, read, served
from classifier.registry import PROMOTED, promoted, replace

ORIGIN: Final = "origin"
"""File in a copy that holds the URL it was copied from."""

_OPTIONS: Final[dict[str, dict[str, object]]] = {
    "s3": {"config_kwargs": {"connect_timeout": 5, "read_timeout": 20}},
    "file": {"auto_mkdir": True},
}
"""What is asked of a file system beyond its defaults: botocore's would wait for minutes."""


class _Files(Protocol):
    """The part of fsspec's file systems that is used."""

    def cat_file(self, path: str) -> bytes:
        """A file's bytes."""

    def pipe_file(self, path: str, value: bytes) -> None:
        """Write a file."""

    def exists(self, path: str) -> bool:
        """Whether something is there."""

    def glob(self, path: str) -> list[str]:
        """Paths that fit a pattern."""


def locate(place: str, copies: Path) -> Path:
    """The folder of the registry at `place`: itself, or, for a URL, its copy below `copies`.

    Nothing is fetched. Raises RegistryError where the library that the URL needs is missing.
    """
    if "://" not in place:
        return Path(place)
    url = place.rstrip("/")
    if "@" in urlsplit(url).netloc:
        raise RegistryError("the registry's URL holds credentials; they belong in the environment")
    with _told(url):
        _open(url)
    copy = copies / hashlib.blake2b(url.encode(), digest_size=8).hexdigest()
    if not (copy / ORIGIN).is_file():
        try:
            copy.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RegistryError(f"{copy} cannot be made: {error.strerror}") from error
        replace(copy / ORIGIN, url.encode())
    return copy


def origin(registry: Path | None) -> str | None:
    """The URL that `registry` is a copy of; none for a registry of its own."""
    try:
        return None if registry is None else (registry / ORIGIN).read_text()
    except (FileNotFoundError, NotADirectoryError):
        return None


def serving(registry: Path) -> str:
    """What the marker says, at the origin of a copy: a version, or `builtin`.

    Raises RegistryError where the URL cannot be reached, ArtifactError where the marker is no text.
    """
    url = origin(registry)
    if url is None:
        return promoted(registry)
    with _told(url):
        files, root = _open(url)
        marker = _read(files, f"{root}/{PROMOTED}")
    # On a disk it is empty for a moment while it is written: then what was said before holds.
    return BUILTIN if marker is None else _text(marker) or promoted(registry)


def fetch(registry: Path, name: str) -> None:
    """Bring the version that the origin's marker calls `name` into a copy.

    With it comes what to fall back to: the history, and the version that served before.
    Nothing for a registry of its own. Raises RegistryError where the URL cannot be reached, and
    ArtifactError where the version is not there or arrives damaged.
    """
    url = origin(registry)
    if url is None:
        return
    with _told(url):
        files, root = _open(url)
        _mirror(files, root, registry, HISTORY)
        with suppress(ArtifactError, RegistryError):
            for before in served(read(registry), name)[-1:]:
                _fetch(files, root, registry, before)
        _fetch(files, root, registry, name)


def believe(registry: Path, name: str) -> None:
    """Let the marker of a copy name `name`, which has proved itself here: a restart begins there.

    Nothing for a registry of its own. Raises RegistryError and ArtifactError.
    """
    if origin(registry) is not None and name != promoted(registry):
        replace(registry / PROMOTED, f"{name}\n".encode())


def refresh(registry: Path) -> tuple[str, ...]:
    """Bring a copy up to date, every version and the history; gives back what could not be copied.

    Raises RegistryError.
    """
    url = origin(registry)
    if url is None:
        return ()
    faults = []
    with _told(url):
        files, root = _open(url)
        for name in (PROMOTED, HISTORY):
            _mirror(files, root, registry, name)
        for manifest in files.glob(f"{root}/[0-9]*/{MANIFEST}"):
            version = manifest.rstrip("/").rsplit("/", 2)[1]
            try:
                _fetch(files, root, registry, version)
            except ArtifactError as error:
                faults.append(str(error))
    return tuple(faults)


def publish(registry: Path, *names: str) -> None:
    """Send the versions that a copy has and its origin has not, then the files `names`.

    HISTORY and PROMOTED are sent by whoever changed them, and the marker last: who follows it must
    find its version. Nothing for a registry of its own. Raises RegistryError and ArtifactError.
    """
    url = origin(registry)
    if url is None:
        return
    with _told(url):
        files, root = _open(url)
        for manifest in sorted(registry.glob(f"[0-9]*/{MANIFEST}")):
            _send(files, manifest.parent, f"{root}/{manifest.parent.name}")
        for name in names:
            files.pipe_file(f"{root}/{name}", (registry / name).read_bytes())


def _mirror(files: _Files, root: str, registry: Path, name: str) -> None:
    """Let file `name` of a copy be as it is at the origin, or not be. Raises RegistryError."""
    data = _read(files, f"{root}/{name}")
    if data is None:
        (registry / name).unlink(missing_ok=True)
    else:
        replace(registry / name, data)


def _fetch(files: _Files, root: str, registry: Path, version: str) -> None:
    """Copy a version, checked against its manifest. Raises ArtifactError."""
    if version in SHIPPED:
        return
    there, here = f"{root}/{version}", registry / version
    if not is_plain(version):
        raise ArtifactError(f"{root}/{PROMOTED} names {version!r}, which is no version")
    if (here / MANIFEST).is_file():
        return
    draft = Path(tempfile.mkdtemp(prefix=f".{version}.", dir=registry))
    try:
        _copy(files, there, draft, version)
        _settle(draft, here)
    except ArtifactError as error:
        raise ArtifactError(str(error).replace(str(draft), there)) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _settle(draft: Path, here: Path) -> None:
    """Put a whole version into its place. Raises ArtifactError where something else is there."""
    try:
        draft.rename(here)
    except OSError as error:
        if not (here / MANIFEST).is_file():  # else another worker was quicker
            raise ArtifactError(f"{here} cannot be written: {error.strerror}") from error


def _copy(files: _Files, there: str, draft: Path, version: str) -> None:
    """Every file of a version, checked, into a folder of its own. Raises ArtifactError."""
    (draft / MANIFEST).write_bytes(_wanted(files, f"{there}/{MANIFEST}"))
    manifest = read_manifest(draft)
    if manifest.version != version:
        raise ArtifactError(f"{there} holds another version, {manifest.version}")
    for name, digest in manifest.files.items():
        data = _wanted(files, f"{there}/{name}")
        if hashlib.sha256(data).hexdigest() != digest:
            raise ArtifactError(f"{there}/{name} does not match its digest in the manifest")
        (draft / name).write_bytes(data)
    draft.chmod(0o755)  # mkdtemp's own is for one user only


def _send(files: _Files, here: Path, there: str) -> None:
    """Copy a version to where it is not yet; its manifest, which makes it one, goes last."""
    if files.exists(f"{there}/{MANIFEST}"):
        return
    for name in (*read_manifest(here).files, MANIFEST):
        files.pipe_file(f"{there}/{name}", (here / name).read_bytes())


def _open(url: str) -> tuple[_Files, str]:
    """The file system of `url`, and the path in it. Listings are never remembered."""
    from fsspec.core import url_to_fs  # noqa: PLC0415 - most registries are folders

    options = _OPTIONS.get(url.partition("://")[0], {})
    files: _Files
    files, root = url_to_fs(url, use_listings_cache=False, **options)
    return files, str(root).rstrip("/")


def _read(files: _Files, path: str) -> bytes | None:
    """A file's bytes, or none where it is not there."""
    try:
        return files.cat_file(path)
    except FileNotFoundError:
        return None


def _text(marker: bytes) -> str:
    return marker.decode("utf-8", "replace").strip()


def _wanted(files: _Files, path: str) -> bytes:
    data = _read(files, path)
    if data is None:
        raise ArtifactError(f"{path} is not there")
    return data


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Whatever the file system has against it, as an error of ours."""
    try:
        yield
    except ImportError as error:
        msg = f"{url} needs a library that is not installed: make setup EXTRAS=registry ({error})"
        raise RegistryError(msg) from error
    except (ArtifactError, RegistryError):
        raise
    except Exception as error:  # each kind of store has its own errors, and no root in common
        what = str(error) or type(error).__name__
        raise RegistryError(f"the registry at {url} cannot be reached: {what}") from error
