"""Draining from outside the service: what a command does before it reads."""

import contextlib

from router.errors import LedgerError
from router.ledger.drain import Drain
from router.ledger.filelock import FileLock
from router.ledger.place import Place
from router.ledger.segments import segments
from router.ledger.store import Store
from router.ledger.upgrade import DRAIN_LOCK, upgrade

_BATCH = 500


def is_begun(place: Place) -> bool:
    """Whether anything was ever recorded here. A server is taken to have been.

    Raises LedgerError where its folder cannot be looked into.
    """
    try:
        return place.sqlite is None or place.sqlite.exists() or bool(segments(place.spool))
    except OSError as error:
        message = f"the ledger {place.name} cannot be looked for: {error.strerror}"
        raise LedgerError(message) from error


def catch_up(place: Place) -> None:
    """Store what the spool holds, unless a running service does that or the folder is not ours.

    Raises LedgerError where the store fails.
    """
    with contextlib.suppress(OSError):
        if not segments(place.spool):
            return
        upgrade(place)
        lock = FileLock(place.spool / DRAIN_LOCK)
        if not lock.take():
            return
        drain = Drain(place.spool, lambda: Store(place, "write"), batch=_BATCH)
        try:
            drain.run()
        finally:
            drain.close()
            lock.give_back()
