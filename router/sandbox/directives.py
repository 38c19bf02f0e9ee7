"""Directives in prompts: `[[sandbox:fault=rate_limit times=2 model=kimi-k2-thinking]]`.

Headers and unknown fields may be dropped on the way through a router; the prompt never is.
"""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from router.sandbox.refusals import Refusal
from router.sandbox.settings import Scenario

_DIRECTIVE: Final = re.compile(r"\[\[sandbox:([^\]]*)\]\]")
_SEPARATOR: Final = re.compile(r"[\s,;]+")
_LISTS: Final = frozenset({"quirk", "call"})
_NEUTRAL: Final = Scenario()


def read_directives(text: str) -> tuple[Scenario, ...]:
    """The scenarios that `text` asks for, in order.

    Raises Refusal (400) for an unknown key or value: a misspelt fault must not pass for health.
    """
    return tuple(_parse(match.group(1)) for match in _DIRECTIVE.finditer(text))


def merge(scenarios: Iterable[Scenario]) -> Scenario:
    """All wishes as one: later ones win, quirks and calls add up."""
    merged = _NEUTRAL
    for scenario in scenarios:
        said = {
            name: value
            for name, value in msgspec.structs.asdict(scenario).items()
            if value != getattr(_NEUTRAL, name)
        }
        said["quirks"] = merged.quirks + scenario.quirks
        said["calls"] = merged.calls + scenario.calls
        merged = msgspec.structs.replace(merged, **said)
    return merged


def _parse(inner: str) -> Scenario:
    fields: dict[str, str | list[str]] = {}
    for word in filter(None, _SEPARATOR.split(inner)):
        key, _, value = word.partition("=")
        fields[key] = value.split("+") if key in _LISTS else value
    try:
        return msgspec.convert(fields, Scenario, strict=False)
    except msgspec.ValidationError as error:
        message = f"unknown directive in [[sandbox:{inner}]]: {error}"
        raise Refusal(400, "invalid_request_error", message) from error
