"""The list of models that callers may name."""

from collections.abc import Iterable

import msgspec


def models_body(ids: Iterable[str]) -> bytes:
    """The answer to `GET /v1/models`. Their age is nobody's business here: `created` is 0."""
    data = [{"id": id_, "object": "model", "created": 0, "owned_by": "gearshift"} for id_ in ids]
    return msgspec.json.encode({"object": "list", "data": data})
