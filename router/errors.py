"""The error tree, and what each error means to a caller.

    GearshiftError
    ├── ConfigError           the configuration is wrong: the start is stopped
    ├── ArtifactError*        (classifier.artifact) the model is damaged
    ├── LedgerError           the store cannot be opened or migrated
    └── RequestError          this request cannot be served; carries status, type, param, code
        ├── BadRequest        400  the caller's body is wrong
        ├── Unauthorized      401
        ├── Forbidden         403  the key may not ask for this
        ├── ModelNotFound     404
        ├── WrongMethod       405
        ├── BodyTooLarge      413
        ├── Infeasible        400  no tier can take the request
        ├── BudgetExceeded    429  a hard limit of a budget is reached
        ├── Unavailable       503  every upstream that could serve is down
        ├── NotKept           503  feedback could not be written down
        └── UpstreamError     the upstream's own answer, translated

A RequestError is raised before the first byte of an answer; afterwards trouble is an event in the
stream and a fault in the entry.
"""

from typing import Final

from router.domain import Fault


class GearshiftError(Exception):
    """Root of everything that gearshift raises on purpose."""


class ConfigError(GearshiftError):
    """The configuration cannot be used; the message names the key or the variable and the fix."""


class LedgerError(GearshiftError):
    """The ledger's store cannot be opened, migrated or read."""


class RequestError(GearshiftError):
    """A request that is answered with an error. `str(error)` is the caller's message."""

    status: int = 400
    type: str = "invalid_request_error"

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.code = code
        self.retry_after_s: float | None = None
        """When it is worth trying again, where that is known."""


class BadRequest(RequestError):
    """The body is not what the API takes; `param` names the field."""


class Unauthorized(RequestError):
    """No key, or a wrong one."""

    status = 401
    type = "authentication_error"


class Forbidden(RequestError):
    """The key is right, but may not ask for this."""

    status = 403
    type = "permission_error"


class ModelNotFound(RequestError):
    """The `model` is no alias, no tier, no configured model id."""

    status = 404
    type = "not_found_error"


class WrongMethod(RequestError):
    """The endpoint is there, but not for this HTTP method."""

    status = 405


class BodyTooLarge(RequestError):
    """The body is longer than `server.max_body_bytes`."""

    status = 413


class Infeasible(RequestError):
    """No tier can take the request: its size, its parts, its tools or its cap forbid all."""


class BudgetExceeded(RequestError):
    """The request could cost more than a budget has left."""

    status = 429
    type = "insufficient_quota"  # the word by which clients know that trying again is of no use

    def __init__(self, message: str, *, retry_after_s: float, lasting: bool) -> None:
        super().__init__(message, code="budget_exceeded")
        self.retry_after_s = retry_after_s
        self.lasting = lasting
        """Until the budget begins anew; else only while other requests are under way."""


class Unavailable(RequestError):
    """Every upstream that could serve the request is down or refused it for reasons of its own."""

    status = 503
    type = "service_unavailable_error"


class NotKept(RequestError):
    """What was said could not be written where it survives."""

    status = 503
    type = "service_unavailable_error"

    def __init__(self, message: str) -> None:
        super().__init__(message, code="ledger_unavailable")
        self.retry_after_s = 5.0


_STATUS: Final[dict[Fault, int]] = {
    "invalid": 400,
    "content_filter": 400,
    "rate_limit": 429,
    "overloaded": 503,
    "timeout": 504,
    "stall": 504,
}

_WORKED: Final[frozenset[Fault]] = frozenset({"timeout", "stall", "cut", "malformed"})


class UpstreamError(RequestError):
    """An upstream's failure, translated: what happened (`fault`), and what the caller is told.

    Most are 502: the fault lies behind the router, and is not the caller's to mend.
    """

    def __init__(
        self,
        message: str,
        *,
        fault: Fault,
        upstream_status: int = 0,
        retry_after_s: float | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.fault = fault
        self.status = _STATUS.get(fault, 502)
        self.type = "invalid_request_error" if self.status == 400 else "upstream_error"  # noqa: PLR2004
        self.upstream_status = upstream_status
        self.retry_after_s = retry_after_s
        self.exhausted = False
        """Whether other models were tried too, so that trying again at once is of no use."""

    @property
    def worked(self) -> bool:
        """Whether the host had the prompt and was at work on it: that is rarely free."""
        return self.fault in _WORKED and self.upstream_status in {0, 200}
