"""The thread that drains: in every worker, at work in the one that holds the lock."""

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Final

from router.errors import LedgerError
from router.ledger.drain import Drain
from router.ledger.filelock import FileLock
from router.ledger.progress import Lag, read_lag
from router.ledger.spool import Spool
from router.ledger.store import Store
from router.ledger.upgrade import DRAIN_LOCK

_LOG: Final = logging.getLogger(__name__)
_SLOWEST_S: Final = 30.0
"""Longest pause between two tries while the store is down."""


class Drainer:
    """Drains a spool's folder, of living and dead workers alike, for as long as it has the lock.

    When the holder dies, the kernel gives the lock back and the next worker that looks has it.
    Start it in the worker, after any fork: a forked child would share the lock.
    """

    def __init__(
        self,
        folder: Path,
        open_store: Callable[[], Store],
        *,
        batch: int,
        interval_ms: int,
        prompt_days: int | None = None,
        spool: Spool | None = None,
    ) -> None:
        self._folder = folder
        self._open_store = open_store
        self._batch = batch
        self._interval_s = interval_ms / 1_000
        self._prompt_days = prompt_days
        self._spool = spool
        self._lock = FileLock(folder / DRAIN_LOCK)
        self._drain: Drain | None = None
        self._trouble: str | None = None
        self._failures = 0
        self._lag = Lag()
        self._wake = Event()
        self._stopping = False
        self._thread = Thread(target=self._work, name="ledger-drainer", daemon=True)

    def start(self) -> None:
        """Begin to look, every interval, for something to drain."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Drain once more and end; what is not done in time stays in the spool, for the next."""
        self._stopping = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def wake(self) -> None:
        """Look now instead of after the interval."""
        self._wake.set()

    @property
    def lag(self) -> Lag:
        """How far the store was behind at the last look, whichever worker drains."""
        return self._lag

    @property
    def holds_lock(self) -> bool:
        """Whether this is the process that drains."""
        return self._drain is not None

    @property
    def trouble(self) -> str | None:
        """Why the store does not take what is spooled; none while it does."""
        return self._trouble or self._lag.trouble

    def _work(self) -> None:
        while not self._stopping:
            self._pass()
            self._wake.wait(self._pause_s())
            self._wake.clear()
        self._pass()
        self._let_go()

    def _pass(self) -> None:
        """Look once. Whatever goes wrong is said and tried again: only this thread drains."""
        if self._spool is not None:
            self._spool.retry()
        try:
            self._drain_what_is_there()
            self._say(None)
        except (LedgerError, OSError) as error:
            self._say(str(error))
        except Exception as error:
            _LOG.exception("draining the ledger failed in an unexpected way")
            self._say(f"{type(error).__name__}: {error}")
        with contextlib.suppress(OSError):
            self._lag = read_lag(self._folder)

    def _drain_what_is_there(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._lock.take():
            self._let_go()
            return
        if self._drain is None:
            self._drain = Drain(
                self._folder, self._open_store, batch=self._batch, prompt_days=self._prompt_days
            )
        self._drain.run()

    def _let_go(self) -> None:
        if self._drain is not None:
            self._drain.close()
            self._drain = None
        self._lock.give_back()

    def _pause_s(self) -> float:
        return min(_SLOWEST_S, self._interval_s * 2.0 ** min(self._failures, 16))

    def _say(self, trouble: str | None) -> None:
        """Log what changed, once."""
        self._failures = self._failures + 1 if trouble else 0
        if trouble and trouble != self._trouble:
            _LOG.warning("entries wait in the spool: %s", trouble)
        if self._trouble and not trouble:
            _LOG.info("the ledger's store takes entries again")
        self._trouble = trouble
