"""Which files a log is made of, and the units of them that are read at a time.

A unit is small enough to be held whole and large enough to be worth a journey: some megabytes of a
file of lines, which may begin and end anywhere, or a whole file where it cannot be cut. Files at
URLs are found, opened and read through the engine's own storage access.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final, Literal, TypeAlias, cast
from urllib.parse import urlsplit

from msgspec import Struct

from router.replay.daft_door import list_files, open_url
from router.replay.logged import Format, LogError

Codec: TypeAlias = Literal["", "gz", "zst"]

UNIT_BYTES: Final = 16 * 1024 * 1024
UNPACK_BYTES: Final = 16 * 1024 * 1024
"""Compressed files up to this size are unpacked where they are read; larger ones go to disk first,
because a compressed file can only be read from its beginning."""
HEAD_BYTES: Final = 256 * 1024
BOM: Final = b"\xef\xbb\xbf"
"""Says that a file is UTF-8; what it says does not belong to the first line."""
_CODECS: Final[dict[str, Codec]] = {".gz": "gz", ".zst": "zst"}
_MAGIC: Final[dict[bytes, Codec]] = {b"\x1f\x8b": "gz", b"\x28\xb5\x2f\xfd": "zst"}


class Source(Struct, frozen=True, kw_only=True):
    """One file of a log."""

    path: str
    """A path, or a URL that the engine can open."""
    size: int
    """Bytes as it lies there."""
    codec: Codec = ""
    changed_ns: int = 0
    """When it was written last, where that is known: what was read of another state is stale."""

    @property
    def remote(self) -> bool:
        """Whether the engine's storage access is needed."""
        return is_url(self.path)


class Unit(Struct, frozen=True, kw_only=True):
    """What one worker reads at a time."""

    source: Source
    format: Format
    start: int = 0
    end: int = -1
    """Lines that begin in [start, end) belong to it; -1: to the end of the file."""
    whole: bool = False
    """The file is one document, not lines."""

    @property
    def bytes(self) -> int:
        """How much of the file it is, for the progress bar."""
        return (self.source.size if self.end < 0 else self.end) - self.start


def is_url(path: str) -> bool:
    """Whether `path` names a place behind a protocol."""
    return "://" in path and not path.startswith("file://")


def shown(path: str) -> str:
    """`path` as it may be written down: a URL without its query and credentials, which can sign."""
    if not is_url(path):
        return path
    parts = urlsplit(path)
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}"


def find(names: Sequence[str]) -> list[Source]:
    """The files that `names` mean: files, globs, folders, URLs; in the order of their names.

    Raises LogError where a name means nothing.
    """
    found = [
        source for name in names for source in (_remote(name) if is_url(name) else _local(name))
    ]
    sources = list({source.path: source for source in found}.values())
    if empty := [source.path for source in sources if not source.size]:
        msg = f"{shown(empty[0])} is empty"
        raise LogError(msg)
    return sources


def units(source: Source, format_: Format, *, whole: bool) -> Iterator[Unit]:
    """The units of `source`, in order."""
    if whole or source.codec:
        yield Unit(source=source, format=format_, whole=whole)
        return
    for start in range(0, source.size, UNIT_BYTES):
        end = min(source.size, start + UNIT_BYTES)
        yield Unit(source=source, format=format_, start=start, end=end)


def head(source: Source) -> bytes:
    """The first bytes of the file, unpacked. Raises LogError where it cannot be read."""
    try:
        with open_source(source) as file:
            return file.read(HEAD_BYTES)
    except (OSError, EOFError, ValueError) as error:
        raise unreadable(source, error) from error


def open_source(source: Source) -> IO[bytes]:
    """The bytes of the file, unpacked as they are read."""
    raw = _open(source)
    if source.codec == "gz":
        import gzip  # noqa: PLC0415

        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))  # it reads as one
    if source.codec == "zst":
        from pyarrow import CompressedInputStream, PythonFile  # noqa: PLC0415

        return cast("IO[bytes]", CompressedInputStream(PythonFile(raw), "zstd"))  # it reads as one
    return raw


def unpack(source: Source, folder: Path) -> Source:
    """`source` as plain lines in `folder`, where it is compressed and long; else itself."""
    if not source.codec or source.size <= UNPACK_BYTES:
        return source
    said = f"{source.path}\0{source.size}\0{source.changed_ns}".encode()
    path = folder / f"{hashlib.blake2b(said, digest_size=8).hexdigest()}.unpacked"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        try:
            with open_source(source) as packed, draft.open("wb") as plain:
                while block := packed.read(UNIT_BYTES):
                    plain.write(block)
        except (OSError, EOFError, ValueError) as error:
            raise unreadable(source, error) from error
        draft.rename(path)
    return Source(path=str(path), size=path.stat().st_size)


def unreadable(source: Source, error: Exception) -> LogError:
    """The error for a file that is there and cannot be read."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return LogError(f"{shown(source.path)} cannot be read: {reason}")


def _local(name: str) -> list[Source]:
    path = Path(name.removeprefix("file://")).expanduser()
    if path.is_dir():
        paths = sorted(p for p in path.rglob("*") if p.is_file() and not _hidden(p, path))
        if not paths:
            raise LogError(f"the folder {name} holds no file")
    elif path.exists():
        paths = [path]
    else:
        paths = sorted(p for p in _glob(path) if p.is_file())
        if not paths:
            raise LogError(f"there is no file {name}")
    return [_look(p) for p in paths]


def _look(path: Path) -> Source:
    try:
        with path.open("rb") as file:
            start = file.read(4)
        known = path.stat()
    except OSError as error:
        raise LogError(f"{path} cannot be read: {error.strerror}") from error
    codecs = (codec for magic, codec in _MAGIC.items() if start.startswith(magic))
    codec: Codec = next(codecs, "")
    return Source(path=str(path), size=known.st_size, codec=codec, changed_ns=known.st_mtime_ns)


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _remote(url: str) -> list[Source]:
    """The files behind a URL, as the engine lists them. Raises LogError where there are none."""
    try:
        listed = list_files(url)
    except LogError as error:
        raise LogError(str(error).replace(url, shown(url))) from None
    if not listed:
        raise LogError(f"there is no file {shown(url)}")
    return [Source(path=path, size=size, codec=_codec(path)) for path, size in listed]


def _codec(path: str) -> Codec:
    return next((codec for end, codec in _CODECS.items() if path.endswith(end)), "")


def _glob(pattern: Path) -> Iterator[Path]:
    """Paths that `pattern` matches; none where it is no pattern."""
    try:
        yield from Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor)))
    except ValueError:
        return


def _open(source: Source) -> IO[bytes]:
    if not source.remote:
        return open(source.path, "rb")  # noqa: PTH123 # closed by who asked
    return open_url(source.path)
