"""Answers that are errors: the table of faults, in the words of Kimi's error list.

Source: the vendor's page of API errors, as read in 2026-11.
"""

from collections.abc import Mapping
from typing import Final

from router.errors import GearshiftError
from router.sandbox.settings import FaultName


class Refusal(GearshiftError):
    """The sandbox answers with an error. `str(refusal)` is the message, without the prefix."""

    def __init__(
        self, status: int, kind: str, message: str, *, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.retry_after_s = retry_after_s


def invalid(message: str) -> Refusal:
    """The 400 that Kimi gives for a request it does not take."""
    return Refusal(400, "invalid_request_error", message)


def model_not_found(model: str) -> Refusal:
    """The 404 of an id that was retired or never was."""
    message = f"Not found the model {model} or Permission denied"
    return Refusal(404, "resource_not_found_error", message)


def refusal_for(fault: FaultName, *, model: str, retry_after_s: int) -> Refusal | None:
    """The error that `fault` asks for; none where the fault is no error status of this shape."""
    if fault == "not_found":
        return model_not_found(model)
    if fault == "rate_limit":
        message = (
            "Your account sandbox request reached organization max RPM: 1, "
            f"please try again after {retry_after_s} seconds"
        )
        return Refusal(429, "rate_limit_reached_error", message, retry_after_s=retry_after_s)
    if fault in _PLAIN:
        return Refusal(*_PLAIN[fault])
    return None


_PLAIN: Final[Mapping[FaultName, tuple[int, str, str]]] = {
    "overloaded": (
        429,
        "engine_overloaded_error",
        "The engine is currently overloaded, please try again later",
    ),
    "quota": (
        429,
        "exceeded_current_quota_error",
        "You exceeded your current token quota: 0, please check your account balance",
    ),
    "invalid": (400, "invalid_request_error", "Invalid request: the scenario says so"),
    "sampling": (
        400,
        "invalid_request_error",
        "invalid temperature: only 1 is allowed for this model",
    ),
    "content_filter": (
        400,
        "content_filter",
        "The request was rejected because it was considered high risk",
    ),
    "auth": (401, "invalid_authentication_error", "Invalid Authentication"),
    "server": (500, "server_error", "The server had an error while processing your request"),
    "unavailable": (503, "server_error", "The service is temporarily unavailable"),
}
