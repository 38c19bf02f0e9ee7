"""The dashboard's own scripts, styles and pictures, as they lie in the package."""

import gzip
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

FOLDER: Final = Path(__file__).parents[1] / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOREVER: Final = "public, max-age=31536000, immutable"
_CHECKED: Final = "no-cache"


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it is sent."""

    media_type: str
    digest: str
    """Of its content: part of its address, and its entity tag."""
    plain: bytes
    packed: bytes
    """The same by gzip."""


@cache
def names() -> frozenset[str]:
    """Files that there are."""
    return frozenset(path.name for path in FOLDER.iterdir() if path.suffix in _TYPES)


@cache
def digest(name: str) -> str:
    """Digest of a file's content."""
    return blake2b((FOLDER / name).read_bytes(), digest_size=8).hexdigest()


@cache
def asset(name: str) -> Asset:
    """A file of `names`.

    The first call packs it, which takes a tenth of a second for the largest: not in an event loop.
    """
    plain = (FOLDER / name).read_bytes()
    return Asset(
        media_type=_TYPES[Path(name).suffix],
        digest=digest(name),
        plain=plain,
        packed=gzip.compress(plain, mtime=0),
    )


def address(name: str) -> str:
    """Where a file is. The address changes with the content, so it may be kept forever."""
    return f"/dashboard/static/{name}?v={digest(name)}"


def cache_control(asset: Asset, version: str | None) -> str:
    """How long what was asked for under `version` may be kept."""
    return FOREVER if version == asset.digest else _CHECKED
