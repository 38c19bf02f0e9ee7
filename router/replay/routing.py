"""One policy over a log: decide, lead the conversations, settle."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from classifier.types import TIERS
from router.columns import PARTS, UNKNOWN, Money, Routed
from router.config.schema import Config
from router.domain import Facts, ModelId, Warm
from router.policy.table import PolicyTable
from router.prices.book import Prices
from router.prices.lengths import Lengths
from router.prices.prefixes import MOST, Prefix, Prefixes, found_many
from router.replay.charging import Charged, Charging, Written, name_models
from router.replay.conversations import Before, Loops
from router.replay.deciding import Choices, Deciding, facts_of, verdict_of
from router.replay.part import ABSENT, Array, Index, Part, is_complete

_TIERS: Final = range(len(TIERS))


class Terms(Struct, frozen=True, kw_only=True):
    """One policy, with everything that it decides and settles by."""

    name: str
    config: Config
    table: PolicyTable
    prices: Prices
    lengths: Lengths
    life_s: Callable[[ModelId], float]
    """How long the host of a model keeps a prefix, seconds; 0: it has no price for that."""


class Asked(Struct, frozen=True, kw_only=True):
    """What a part says of its requests, whatever the policy."""

    taken: NDArray[np.int64]
    """(n,) Input tokens: the log's count, else an estimate."""
    cached: NDArray[np.int64]
    """(n,) Of it what the log saw cached; 0 where it did not look."""
    before: Before


class _Turn(NamedTuple):
    """One request as a step of its conversation."""

    at: int
    conversation: int
    loop: int
    at_us: int
    taken: int
    shared: int
    """Input tokens that it begins with like the turn before; 0 for a first turn."""
    follows: bool
    """Whether its own log says nothing of where the conversation stood."""
    called_tools: int


class Routing:
    """One policy at work. Parts come in the order of the log."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.models: tuple[ModelId, ...] = tuple(terms.config.model)
        self.known = _names(terms.config)
        self._deciding = Deciding(terms.table, self.models)
        self._charging = Charging(self.models, terms.prices, terms.lengths)
        self._prefixes = Prefixes(terms.life_s)
        self._loops = Loops()
        self._last: OrderedDict[int, int] = OrderedDict()
        """Conversation → the model that served it last."""

    def answered(self, part: Part) -> Index:
        """Which of this policy's models gave the log's answers; ABSENT: none of them."""
        return name_models(part, self.known)

    def route(self, part: Part, policy: int, asked: Asked) -> Routed:
        """What this policy does with each request, and what it would cost."""
        answered = self.answered(part)
        choices = self._deciding.choose(part, policy)
        found = self._lead(part, policy, asked, choices)
        used = set(choices.candidates.ravel().tolist()) | set(choices.model.tolist())
        written = {
            model: self._charging.written(model, part, answered)
            for model in sorted(used - {ABSENT})
        }
        alone = {model: self._alone(model, asked, answered, of) for model, of in written.items()}
        served = self._served(asked, choices.model, answered, found, written)
        waits = {model: self._charging.latency_ms(model, of) for model, of in written.items()}
        return Routed(
            tier=choices.tier,
            model=choices.model,
            models=self.models,
            reason=choices.reason,
            cost=served.parts,
            cost_shared=served.shared,
            cost_own=served.own,
            tiers=_by_tier(
                choices, {m: of.parts for m, of in alone.items()}, UNKNOWN, (len(PARTS),)
            ),
            tiers_shared=_by_tier(choices, {m: of.shared for m, of in alone.items()}, 0.0),
            tiers_own=_by_tier(choices, {m: of.own for m, of in alone.items()}, 0.0),
            latency_ms=_by_tier(choices, waits, np.nan),
        )

    def paid(self, part: Part, answered: Index) -> Money:
        """What the log's answers cost by this policy's prices; UNKNOWN where nobody can tell."""
        tokens = part.replied.tokens
        found = np.full(part.rows, UNKNOWN, np.int64)
        for model in set(answered.tolist()) - {ABSENT}:
            rows = (answered == model) & (tokens[:, 0] >= 0)
            nothing = np.zeros(int(rows.sum()))
            output = tokens[rows, 2].astype(np.float64)
            written = Written(mean=output, shared=nothing, own=nothing)
            charged = self._charging.charge(model, tokens[rows, 0], tokens[rows, 1], written)
            known = (charged.parts != UNKNOWN).all(axis=1)
            found[rows] = np.where(known, charged.parts.sum(axis=1), UNKNOWN)
        return found

    def _lead(self, part: Part, policy: int, asked: Asked, choices: Choices) -> NDArray[np.int64]:
        """Go through the conversations: tokens that the model of each decision finds in its cache.

        A turn that goes on where it might not have begun is decided again, with what is known.
        """
        found = np.zeros(part.rows, np.int64)
        for turn in _turns(part, asked):
            prefix = Prefix(conversation=turn.conversation, tokens=turn.taken)
            if turn.follows and (facts := self._known_by_then(turn, prefix, choices)):
                given = facts_of(part, turn.at, policy)
                facts = msgspec.structs.replace(given, pin=facts.pin, warm=facts.warm)
                _revise(choices, turn.at, self._deciding.decide(verdict_of(part, turn.at), facts))
            at = int(choices.model[turn.at])
            if at == ABSENT:
                continue
            model = self.models[at]
            if turn.shared:
                found[turn.at] = min(self._prefixes.found(model, prefix, turn.at_us), turn.shared)
            self._prefixes.served(model, prefix, turn.at_us)
            self._remember(turn, at)
        return found

    def _known_by_then(self, turn: _Turn, prefix: Prefix, choices: Choices) -> Facts | None:
        """Pin and warm model of a turn, where they may change its decision; else nothing."""
        chosen = int(choices.model[turn.at])
        pin = self._loops.pin(turn.loop) if turn.loop else None
        last = self._last.get(turn.conversation, ABSENT) if turn.shared else ABSENT
        if (pin is None or self.models[chosen] == pin) and last in {ABSENT, chosen}:
            return None
        warm = None
        if last not in {ABSENT, chosen}:
            tokens = self._prefixes.found(self.models[last], prefix, turn.at_us)
            warm = Warm(model=self.models[last], tokens=tokens) if tokens else None
        return Facts(input_tokens=0, pin=pin, warm=warm) if pin or warm else None

    def _remember(self, turn: _Turn, model: int) -> None:
        last = self._last
        last.pop(turn.conversation, None)
        last[turn.conversation] = model
        if len(last) > MOST:
            last.popitem(last=False)
        if turn.called_tools and turn.loop:
            self._loops.begin(turn.loop, self.models[model])

    def _alone(self, model: int, asked: Asked, answered: Index, written: Written) -> Charged:
        """What it would cost in a world where `model` serves all.

        Where it did so in the log, the log's own count of what was cached is the truth. Elsewhere
        it finds what the turn before left, and what the log saw cached for others too.
        """
        before = asked.before
        life_s = self.terms.life_s(self.models[model])
        left = found_many(before.tokens, asked.taken, before.gap_us, life_s)
        left = np.where(before.told, np.minimum(before.tokens, asked.taken), left)
        exact = (answered == model) & before.same
        cached = np.where(exact, asked.cached, np.maximum(asked.cached, left))
        return self._charging.charge(model, asked.taken, cached, written)

    def _served(
        self,
        asked: Asked,
        chosen: Index,
        answered: Index,
        found: NDArray[np.int64],
        written: Mapping[int, Written],
    ) -> Charged:
        """What the decisions cost: exactly what the log counted, where its model is the decided."""
        n = len(chosen)
        first = asked.before.tokens == 0
        cached = np.where((chosen == answered) | first, asked.cached, found)
        parts = np.full((n, len(PARTS)), UNKNOWN, np.int64)
        shared, own = np.zeros(n), np.zeros(n)
        for model, of in written.items():
            rows = chosen == model
            if not rows.any():
                continue
            picked = Written(mean=of.mean[rows], shared=of.shared[rows], own=of.own[rows])
            charged = self._charging.charge(model, asked.taken[rows], cached[rows], picked)
            parts[rows], shared[rows], own[rows] = charged.parts, charged.shared, charged.own
        return Charged(parts=parts, shared=shared, own=own)


def _turns(part: Part, asked: Asked) -> Iterator[_Turn]:
    told = part.told
    return map(
        _Turn,
        range(part.rows),
        told.conversation.tolist(),
        told.loop.tolist(),
        told.at_us.tolist(),
        asked.taken.tolist(),
        asked.before.tokens.tolist(),
        (~is_complete(part)).tolist(),
        part.replied.called_tools.tolist(),
    )


def _revise(choices: Choices, at: int, made: tuple[int, ...]) -> None:
    choices.tier[at], choices.model[at], choices.reason[at] = made[:3]
    choices.candidates[at] = made[3:]


def _by_tier(
    choices: Choices, by_model: Mapping[int, Array], missing: float, shape: tuple[int, ...] = ()
) -> Array:
    """(n, 3, …) For each tier what `by_model` has for the model that would serve there."""
    kind = next((array.dtype for array in by_model.values()), np.dtype(float))
    found = np.full((len(choices.model), len(TIERS), *shape), missing, kind)
    for tier in _TIERS:
        for model, array in by_model.items():
            rows = choices.candidates[:, tier] == model
            found[rows, tier] = array[rows]
    return found


def _names(config: Config) -> dict[str, int]:
    """Every name by which a log may mean a model: its id here, and at its host.

    Where two profiles are one model at the host, the first in the file is taken.
    """
    names: dict[str, int] = {}
    for at, settings in enumerate(config.model.values()):
        names.setdefault(settings.name, at)
    return names | {model: at for at, model in enumerate(config.model)}
