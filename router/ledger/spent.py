"""What the ledger knows to have been spent in the windows of budgets."""

from collections.abc import Iterable
from typing import TypeAlias

from router.budgets import EVERYBODY, Bound, Window
from router.ledger.catchup import catch_up, is_begun
from router.ledger.facets import Span
from router.ledger.place import Place
from router.ledger.store import Store

_Sums: TypeAlias = dict[tuple[str, bool], int]
"""Pico-USD by name of the key and kind of money."""


def read_spent(place: Place, bounds: Iterable[Bound]) -> dict[Window, int]:
    """Pico-USD spent in each window, of the kind of money that it is for.

    What waits in the spool is stored first, unless a running service does that. Requests whose cost
    is unknown count nothing. Raises LedgerError.
    """
    if not is_begun(place):
        return {}
    catch_up(place)
    store = Store(place)
    try:
        spans: dict[tuple[int, int], _Sums] = {}
        for bound in bounds:
            times = (bound.since_us, bound.until_us)
            if times not in spans:
                spans[times] = _by_key(store, Span(since_us=times[0], until_us=times[1]))
        return {bound.window: _of(bound, spans[bound.since_us, bound.until_us]) for bound in bounds}
    finally:
        store.close()


def _by_key(store: Store, span: Span) -> _Sums:
    return {
        (tallied.key[0] or "", tallied.simulated): tallied.tally.actual
        for tallied in store.tallies(("key",), span)
    }


def _of(bound: Bound, sums: _Sums) -> int:
    scope = bound.cap.scope
    if scope != EVERYBODY:
        return sums.get((scope, bound.simulated), 0)
    return sum(amount for (_, simulated), amount in sums.items() if simulated == bound.simulated)
