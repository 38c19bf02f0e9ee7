"""The body of `POST /v1/feedback`: from the caller's bytes to feedback for the ledger."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from classifier.types import Label
from router.domain import DecisionId, Feedback, Opinion
from router.errors import BadRequest, BodyTooLarge
from router.wire.refusal import check_text, refusal

MOST_BYTES: Final = 4_096
"""Longest body: twenty times what its three fields can take."""


class _Body(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    decision_id: Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
    outcome: Opinion
    label: Label | None = None


_read_body: Final = msgspec.json.Decoder(_Body).decode
_read_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def parse_feedback(body: bytes, *, at_us: int) -> Feedback:
    """Read what a caller says at `at_us` of a decision.

    Raises BadRequest for anything that is not the API's shape, and for a field that it does not
    know: a misspelt `label` would be lost without a word. Raises BodyTooLarge.
    """
    if len(body) > MOST_BYTES:
        message = f"The body is longer than {MOST_BYTES:,} bytes, and feedback is short."
        raise BodyTooLarge(message, code="body_too_large")
    check_text(body)
    fields: dict[str, msgspec.Raw] | None = None
    try:
        fields = _read_fields(body)
        read = _read_body(body)
    except (ValueError, RecursionError) as error:
        raise _refusal(error, fields) from None
    return Feedback(
        decision_id=DecisionId(read.decision_id),
        at_us=at_us,
        opinion=read.outcome,
        label=read.label,
    )


def _refusal(error: Exception, fields: dict[str, msgspec.Raw] | None) -> BadRequest:
    """The decoder's complaint; where it speaks of a pattern, what the pattern means."""
    refused = refusal(error, fields)
    if refused.param == "decision_id" and "regex" in str(refused):
        message = "`decision_id`: expected 32 hex digits, as in the header `x-gearshift-decision`"
        return BadRequest(message, param="decision_id")
    return refused
