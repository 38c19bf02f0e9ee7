"""What the log and the metrics hear of requests that end in an error without an entry."""

from typing import Final

from router.api.failures import Failure
from router.errors import RequestError
from router.telemetry.log import Log, log_failure
from router.telemetry.metrics import Metrics

_PATH_CHARS: Final = 200
"""A path is the caller's text: no more of it than this goes into the log."""


class Refusals:
    """Tells of errors, at the doors where they become answers."""

    def __init__(self, log: Log, metrics: Metrics) -> None:
        self._log = log
        self._metrics = metrics

    def explain(self, error: Exception) -> None:
        """Log an error that nobody raised on purpose: its answer says that the log says more."""
        if not isinstance(error, RequestError):
            log_failure(self._log, error)

    def note(self, failure: Failure, method: str, path: str) -> None:
        """Log and count a request that will have no entry. `path` comes without its query."""
        self._log.info(
            "refused",
            status=failure.status,
            code=failure.code or None,
            method=method,
            path=path[:_PATH_CHARS],
        )
        self._metrics.refuse(failure.status, failure.code)
