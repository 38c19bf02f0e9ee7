"""Who may come in: the API key opens `/v1/*`, the admin key the rest; without keys all is open."""

from collections.abc import Mapping
from hmac import compare_digest

from router.errors import Unauthorized


class Door:
    """Two locks. A key that is not configured leaves its lock open."""

    def __init__(self, *, api_key: str, admin_key: str) -> None:
        self._api_key = _bytes_of(api_key)
        self._admin_key = _bytes_of(admin_key)

    def admit(self, headers: Mapping[str, str]) -> str:
        """Let a caller of `/v1/*` in; gives the name of the key that was used, empty without one.

        Raises Unauthorized. `headers` have lower-case names, and values decoded as latin-1: each
        character is one byte of the wire.
        """
        if not self._api_key:
            return ""
        _check(headers, self._api_key, "GEARSHIFT_API_KEY")
        return "default"

    def admit_admin(self, headers: Mapping[str, str]) -> None:
        """Let an administrator in. Raises Unauthorized."""
        if self._admin_key:
            _check(headers, self._admin_key, "GEARSHIFT_ADMIN_KEY")


def _check(headers: Mapping[str, str], key: bytes, variable: str) -> None:
    shown = _shown(headers)
    if not shown:
        raise Unauthorized(
            "No API key was given. Send `Authorization: Bearer …` or `x-api-key: …` with the key "
            f"that this router was started with ({variable}).",
            code="missing_api_key",
        )
    # In constant time, so that a guess cannot be improved letter by letter.
    if not compare_digest(shown.encode("latin-1"), key):
        raise Unauthorized(
            f"The API key is wrong; this router was started with another {variable}.",
            code="invalid_api_key",
        )


def _bytes_of(key: str) -> bytes:
    """The bytes that a client sends of `key`: those that stand in the environment."""
    return key.encode(errors="surrogateescape")


def _shown(headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    # Only the blanks of HTTP: in latin-1 the last byte of a UTF-8 letter may look like another.
    if scheme.lower() == "bearer" and token.strip(" \t"):
        return token.strip(" \t")
    return headers.get("x-api-key", "").strip(" \t")
