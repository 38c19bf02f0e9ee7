"""Conversations as ShareGPT and chat data sets keep them: every human turn is a request.

`{"conversations": [{"from": "human", "value": …}, …]}` or `{"messages": [{"role", "content"}, …]}`.
The context grows from turn to turn. What an answer took is estimated from its text.
"""

from collections.abc import Iterator, Mapping
from hashlib import blake2b

from router.domain import Usage
from router.replay.formats.bodies import Who, bad, chat, compose
from router.replay.formats.counted import messages_of
from router.replay.formats.documents import each
from router.replay.logged import Answered, Bad, Logged, Read
from router.wire.tokens import estimate_tokens


def read(document: bytes) -> Read:
    """The requests of the conversations in a line, or in a whole list."""
    for found in each(document, dict[str, object]):
        if isinstance(found, Bad):
            yield found
        else:
            yield from _requests(found)


def _requests(row: Mapping[str, object]) -> Iterator[Logged | Bad]:
    messages = messages_of(row.get("conversations") or row.get("messages"))
    asked = [at for at, message in enumerate(messages) if message["role"] == "user"]
    if not asked:
        yield bad("the conversation has no human turn")
        return
    model, time = row.get("model"), row.get("timestamp")
    who = Who(
        timestamp=time if isinstance(time, str | int | float) else None,
        session=_name(row, messages),
    )
    for at in asked:
        body = compose(messages[: at + 1])
        yield chat(body, who, answer=_answer(messages, at, model if isinstance(model, str) else ""))


def _answer(messages: list[dict[str, object]], at: int, model: str) -> Answered | None:
    """What followed the human turn `at`, as far as its text tells."""
    after = messages[at + 1] if at + 1 < len(messages) else None
    text = after["content"] if after and after["role"] == "assistant" else None
    if not isinstance(text, str) or not text:
        return None
    before = sum(len(str(message["content"]).encode()) for message in messages[: at + 1])
    usage = Usage(
        input=estimate_tokens(before),
        output=estimate_tokens(len(text.encode())),
        source="estimated",
    )
    return Answered(model=model, usage=usage)


def _name(row: Mapping[str, object], messages: list[dict[str, object]]) -> str:
    """The conversation's own id, else a digest of all of it."""
    given = row.get("id") or row.get("conversation_id")
    if isinstance(given, str | int):
        return str(given)
    return blake2b(repr(messages).encode("utf-8", "replace"), digest_size=8).hexdigest()
