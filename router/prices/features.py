"""What the length of an answer may depend on: a few numbers of the request and of its verdict.

Only what Facts and Verdict hold, so that an entry tells later what was known then.
"""

from math import log
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from classifier.types import Verdict
from router.domain import Facts

Floats: TypeAlias = NDArray[np.float64]
Vector: TypeAlias = tuple[float, float, float, float, float]

NAMES: Final = ("log_input", "difficulty", "needs_info", "tools", "unscored")
"""Components of a vector, in order; a fit on other ones is not ours."""
TYPICAL_INPUT: Final = 1_150
"""Input tokens at which `log_input` is 0; see `router.prices.tiers.TYPICAL`."""
_MIDDLE: Final = 0.5


class Features(Struct, frozen=True, kw_only=True):
    """One request, as far as its answer's length goes by it."""

    input_tokens: int
    difficulty: float | None = None
    """The verdict's, in [0, 1]; none where nothing was scored."""
    needs_info: float | None = None
    """The verdict's probability that the prompt lacks something; none with `difficulty`."""
    tools: bool = False
    """Whether the model was given tools."""


def features_of(facts: Facts, verdict: Verdict | None) -> Features:
    """The features of a request that was decided by `facts` and `verdict`."""
    return Features(
        input_tokens=facts.input_tokens,
        difficulty=None if verdict is None else verdict.difficulty,
        needs_info=None if verdict is None else verdict.probabilities.needs_info,
        tools="tools" in facts.capabilities,
    )


def vector(features: Features) -> Vector:
    """`features` as numbers, in the order of NAMES; 0 is a typical request of middling difficulty.

    What was not scored has a component of its own, and is middling in the others.
    """
    unscored = features.difficulty is None
    return (
        log(max(1, features.input_tokens) / TYPICAL_INPUT),
        0.0 if features.difficulty is None else features.difficulty - _MIDDLE,
        features.needs_info or 0.0,
        float(features.tools),
        float(unscored),
    )


def matrix(
    input_tokens: NDArray[np.int64],
    difficulty: Floats | None = None,
    needs_info: Floats | None = None,
    tools: NDArray[np.bool_] | None = None,
) -> Floats:
    """The vectors of n requests, (n, 5). Each argument is (n,); NaN where nothing was scored."""
    found = np.zeros((len(input_tokens), len(NAMES)))
    found[:, 0] = np.log(np.maximum(1, input_tokens) / TYPICAL_INPUT)
    found[:, 4] = 1.0
    if difficulty is not None:
        scored = ~np.isnan(difficulty)
        found[scored, 1] = difficulty[scored] - _MIDDLE
        found[:, 4] = ~scored
    if needs_info is not None:
        found[:, 2] = np.nan_to_num(needs_info)
    if tools is not None:
        found[:, 3] = tools
    return found
