"""What went wrong with a request, in the ledger's words."""

from router.domain import Fault, ModelId
from router.errors import BudgetExceeded, RequestError, Unavailable, UpstreamError


def fault_of(error: RequestError) -> Fault:
    """The fault that stands in the entry of a request that ended with `error`."""
    if isinstance(error, UpstreamError):
        return error.fault
    if isinstance(error, BudgetExceeded):
        return "quota"
    return "overloaded" if isinstance(error, Unavailable) else "invalid"


def malformed(model: ModelId, what: str) -> UpstreamError:
    """The error for an answer that is none."""
    message = f"{model} answered with {what}"
    return UpstreamError(message, fault="malformed", upstream_status=200)
