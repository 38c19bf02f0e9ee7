"""The log: one JSON line a request on standard error, and the few other events of a service.

Only what an Entry holds is ever logged, and of that neither the prompt nor anything secret.
"""

import logging
import os
import sys
from contextlib import suppress
from typing import Protocol

import msgspec
import structlog

from router.domain import PICO, Entry

_encode = msgspec.json.Encoder(enc_hook=str).encode


class Log(Protocol):
    """The part of structlog's bound logger that is used: an event and its fields."""

    def info(self, event: str, **fields: object) -> None:
        """Something ordinary happened."""

    def warning(self, event: str, **fields: object) -> None:
        """Something is worse than it should be; the service goes on."""

    def error(self, event: str, **fields: object) -> None:
        """Something failed that a person has to look at."""


class _Lines:
    """A file whose trouble is nobody else's: a full disk or a closed pipe fails no request."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def msg(self, line: bytes) -> None:
        """Write one line, or lose it."""
        with suppress(OSError):
            os.write(self._descriptor, line + b"\n")

    # structlog calls the method that is named like the level.
    debug = info = warning = error = critical = msg


def open_log() -> Log:
    """A logger of JSON lines on standard error."""
    log: Log = structlog.wrap_logger(
        _Lines(sys.stderr.fileno()),
        wrapper_class=structlog.make_filtering_bound_logger(20),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            lambda _logger, _method, event: _encode(event),
        ],
        cache_logger_on_first_use=True,
    )
    return log


def log_entry(log: Log, entry: Entry) -> None:
    """Write the one line of a request."""
    decision, outcome, usage = entry.decision, entry.outcome, entry.usage
    verdict = decision.verdict
    log.info(
        "request",
        id=entry.id,
        status=outcome.status,
        tier=decision.tier,
        model=decision.model,
        reason=decision.reason,
        label=verdict.label if verdict else None,
        confidence=verdict.confidence if verdict else None,
        cache=entry.cache,
        streamed=outcome.streamed,
        fault=outcome.fault,
        attempts=len(outcome.attempts),
        input_tokens=usage.input,
        output_tokens=usage.output,
        usage=usage.source,
        cost_usd=None if entry.cost.actual is None else entry.cost.actual / PICO,
        total_ms=entry.timings.total_ms,
        key=entry.caller.key or None,
        simulated=entry.simulated,
    )


def log_failure(log: Log, error: Exception) -> None:
    """Write what failed and where; neither its message nor its values, which may quote a prompt."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    where = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at else ""
    log.error("request failed", error=type(error).__name__, where=where)


class _Captured(logging.Handler):
    """Records of the standard library's loggers, as events of the one log."""

    def __init__(self, log: Log) -> None:
        super().__init__(level=logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, without its traceback: a traceback may quote what must not be kept."""
        say = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        say(record.getMessage(), logger=record.name)


def capture_logging(log: Log) -> None:
    """Send what libraries log at WARNING and above to `log`. Once per process."""
    root = logging.getLogger()
    root.handlers = [_Captured(log)]
    root.setLevel(logging.WARNING)
