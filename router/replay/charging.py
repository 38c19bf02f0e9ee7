"""What requests would cost, by the price book and the output lengths, for many at once.

The same arithmetic as `router.prices.settlement`, on arrays; a test holds the two together.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from router.columns import PARTS, UNKNOWN, Floats, Money
from router.domain import ModelId
from router.prices.book import Prices
from router.prices.caps import under_caps
from router.prices.features import matrix
from router.prices.lengths import Lengths
from router.prices.rates import Rate
from router.replay.gather import CAPABILITIES
from router.replay.part import ABSENT, MICRO, Index, Part

_TOOLS: Final = 1 << CAPABILITIES.index("tools")
_DIGITS: Final = 12
"""Of a ratio of deviations: beyond them is rounding, which would tell equal ones apart."""


class Written(Struct, frozen=True, kw_only=True):
    """Output tokens of n requests, as one model would write them."""

    mean: Floats
    """(n,) NaN where nobody knows."""
    shared: Floats
    """(n,) One standard deviation of either doubt, tokens; 0 where the log has it."""
    own: Floats


class Charged(Struct, frozen=True, kw_only=True):
    """What n requests would cost with one model."""

    parts: Money
    """(n, 3) By PARTS."""
    shared: Floats
    own: Floats


class Charging:
    """The prices and the lengths of the models of one policy."""

    def __init__(self, models: Sequence[ModelId], prices: Prices, lengths: Lengths) -> None:
        self._models = tuple(models)
        self._prices = prices
        self._lengths = lengths
        self._ratios = lengths.ratios(self._models)
        self._reference = _reference(self._models, lengths)
        self._limits = [lengths.limit(model) for model in models]

    def written(self, model: int, part: Part, answered: Index) -> Written:
        """What `model` would have written to each request; `answered` is who did, ABSENT: nobody.

        An answer of a model that is not configured is taken for the reference model's, in whose
        tokens the ratios are stated.
        """
        output = part.replied.tokens[:, 2].astype(np.float64)
        known = output >= 0
        by = np.where(known & (answered == ABSENT), self._reference, answered)
        by = np.where(known, by, ABSENT)
        mean, shared, own = (np.full(part.rows, np.nan) for _ in range(3))
        if (rows := by != ABSENT).any():
            ratios = self._ratios
            mean[rows] = output[rows] * ratios.mean[by[rows], model]
            shared[rows] = output[rows] * ratios.shared_sd[by[rows], model]
            own[rows] = output[rows] * ratios.own_sd[by[rows], model]
        if not rows.all():
            expected = self._expect(model, part, ~rows)
            mean[~rows], shared[~rows], own[~rows] = expected
        guessed = answered != model
        if guessed.any():
            capped = _cap(self._limits[model], part, mean[guessed], own[guessed], guessed)
            shared[guessed] *= _share(capped[0], mean[guessed])
            mean[guessed], own[guessed] = capped
        return Written(mean=mean, shared=shared, own=own)

    def charge(
        self, model: int, taken: NDArray[np.int64], cached: NDArray[np.int64], written: Written
    ) -> Charged:
        """What `model` asks for so much input, of it cached, and so much output."""
        unsure = np.isnan(written.mean)
        output = np.rint(np.where(unsure, 0.0, written.mean)).astype(np.int64)
        quote = self._prices.quotes[self._models[model]]
        parts, price = price_tokens(quote.rates, taken, cached, output)
        parts[unsure, 2] = UNKNOWN
        return Charged(
            parts=parts,
            shared=np.nan_to_num(written.shared) * price,
            own=np.nan_to_num(written.own) * price,
        )

    def latency_ms(self, model: int, written: Written) -> Floats:
        """Expected time to the last byte; NaN where no speed was fitted."""
        level = self._lengths.level(self._models[model])
        if level is None or level.speed is None:
            return np.full(len(written.mean), np.nan)
        return level.speed.first_ms + level.speed.per_token_ms * written.mean

    def _expect(
        self, model: int, part: Part, rows: NDArray[np.bool_]
    ) -> tuple[Floats, Floats, Floats]:
        """Lengths of answers that nobody has seen."""
        scores = part.judged.scores[rows, 3:] / MICRO
        scores = np.where(scores < 0, np.nan, scores)
        tools = (part.asked.capabilities[rows] & _TOOLS) > 0
        vectors = matrix(part.asked.input_tokens[rows], scores[:, 0], scores[:, 1], tools)
        found = self._lengths.expect_many([self._models[model]], vectors)
        return found.mean[:, 0], found.shared_sd[:, 0], found.own_sd[:, 0]


def price_tokens(
    rates: Sequence[Rate],
    taken: NDArray[np.int64],
    cached: NDArray[np.int64],
    output: NDArray[np.int64],
) -> tuple[Money, Floats]:
    """What n requests cost by `rates`, (n, 3) by PARTS, and the price of a token of output.

    UNKNOWN without rates. As `Rate.cost` has it, more cached tokens than input is a miscount.
    """
    found = np.minimum(cached, taken)
    parts = np.full((len(taken), len(PARTS)), UNKNOWN, np.int64)
    price = np.zeros(len(taken))
    left = np.ones(len(taken), bool)
    for rate in rates:
        rows = left & (taken > rate.above)
        parts[rows, 0] = (taken - found)[rows] * rate.input
        parts[rows, 1] = found[rows] * rate.cached
        parts[rows, 2] = output[rows] * rate.output
        price[rows] = rate.output
        left &= ~rows
    return parts, price


def name_models(part: Part, known: Mapping[str, int]) -> Index:
    """Who answered each request: position among the models; ABSENT where it is none of them."""
    found = np.array([*(known.get(name, ABSENT) for name in part.names), ABSENT], np.int32)
    return found[part.replied.model]


def _cap(
    limit: int, part: Part, mean: Floats, own: Floats, rows: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Lengths under the caller's cap, else under what the profile sends.

    Lengths are whole numbers times a ratio, so a few hundred differ: each is capped once.
    """
    caps = part.asked.max_tokens[rows]
    cap = np.where(caps == ABSENT, limit, caps).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.where(mean > 0, own / mean, 0.0)
    cases, case_of = np.unique(
        np.column_stack([mean, relative.round(_DIGITS), cap]), axis=0, return_inverse=True
    )
    means, deviations = under_caps(cases[:, 0], cases[:, 1], cases[:, 2])
    back = case_of.reshape(-1)
    return means[back], deviations[back]


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.ones_like(whole), where=whole > 0)


def _reference(models: Sequence[ModelId], lengths: Lengths) -> int:
    """The model that ratios are stated against: the one whose own is 1 and sure."""
    sure = [
        at
        for at, model in enumerate(models)
        if (prior := lengths.stated.get(model)) and prior.ratio == 1.0 and prior.shared == 0.0
    ]
    return sure[0] if sure else ABSENT
