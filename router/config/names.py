"""The names of a configuration: what they may look like, and which mean something already."""

import re
from datetime import date
from typing import Final

from classifier.types import TIERS

DIALS: Final = ("auto", "auto:cheap", "auto:best")
BUILT_IN: Final = frozenset({*DIALS, *(f"gearshift/{tier}" for tier in TIERS)})
"""Names that callers may always send as `model`; no alias and no model may take them."""
DEFAULT_KEY: Final = "default"
"""Name of the key in GEARSHIFT_API_KEY."""
VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NAME: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?")
"""Names travel in headers, logs and metrics, where a line break would begin something else."""


def is_day(text: str) -> bool:
    """Whether `text` is a day of the calendar, as YYYY-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
