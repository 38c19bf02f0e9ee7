"""THE BATCH PATH: parts of a log in their order → what every policy does with them, as columns."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from router.columns import UNKNOWN, Columns, Money
from router.replay.conversations import Conversations
from router.replay.part import ABSENT, MICRO, Part
from router.replay.routing import Asked, Routing, Terms


class Replay:
    """Policies over a log. Holds what conversations need, and nothing that grows with the log."""

    def __init__(self, policies: Sequence[Terms]) -> None:
        self._routings = [Routing(terms) for terms in policies]
        self._conversations = Conversations()
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
            before=self._conversations.follow(part, taken, answered),
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
            logged=_logged(part, first, answered),
            logged_model=tuple(
                "" if at == ABSENT else names[at] for at in part.replied.model.tolist()
            ),
            tokens=tokens[:, :3],
            policies=routed,
        )


def _logged(part: Part, routing: Routing, answered: NDArray[np.int32]) -> Money:
    """What the log's own answers cost: by its own word, else by the book."""
    cost = part.replied.cost
    missing = (cost == UNKNOWN) & (answered != ABSENT) & (part.replied.tokens[:, 0] >= 0)
    if not missing.any():
        return cost
    return np.where(missing, routing.paid(part, answered), cost)
