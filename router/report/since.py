"""What may stand behind `--since`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

ACCEPTED: Final = "90m, 24h, 7d, 2w, a date as 2026-11-01, or a time as 2026-11-01T08:30"
_SPAN: Final = re.compile(r"(\d{1,9})([mhdw])")
_SECONDS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_MICRO: Final = 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def since_us(said: str, now_us: int) -> int:
    """The moment that `said` names, microseconds since the epoch; UTC unless it says otherwise.

    Raises ValueError, saying what is accepted.
    """
    if match := _SPAN.fullmatch(said.strip().lower()):
        return max(0, now_us - int(match[1]) * _SECONDS[match[2]] * _MICRO)
    try:
        at = datetime.fromisoformat(said.strip())
    except ValueError as error:
        message = f"{said!r} is no time that is understood; accepted: {ACCEPTED}"
        raise ValueError(message) from error
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0, (at - _EPOCH) // timedelta(microseconds=1))
