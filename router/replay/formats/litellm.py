"""LiteLLM's spend logs: rows of its table LiteLLM_SpendLogs, as JSON.

Their texts are there only where LiteLLM was told to store prompts; without them a row is a length,
and its label is drawn as a trace's is. Field names by LiteLLM's schema.prisma of 2026.
"""

from typing import Final

from msgspec import Struct

from router.domain import Facts
from router.replay.formats.bodies import Who, bad, hint
from router.replay.formats.counted import count, messages_of, pico, plain, request
from router.replay.formats.documents import objects
from router.replay.formats.lengths import CHARACTERS_PER_TOKEN
from router.replay.logged import Answered, Bad, Logged, Read, moment_us

_CHATS: Final = ("completion", "acompletion", "atext_completion", "text_completion")


class _Row(Struct, frozen=True, gc=False):
    model: str = ""
    call_type: str = "acompletion"
    api_key: str | None = None
    spend: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    startTime: str | float | None = None  # noqa: N815 # LiteLLM's name
    user: str | None = None
    end_user: str | None = None
    session_id: str | None = None
    request_tags: object = None
    metadata: object = None
    messages: object = None
    proxy_server_request: object = None
    status: str | None = None
    cache_hit: object = None


def read(document: bytes) -> Read:
    """The rows of a line, or of a whole list."""
    return objects(document, _Row, _logged)


def _logged(row: _Row) -> Logged | Bad | None:
    if row.call_type not in _CHATS or row.status == "failure" or str(row.cache_hit) == "True":
        return None  # not a chat, or one that no model answered
    usage = count(row.prompt_tokens, row.completion_tokens, *_details(row.metadata))
    answer = Answered(model=row.model.rpartition("/")[2], usage=usage, cost=pico(row.spend))
    who = Who(
        timestamp=row.startTime,
        user=row.end_user or row.user,
        session=row.session_id,
        key=_alias(row.metadata) or (row.api_key or "")[:12],
        tags=_tags(row.request_tags),
    )
    messages = messages_of(row.messages) or messages_of(row.proxy_server_request)
    if messages:
        return request(messages, who, answer, {})
    if usage.source == "none":
        return bad("it has neither text nor tokens")
    return _length(who, answer)


def _length(who: Who, answer: Answered) -> Logged | Bad:
    try:
        at_us = moment_us(who.timestamp)
    except ValueError as error:
        return bad(error)
    taken = answer.usage.input
    return Logged(
        at_us=at_us,
        key=hint(who.key),
        user=hint(who.user),
        session=hint(who.session),
        facts=Facts(input_tokens=taken),
        characters=taken * CHARACTERS_PER_TOKEN,
        answer=answer,
        drawn=True,
    )


def _details(metadata: object) -> tuple[object, object]:
    """Cached and reasoning tokens, where the row's metadata has the usage as it came."""
    found = plain(metadata)
    usage = found.get("usage_object") if isinstance(found, dict) else None
    if not isinstance(usage, dict):
        return None, None
    prompt, completion = (usage.get(f"{side}_tokens_details") for side in ("prompt", "completion"))
    return (
        prompt.get("cached_tokens") if isinstance(prompt, dict) else None,
        completion.get("reasoning_tokens") if isinstance(completion, dict) else None,
    )


def _alias(metadata: object) -> str:
    found = plain(metadata)
    alias = found.get("user_api_key_alias") if isinstance(found, dict) else None
    return alias if isinstance(alias, str) else ""


def _tags(tags: object) -> list[str]:
    found = plain(tags)
    return [tag for tag in found if isinstance(tag, str)] if isinstance(found, list) else []
