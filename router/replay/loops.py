"""Tool loops in a log: what names one, so that it goes on with the model that began it."""

from hashlib import blake2b

import msgspec

from router.replay.logged import Logged

NO_LOOP = 0


def name_loop(logged: Logged) -> int:
    """64 bits over the conversation up to its last human turn, and the caller; 0 for no loop.

    Only where a loop may begin, at an answer that calls tools, or goes on.
    """
    begins = logged.answer is not None and logged.answer.called_tools
    if not (begins or logged.facts.open_tool_loop):
        return NO_LOOP
    turns = logged.turns
    end = next((at for at in range(len(turns), 0, -1) if turns[at - 1].role == "user"), 0)
    if not end:
        return NO_LOOP
    said = msgspec.msgpack.encode((turns[:end], logged.key, logged.user, logged.session))
    return int.from_bytes(blake2b(said, digest_size=8).digest()) or 1
