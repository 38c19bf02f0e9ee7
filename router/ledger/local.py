"""The ledger as a worker has it: its spool, and the thread that drains."""

import msgspec

from router.config.schema import Ledger as Settings
from router.domain import Entry, Feedback
from router.ledger.drainer import Drainer
from router.ledger.place import Place
from router.ledger.progress import Lag
from router.ledger.spool import Spool, SpoolState
from router.ledger.store import Store


class LedgerState(msgspec.Struct, frozen=True, kw_only=True):
    """What metrics and health want to know."""

    spool: SpoolState
    lag: Lag
    drains: bool
    """Whether this worker is the one that drains: of several workers only it speaks for the lag."""
    degraded: tuple[str, ...]
    """What is wrong, in plain words; empty when all is well."""


class LocalLedger:
    """Records to this worker's spool and drains in the background. `upgrade` the place first."""

    def __init__(self, place: Place, settings: Settings) -> None:
        self._spool = Spool(place.spool, segment_bytes=settings.segment_bytes, ring=settings.ring)
        self._drainer = Drainer(
            place.spool,
            lambda: Store(place, "write"),
            batch=settings.batch,
            interval_ms=settings.drain_interval_ms,
            prompt_days=settings.prompt_days,
            spool=self._spool,
        )

    def start(self) -> None:
        """Begin to drain; in the worker, after any fork."""
        self._drainer.start()

    def record(self, said: Entry | Feedback) -> bool:
        """Keep `said`; whether it is on file. Never raises; waits for nothing but one append."""
        return self._spool.record(said)

    def state(self) -> LedgerState:
        """Counters, and what is wrong."""
        spool = self._spool.state()
        reasons = (spool.degraded, self._drainer.trouble)
        return LedgerState(
            spool=spool,
            lag=self._drainer.lag,
            drains=self._drainer.holds_lock,
            degraded=tuple(reason for reason in reasons if reason),
        )

    def close(self) -> None:
        """Close the spool, drain what can be drained, end the thread."""
        self._spool.close()
        self._drainer.stop()
