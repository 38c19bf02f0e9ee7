"""One row as people write it → one row as it is read: spellings, outcomes, and what follows.

Nothing is guessed: what could mean something else is an error that names the field and the fix.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from math import isnan
from typing import Final, TypeAlias

import msgspec

from classifier.outcomes import Models, label_of, shares
from classifier.types import LABELS, TIERS

Fields: TypeAlias = dict[str, object]

OUTCOME: Final = "outcome:"
"""Begins the name of a column that holds what one model made of each prompt."""
SHARES: Final = ("share_small", "share_mid", "share_top")

_JSON: Final = ("messages", "earlier", "outcomes")
_TRUTH: Final = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}
_LIKE: Final = {
    "messages": ("conversation", "conversations", "chat", "dialog", "dialogue", "turns"),
    "prompt": ("text", "instruction", "query", "question", "input", "content", "request"),
    "label": ("labels", "difficulty", "tier", "class"),
}
"""What other data sets call our fields."""
_TYPES: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "nothing",
    "bytes": "binary",
}
_MISMATCH: Final = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_WHERE: Final = re.compile(r" - at `\$\.?([^`]*)`$")


def settle(fields: Mapping[str, object], models: Models) -> Fields:
    """The row with our names, types and spellings, and all that follows from it; no empty fields.

    What is not there follows from the rest: `needs_info` from the label, the label from the
    shares unless the prompt lacks something, the shares from the outcomes by `models`. A field
    that is there and empty is unknown, and stays so; only outcomes speak where a label is empty.
    Raises ValueError.
    """
    row = {name: value for name, value in fields.items() if not _empty(value)}
    row |= {name: _decode(name, row[name]) for name in _JSON if isinstance(row.get(name), str)}
    _check_text(row)
    row |= {name: _share(name, row[name]) for name in (*SHARES, "conf") if name in row}
    told = outcomes(row)
    row |= _tiers(told, models) | {name: row[name] for name in SHARES if name in row}
    if "needs_info" in row:
        row["needs_info"] = _flag(row["needs_info"])
    if "label" in row:
        row["label"] = _label(row["label"])
    elif (told or "label" not in fields) and row.get("needs_info") != 1:
        row |= _derived(row)
    if "needs_info" not in row and "label" in row and "needs_info" not in fields:
        row["needs_info"] = int(row["label"] == "needs_info")
    _check_lacking(row)
    if not {"label", "needs_info", *SHARES} & row.keys():
        _check_name(fields, "label")
    return row


def outcomes(row: Mapping[str, object]) -> dict[str, float]:
    """What each model made of the prompt, 0 to 1. Raises ValueError."""
    listed = row.get("outcomes")
    if not isinstance(listed, dict | None):
        raise ValueError('`outcomes` must be an object: {"model-a": 1, "model-b": 0.5}')
    columns = {n.removeprefix(OUTCOME).strip(): v for n, v in row.items() if n.startswith(OUTCOME)}
    told = {name: value for name, value in (columns | (listed or {})).items() if not _empty(value)}
    return {name: _share(f"{OUTCOME}{name}", value) for name, value in told.items()}


def plain(error: msgspec.ValidationError) -> str:
    """What msgspec says of a value of the wrong type, for people."""
    text = str(error)
    where = _WHERE.search(text)
    text = _WHERE.sub("", text)
    mismatch = _MISMATCH.fullmatch(text)
    if mismatch:
        wanted, got = (_types(side) for side in mismatch.groups())
        text = f"must be {wanted}, not {got}"
    return f"`{where[1]}` {text}" if where else text


def _empty(value: object) -> bool:
    """Nothing, an empty cell or one of blanks alone, or the number that is none."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and isnan(value))


def _types(names: str) -> str:
    """`str | int` in words."""
    return " or ".join(_TYPES.get(name, name) for name in names.split(" | ") if name != "null")


def _check_lacking(row: Fields) -> None:
    """Raises ValueError where label and `needs_info` say opposite things."""
    label, lacks = row.get("label"), row.get("needs_info")
    if label == "needs_info" and lacks == 0:
        raise ValueError("the label is needs_info, and `needs_info` says 0")
    if label in TIERS and lacks == 1:
        raise ValueError(
            f"the label is {label}, and `needs_info` says 1: what lacks something is labelled "
            "needs_info; leave `needs_info` out if it can be answered"
        )


def _check_text(row: Fields) -> None:
    """Raises ValueError where there is neither a prompt nor a human message."""
    messages = row.get("messages")
    if messages is not None and not isinstance(messages, list):
        raise ValueError('`messages` must be a list: [{"role": "user", "content": "…"}]')
    if "prompt" in row:
        return
    if not messages:
        _check_name(row, "messages")
        _check_name(row, "prompt")
        raise ValueError(f"no `prompt` and no `messages`; {_found(row)}")
    roles = sorted({str(one.get("role")) for one in messages if isinstance(one, dict)})
    if roles and "user" not in roles:
        raise ValueError(f"`messages` has no message of the role user; found: {', '.join(roles)}")


def _check_name(row: Mapping[str, object], name: str) -> None:
    """Raises ValueError where a field seems to be `name` by another name."""
    if name in row:
        return
    others = {other.strip().lower(): other for other, value in row.items() if not _empty(value)}
    near = [like for like in (name, *_LIKE[name]) if like in others]
    near += get_close_matches(name, others, n=1, cutoff=0.8)
    if near:
        called = others[near[0]]
        raise ValueError(f"no `{name}`; {_found(row)}: if `{called}` is it, call it `{name}`")


def _found(row: Mapping[str, object]) -> str:
    return f"found: {', '.join(row) or 'nothing'}"


def _decode(name: str, value: object) -> object:
    """A list or an object that stands in a cell as JSON."""
    try:
        return msgspec.json.decode(str(value))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"`{name}` is text, and that is no JSON: {error}") from error


def _tiers(told: Mapping[str, float], models: Models) -> Fields:
    """The shares that single outcomes make."""
    if told and not models:
        msg = f"outcomes of {', '.join(told)}: say whose tier they are, --models TIER=MODEL,MODEL"
        raise ValueError(msg)
    found = zip(SHARES, shares(told, models), strict=True)
    return {name: share for name, share in found if share is not None}


def _derived(row: Fields) -> Fields:
    """The label that the shares speak for, and its trust where that is low and not stated."""
    known = [row.get(name) for name in SHARES]
    found = label_of([share if isinstance(share, float) else None for share in known])
    if found is None:
        return {}
    label, conf = found
    return {"label": label} if conf is None or "conf" in row else {"label": label, "conf": conf}


def _label(value: object) -> str:
    spelled = re.sub(r"[\s_-]+", "_", str(value).strip().lower())
    if spelled not in LABELS:
        raise ValueError(f"label {value!r} is none of {', '.join(LABELS)}")
    return spelled


def _flag(value: object) -> int:
    number = _number(value)
    if number not in {0, 1}:
        raise ValueError(f"`needs_info` is {value!r}: 1 (something is missing) or 0 (answerable)")
    return int(number)


def _share(name: str, value: object) -> float:
    number = _number(value)
    if number is None or not 0 <= number <= 1:
        raise ValueError(f"`{name}` is {value!r}: a number from 0 to 1 is needed, true or false")
    return number


def _number(value: object) -> float | None:
    try:
        if isinstance(value, bool | int | float):
            return float(value)
        text = str(value).strip().lower()
        return _TRUTH[text] if text in _TRUTH else float(text)
    except (ValueError, OverflowError):  # no number, or one beyond any float
        return None
