"""From logits to probabilities, and where needs_info begins: both on rows that no head has seen."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from classifier.metrics import macro_f1
from classifier.model import sigmoid
from classifier.targets import Floats, Task

CUTOFFS: Final = tuple(round(0.2 + 0.01 * step, 2) for step in range(61))


def calibrate(logits: Floats, before: Floats, task: Task) -> tuple[float, float]:
    """Slope and offset that make before + (1 - before) * sigmoid(slope * logit + offset) true.

    `logits` and `before` have one entry an example; the likelihood is of `task`'s shares, by trust.
    With `before` 0 this is Platt's scaling (1999). A task without rows keeps (1, 0).
    """
    from scipy.optimize import minimize  # noqa: PLC0415 (the train extra)

    if not task.rows.size:
        return 1.0, 0.0
    logit, done = logits[task.rows], before[task.rows]

    def loss(line: NDArray[np.float64]) -> float:
        chance = done + (1 - done) * sigmoid(line[0] * logit + line[1])
        chance = np.clip(chance, 1e-9, 1 - 1e-9)
        likelihood = task.target * np.log(chance) + (1 - task.target) * np.log1p(-chance)
        return -float(np.average(likelihood, weights=task.trust)) + 1e-4 * float(line @ line)

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return float(slope), float(offset)


def choose_cutoff(lacking: Floats, tier: NDArray[np.intp], label: NDArray[np.intp]) -> float:
    """The cut-off on P(needs_info) with the best macro-F1 over four labels.

    `tier` is the likeliest tier of each row, `label` the truth, as positions in LABELS; the middle
    of the best ones is taken where several tie.
    """
    lacks = 3
    scores = [macro_f1(label, np.where(lacking >= cut, lacks, tier)) for cut in CUTOFFS]
    best = [cut for cut, score in zip(CUTOFFS, scores, strict=True) if score == max(scores)]
    return best[len(best) // 2]
