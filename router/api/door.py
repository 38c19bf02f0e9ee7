"""Who may come in: the API key opens `/v1/*`, the admin key the rest; without keys all is open."""

from collections.abc import Mapping
from hmac import compare_digest

from router.errors import Unauthorized


class Door:
    """Two locks. A key that is not configured leaves its lock open."""

    def __init__(self, *, api_key: str, admin_key: str) -> None:
        self._api_key = api_key.encode()
        self._admin_key = admin_key.encode()

    def admit(self, headers: Mapping[str, str]) -> str:
        """Let a caller of `/v1/*` in; gives the name of the key that was used, empty without one.

        Raises Unauthorized. `headers` have lower-case names.
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
    if not compare_digest(shown.encode(errors="surrogateescape"), key):
        raise Unauthorized(
            f"The API key is wrong; this router was started with another {variable}.",
            code="invalid_api_key",
        )


def _shown(headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("x-api-key", "").strip()
