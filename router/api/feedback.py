"""POST /v1/feedback: how an answer was received, and which label its prompt deserved."""

from time import time_ns

import msgspec
from litestar import Request, post
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.status_codes import HTTP_202_ACCEPTED

from router.api.door import Door
from router.errors import NotKept
from router.ports import Ledger
from router.telemetry.metrics import Metrics
from router.wire.feedback import parse_feedback


def feedback_route(door: Door, ledger: Ledger, metrics: Metrics) -> HTTPRouteHandler:
    """The handler that writes to `ledger`.

    A decision that is not known is no error: its entry may be on its way, in the spool of another
    worker. What never finds an entry is left out when feedback is read.
    """

    @post(
        "/v1/feedback",
        media_type="application/json",
        status_code=HTTP_202_ACCEPTED,
        summary="Feedback",
    )
    async def feedback(request: Request[None, None, State]) -> bytes:
        """Take what a caller says of a decision: `decision_id`, `outcome`, and maybe a `label`."""
        door.admit(request.headers)
        said = parse_feedback(await request.body(), at_us=time_ns() // 1000)
        if not ledger.record(said):
            raise NotKept("The ledger cannot be written at the moment; say it again later.")
        metrics.hear(said)
        taken = {"decision_id": said.decision_id, "outcome": said.opinion, "label": said.label}
        return msgspec.json.encode({"object": "feedback", **taken})

    return feedback
