"""What the ledger knows to have been spent in the windows of budgets."""

from collections.abc import Iterable

from router.budgets import EVERYBODY, Bound, Window
from router.ledger.catchup import catch_up, is_begun
from router.ledger.facets import Span
from router.ledger.place import Place
from router.ledger.store import Store


def read_spent(place: Place, bounds: Iterable[Bound], *, simulated: bool) -> dict[Window, int]:
    """Pico-USD spent in each window, of real money or of simulated, never of both.

    What waits in the spool is stored first, unless a running service does that. Requests whose cost
    is unknown count nothing. Raises LedgerError.
    """
    if not is_begun(place):
        return {}
    catch_up(place)
    store = Store(place)
    try:
        spans: dict[tuple[int, int], dict[str, int]] = {}
        for bound in bounds:
            times = (bound.since_us, bound.until_us)
            if times not in spans:
                spans[times] = _by_key(store, Span(since_us=times[0], until_us=times[1]), simulated)
        return {
            bound.window: _of(bound.cap.scope, spans[bound.since_us, bound.until_us])
            for bound in bounds
        }
    finally:
        store.close()


def _by_key(store: Store, span: Span, simulated: bool) -> dict[str, int]:
    sums: dict[str, int] = {}
    for tallied in store.tallies(("key",), span):
        if tallied.simulated == simulated:
            sums[tallied.key[0] or ""] = tallied.tally.actual
    return sums


def _of(scope: str, sums: dict[str, int]) -> int:
    return sum(sums.values()) if scope == EVERYBODY else sums.get(scope, 0)
