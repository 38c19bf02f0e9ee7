"""Our own ledger, an entry a line: decided again from Verdict and Facts, without any text."""

from typing import Final

import msgspec

from router.domain import Entry, Facts
from router.replay.formats.bodies import bad
from router.replay.logged import Answered, Logged, Read

_read: Final = msgspec.json.Decoder(Entry).decode


def read(line: bytes) -> Read:
    """The request of an entry.

    In shadow mode it is decided as the router would have, without the model that the caller named.
    """
    try:
        entry = _read(line)
    except (ValueError, RecursionError) as error:
        return (bad(error),)
    decision = entry.shadow or entry.decision
    attempts = entry.outcome.attempts
    answer = None
    if attempts and attempts[-1].fault is None:
        last = attempts[-1]
        answer = Answered(
            model=last.model,
            usage=last.usage,
            called_tools=entry.outcome.finish == "tool_calls",
            cost=entry.cost.actual,
        )
    caller = entry.caller
    return (
        Logged(
            at_us=entry.at_us,
            key=caller.key,
            user=caller.user,
            session=caller.session,
            tags=caller.tags,
            facts=_free(entry.facts) if entry.shadow else entry.facts,
            verdict=decision.verdict,
            characters=entry.kept.length if entry.kept else 0,
            answer=answer,
            custom_id=entry.id,
            simulated=entry.simulated,
            whole=True,
        ),
    )


def _free(facts: Facts) -> Facts:
    return msgspec.structs.replace(facts, forced=None, passthrough=None)
