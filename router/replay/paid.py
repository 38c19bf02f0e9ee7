"""What a log's own answers cost, where models gave them that no policy names."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from router.columns import UNKNOWN, Money
from router.prices.listed import quote_named
from router.prices.rates import Rate
from router.replay.charging import price_tokens
from router.replay.part import ABSENT, Part


class Paid:
    """List prices by the names that logs use, looked up once each."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._rates: dict[str, tuple[Rate, ...]] = {}

    def cost(self, part: Part, rows: NDArray[np.bool_]) -> Money:
        """(n,) By list price, for `rows` whose tokens were counted; UNKNOWN for all others."""
        tokens, model = part.replied.tokens, part.replied.model
        counted = rows & (model != ABSENT) & (tokens[:, 0] >= 0)
        found = np.full(part.rows, UNKNOWN, np.int64)
        for at in set(model[counted].tolist()):
            mine = counted & (model == at)
            rates = self._find(part.names[at])
            taken, cached, output = (tokens[mine, column] for column in range(3))
            parts, _ = price_tokens(rates, taken, cached, output)
            known = (parts != UNKNOWN).all(axis=1)
            found[mine] = np.where(known, parts.sum(axis=1), UNKNOWN)
        return found

    def _find(self, name: str) -> tuple[Rate, ...]:
        if name not in self._rates:
            # Some logs write the host before the model.
            plain = name.rpartition("/")[2]
            self._rates[name] = quote_named(plain, self._at).rates if plain else ()
        return self._rates[name]
