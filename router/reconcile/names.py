"""One name for a model that the invoice and the configuration call differently."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

_DATE: Final = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$")
_VARIANT: Final = re.compile(r":[a-z]+$")


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """What each side's models are called here; a model of one side alone keeps its name."""

    of_invoice: dict[str, str]
    of_ledger: dict[str, str]
    ambiguous: tuple[str, ...] = ()
    """Models of the invoice that could be several of the ledger's."""


def pair(invoice: Iterable[str], hosts_names: Mapping[str, str], said: Mapping[str, str]) -> Names:
    """Which models of the invoice are which of the ledger's.

    `hosts_names` are the ledger's models, and what their host calls them; `said` are pairs that the
    caller knows. Else names are the same when they differ in nothing, and then when they differ in
    the provider before the slash, a variant behind the colon, or a date at the end.
    """
    known = set(hosts_names.values())
    loose: dict[str, set[str]] = {}
    for name in known:
        loose.setdefault(_bare(name), set()).add(name)
    matched, ambiguous = {}, []
    for name in sorted(set(invoice)):
        stated = said.get(name)
        like = loose.get(_bare(name), set())
        if stated is not None:
            matched[name] = hosts_names.get(stated, stated)
        elif name in known or not like:
            matched[name] = name
        elif len(like) == 1:
            matched[name] = next(iter(like))
        else:
            matched[name] = name
            ambiguous.append(name)
    return Names(of_invoice=matched, of_ledger=dict(hosts_names), ambiguous=tuple(ambiguous))


def _bare(name: str) -> str:
    return _DATE.sub("", _VARIANT.sub("", name.strip().lower().rpartition("/")[2]))
