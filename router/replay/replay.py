"""THE BATCH PATH: parts of a log in their order → what every policy does with them, as columns."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from router.columns import UNKNOWN, Columns, Money
from router.domain import Facts, Warm
from router.replay.conversations import Before, Conversations
from router.replay.paid import Paid
from router.replay.part import ABSENT, MICRO, Index, Part, is_complete
from router.replay.routing import Asked, Routing, Terms

_NONE: Final = -2
"""No model: the conversation had not begun, or its cache was cold."""


class Replay:
    """Policies over a log. Holds what conversations need, and nothing that grows with the log."""

    def __init__(self, policies: Sequence[Terms], at: datetime | None = None) -> None:
        """`at` is the day of list prices; today where none is given."""
        self._routings = [Routing(terms) for terms in policies]
        self._conversations = Conversations()
        self._paid = Paid(datetime.now(UTC) if at is None else at)
        self.strangers = 0
        """Requests whose answer came from a model that the first policy does not name."""

    def fold(self, part: Part) -> Columns:
        """What every policy does with the requests of the next `part`."""
        first = self._routings[0]
        answered = first.answered(part)
        tokens = part.replied.tokens
        self.strangers += int(((part.replied.model != ABSENT) & (answered == ABSENT)).sum())
        taken = np.where(tokens[:, 0] >= 0, tokens[:, 0], part.asked.input_tokens)
        asked = Asked(
            taken=taken,
            cached=np.maximum(0, tokens[:, 1]),
            before=self._before(part, taken, answered),
        )
        routed = tuple(routing.route(part, at, asked) for at, routing in enumerate(self._routings))
        names = part.names
        scores = part.judged.scores[:, :3] / MICRO
        return Columns(
            conversation=part.told.conversation,
            at_us=part.told.at_us,
            label=part.judged.label,
            characters=part.judged.characters,
            success=np.where(scores < 0, np.nan, scores),
            user=tuple(names[at] for at in part.told.user.tolist()),
            key=tuple(names[at] for at in part.told.key.tolist()),
            logged=self._logged(part, answered),
            logged_model=tuple(
                "" if at == ABSENT else names[at] for at in part.replied.model.tolist()
            ),
            tokens=tokens[:, :3],
            policies=routed,
        )

    def _logged(self, part: Part, answered: Index) -> Money:
        """What the log's answers cost: by its own word, else by the book, else by list price."""
        cost = part.replied.cost
        missing = cost == UNKNOWN
        if (ours := missing & (answered != ABSENT)).any():
            cost = np.where(ours, self._routings[0].paid(part, answered), cost)
        if (others := missing & (answered == ABSENT)).any():
            cost = np.where(others, self._paid.cost(part, others), cost)
        return cost

    def _before(self, part: Part, taken: NDArray[np.int64], answered: Index) -> Before:
        """What came before each request: by the log's own word, where it has any."""
        before = self._conversations.follow(part, taken, answered)
        own = is_complete(part)
        if not own.any():
            return before
        warm = [_warm(facts) for facts in part.facts]
        known = self._routings[0].known
        tokens = np.array([*(one.tokens if one else 0 for one in warm), 0], np.int64)
        model = np.array(
            [*(known.get(one.model, ABSENT) if one else _NONE for one in warm), _NONE], np.int32
        )
        at = part.asked.recorded
        return Before(
            tokens=np.where(own, tokens[at], before.tokens),
            gap_us=np.where(own, 0, before.gap_us),
            told=own,
            same=np.where(own, (model[at] == _NONE) | (model[at] == answered), before.same),
        )


def _warm(facts: bytes) -> Warm | None:
    return msgspec.msgpack.decode(facts, type=Facts).warm
