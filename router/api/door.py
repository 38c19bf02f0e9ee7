"""Who may come in: API keys open `/v1/*`, the admin key the rest; without keys all is open.

Of a key only its digest is compared. Whoever measures how long a look-up takes learns something of
the digest of a guess, and that leads to no key.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from hmac import compare_digest

from router.config.access import Key
from router.config.names import DEFAULT_KEY
from router.errors import Unauthorized


class Door:
    """Two locks. A lock for which there is no key is open."""

    def __init__(self, *, api_key: str, admin_key: str, keys: Sequence[Key] = ()) -> None:
        """`keys` are those of the configuration; that of GEARSHIFT_API_KEY is `default`."""
        self._admin_key = _bytes_of(admin_key)
        self._names = {bytes.fromhex(key.hash): key.name for key in keys if key.hash}
        self._expire = {key.name: key.expires for key in keys if key.expires}
        if api_key:
            self._names[sha256(_bytes_of(api_key)).digest()] = DEFAULT_KEY

    def admit(self, headers: Mapping[str, str]) -> str:
        """Let a caller of `/v1/*` in; gives the name of the key that was used, empty without one.

        Raises Unauthorized. `headers` have lower-case names, and values decoded as latin-1: each
        character is one byte of the wire.
        """
        if not self._names:
            return ""
        shown = _shown(headers)
        name = self._names.get(sha256(shown).digest())
        if name is None:
            variable = "GEARSHIFT_API_KEY, or a [[key]] of its configuration"
            raise _missing(variable) if not shown else _wrong(variable)
        if name in self._expire and self._expire[name] < _today():
            raise Unauthorized(
                f"The API key `{name}` opened until {self._expire[name]}: ask for a new one.",
                code="expired_api_key",
            )
        return name

    def admit_admin(self, headers: Mapping[str, str]) -> None:
        """Let an administrator in. Raises Unauthorized."""
        if not self._admin_key:
            return
        shown = _shown(headers)
        if not shown:
            raise _missing("GEARSHIFT_ADMIN_KEY")
        # In constant time, so that a guess cannot be improved letter by letter.
        if not compare_digest(shown, self._admin_key):
            raise _wrong("GEARSHIFT_ADMIN_KEY")


def _missing(variable: str) -> Unauthorized:
    return Unauthorized(
        "No API key was given. Send `Authorization: Bearer …` or `x-api-key: …` with the key "
        f"that this router was started with ({variable}).",
        code="missing_api_key",
    )


def _wrong(variable: str) -> Unauthorized:
    return Unauthorized(
        f"The API key is wrong; this router was started with another ({variable}).",
        code="invalid_api_key",
    )


def _today() -> str:
    """The UTC day, as `expires` writes it: such words sort by time."""
    return datetime.now(UTC).date().isoformat()


def _bytes_of(key: str) -> bytes:
    """The bytes that a client sends of `key`: those that stand in the environment."""
    return key.encode(errors="surrogateescape")


def _shown(headers: Mapping[str, str]) -> bytes:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    # Only the blanks of HTTP: in latin-1 the last byte of a UTF-8 letter may look like another.
    if scheme.lower() == "bearer" and token.strip(" \t"):
        return token.strip(" \t").encode("latin-1")
    return headers.get("x-api-key", "").strip(" \t").encode("latin-1")
