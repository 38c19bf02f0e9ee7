"""Who may look: the admin key, or a cookie that was given for it.

The cookie is not the key. It says when it ends, and carries a digest of that which only the
holder of the admin key can make; so every worker knows it, nothing is kept, and a changed key ends
all sessions.
"""

import secrets
from collections.abc import Mapping
from hashlib import blake2b
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from typing import Final

from router.api.door import Door
from router.errors import Unauthorized

COOKIE: Final = "gearshift_dashboard"
LIFE_S: Final = 12 * 3_600
"""A working day."""
PATH: Final = "/dashboard"
_PERSON: Final = b"gearshift-cookie"


class Sessions:
    """Gives cookies for the admin key and knows them again. Without a key all may look."""

    def __init__(self, door: Door, admin_key: str) -> None:
        self._door = door
        self.open = not admin_key
        """Whether no key is configured, so that nobody need show one."""
        self._secret = blake2b(
            admin_key.encode(errors="surrogateescape"), digest_size=32, person=_PERSON
        ).digest()

    def admits(self, headers: Mapping[str, str], now_s: float) -> bool:
        """Whether a request with these headers (lower-case names) may look."""
        if self.open or self._knows(_cookie(headers.get("cookie", "")), now_s):
            return True
        try:
            self._door.admit_admin(headers)
        except Unauthorized:
            return False
        return True

    def begin(self, key: str, now_s: float) -> str | None:
        """A cookie's value for whoever shows `key`; none where it is not the admin key."""
        shown = key.strip().encode(errors="surrogateescape").decode("latin-1")
        try:
            self._door.admit_admin({"x-api-key": shown})
        except Unauthorized:
            return None
        said = f"{int(now_s) + LIFE_S}.{secrets.token_hex(8)}"
        return f"{said}.{self._digest(said)}"

    def _knows(self, value: str, now_s: float) -> bool:
        said, _, shown = value.rpartition(".")
        # First the digest: what it does not vouch for is not looked at.
        if not compare_digest(self._digest(said).encode(), shown.encode(errors="replace")):
            return False
        return now_s < int(said.partition(".")[0])

    def _digest(self, said: str) -> str:
        return blake2b(said.encode(errors="replace"), digest_size=32, key=self._secret).hexdigest()


def set_cookie(value: str, *, secure: bool) -> str:
    """The header that gives a browser its cookie; an empty value takes it away."""
    life = LIFE_S if value else 0
    rest = f"Path={PATH}; Max-Age={life}; HttpOnly; SameSite=Strict"
    return f"{COOKIE}={value}; {rest}{'; Secure' if secure else ''}"


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
