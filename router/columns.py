"""Simulated entries as columns: what a replay makes and what its summary adds up.

A log of a million requests is a million entries; told one by one they would take minutes and
gigabytes. Here a batch of them is a few arrays, row i of each the same request. Money is int64
pico-USD; a part that is unknown is -1, and a cost with an unknown part is unknown.
"""

from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from router.domain import ModelId

UNKNOWN: Final = -1
NOBODY: Final = 255
"""Code of a label that is not there, or of a tier where none could serve."""
PARTS: Final = ("fresh", "cached", "output")
"""What a cost is made of: input tokens that were not cached, those that were, output tokens."""

LATEST_US: Final = 253_402_300_799_999_999
"""The end of the year 9999, microseconds since the epoch: no calendar here goes further."""

Codes: TypeAlias = NDArray[np.uint8]
Money: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]


class Routed(Struct, frozen=True, kw_only=True):
    """What one policy does with a batch of n requests, and what each tier would cost each."""

    tier: Codes
    """(n,) Position in TIERS of the tier that serves; NOBODY where none can."""
    model: NDArray[np.int32]
    """(n,) Position in `models` of the model that serves; -1 where none can."""
    models: tuple[ModelId, ...]
    reason: Codes
    """(n,) Position in domain.REASONS; NOBODY where nothing can serve."""
    cost: Money
    """(n, 3) By PARTS: what the decision costs, after the conversation as this policy led it."""
    cost_shared: Floats
    """(n,) Its shared doubt, one standard deviation, pico-USD; see domain.Doubt."""
    cost_own: Floats
    """(n,) Its own doubt."""
    tiers: Money
    """(n, 3, 3) By tier, by PARTS: what it costs in a world where that tier alone serves all."""
    tiers_shared: Floats
    """(n, 3) By tier."""
    tiers_own: Floats
    """(n, 3) By tier."""
    latency_ms: Floats
    """(n, 3) By tier: expected time to the last byte; NaN where nobody knows."""


class Columns(Struct, frozen=True, kw_only=True):
    """A batch of n requests of a log, and what each policy does with them."""

    conversation: NDArray[np.uint64]
    """(n,) Digest that the requests of one conversation share: they are drawn together."""
    at_us: NDArray[np.int64]
    """(n,) Microseconds since the epoch, UTC; -1 where the log has no time. What is past
    LATEST_US is none either: a clock in another unit."""
    label: Codes
    """(n,) Position in LABELS; NOBODY without a verdict."""
    characters: NDArray[np.int64]
    """(n,) Length of the turn that was scored, or of what stands for it, for the length rule."""
    success: Floats
    """(n, 3) By tier: the verdict's success; NaN without one."""
    user: tuple[str, ...]
    key: tuple[str, ...]
    logged: Money
    """(n,) What the log's own answer cost; UNKNOWN where it has none, or no price."""
    logged_model: tuple[str, ...]
    """The model that answered in the log; empty where it does not say."""
    tokens: NDArray[np.int64]
    """(n, 3) Input, of it cached, and output of the log's own answer; -1 where it has none."""
    policies: tuple[Routed, ...]

    @property
    def rows(self) -> int:
        """Number of requests."""
        return len(self.at_us)

    @property
    def timed(self) -> NDArray[np.bool_]:
        """(n,) Requests whose time is known."""
        known: NDArray[np.bool_] = (self.at_us >= 0) & (self.at_us <= LATEST_US)
        return known
