"""Answers that stand in other files than their requests, brought together by their ids."""

from collections.abc import Sequence

import msgspec

from router.columns import UNKNOWN
from router.replay.logged import Answered
from router.replay.part import ABSENT, Part
from router.replay.sources import Source
from router.wire.tokens import estimate_usage


class Answers:
    """Answers that wait for their requests. Files of answers come first, see `answers_first`."""

    def __init__(self) -> None:
        self._waiting: dict[str, bytes] = {}

    @property
    def left(self) -> int:
        """How many have met no request."""
        return len(self._waiting)

    def join(self, part: Part) -> Part:
        """`part` with the answers to its requests, as far as they are known by now."""
        self._waiting.update(part.answers)
        if not self._waiting or not part.rows:
            return part
        found = {
            at: msgspec.msgpack.decode(answer, type=Answered)
            for at, name in enumerate(part.told.custom_id.tolist())
            if name != ABSENT and (answer := self._waiting.pop(part.names[name], None))
        }
        return _with(part, found) if found else part


def answers_first(sources: Sequence[tuple[Source, bool]]) -> list[Source]:
    """The sources, those that hold answers before those that hold requests."""
    return [source for source, _ in sorted(sources, key=lambda each: not each[1])]


def _with(part: Part, answers: dict[int, Answered]) -> Part:
    names = {name: at for at, name in enumerate(part.names)}
    replied = part.replied
    model, tokens = replied.model.copy(), replied.tokens.copy()
    called_tools, cost = replied.called_tools.copy(), replied.cost.copy()
    for at, answer in answers.items():
        model[at] = names.setdefault(answer.model, len(names))
        usage = answer.usage
        if answer.output_bytes:
            # Nobody counted its tokens: they are counted by its text, as in every other format.
            usage = estimate_usage(int(part.asked.input_tokens[at]), answer.output_bytes)
        if usage.source != "none":
            tokens[at] = (usage.input, usage.cached, usage.output, usage.reasoning)
        called_tools[at] = answer.called_tools
        cost[at] = UNKNOWN if answer.cost is None else answer.cost
    said = msgspec.structs.replace(
        replied, model=model, tokens=tokens, called_tools=called_tools, cost=cost
    )
    return msgspec.structs.replace(part, replied=said, names=tuple(names))
