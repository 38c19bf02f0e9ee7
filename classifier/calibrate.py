"""From logits to probabilities, and where needs_info begins: both on rows that no head has seen."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from classifier.metrics import macro_f1
from classifier.model import sigmoid
from classifier.targets import Floats, Task
from classifier.types import LABELS

CUTOFFS: Final = tuple(round(0.5 + 0.01 * step, 2) for step in range(31))
"""Never below one half: what is more likely answerable than not is not called needs_info."""
SLACK: Final = 0.01
"""Differences of macro-F1 that are noise: its standard error on held rows is half as much again."""
STEPS: Final = 100
PRIOR: Final = (4.0, 1.0)
"""How strongly slope and offset are held at "as it is": about as much as a dozen rows say. A few
rows of one's own move a calibration a little; thousands move it wherever they point."""
LEAST: Final = 1e-9
"""Probabilities are held this far from 0 and 1."""
TINY: Final = 1e-9
"""A step that ends the climb."""
FEW: Final = 200
"""Below so many labelled rows a cut-off would be noise."""


def calibrate(logits: Floats, before: Floats, task: Task) -> tuple[float, float]:
    """Slope and offset that make before + (1 - before) * sigmoid(slope * logit + offset) true.

    `logits` and `before` have one entry an example; the likelihood is of `task`'s shares, weighted
    by trust, climbed by Fisher scoring with steps that are halved until they rise: whole ones leap
    over the top where logits are several times too loud. With `before` 0 this is Platt's scaling
    (1999) and a prior.
    A head that is worse than none on these rows gets slope 0: its mean is all that it knows.
    """
    room = 1 - before[task.rows]
    slope, offset = _climb(logits[task.rows], room, task)
    if slope < 0:
        return 0.0, _climb(np.zeros(task.rows.size), room, task)[1]
    return slope, offset


def _climb(logits: Floats, room: Floats, task: Task) -> tuple[float, float]:
    columns = np.stack([logits, np.ones(task.rows.size)])
    start, prior = np.array([1.0, 0.0]), np.diag(PRIOR)

    def height(line: Floats) -> float:
        chance = np.clip(1 - room * (1 - sigmoid(line @ columns)), LEAST, 1 - LEAST)
        fit = task.target * np.log(chance) + (1 - task.target) * np.log(1 - chance)
        return float(task.trust @ fit - (line - start) @ prior @ (line - start) / 2)

    line, reached = start, height(start)
    for _ in range(STEPS):
        step = sigmoid(line @ columns)
        chance = np.clip(1 - room * (1 - step), LEAST, 1 - LEAST)
        slope = room * step * (1 - step)
        pull = task.trust * slope / (chance * (1 - chance))
        information = (columns * (pull * slope)) @ columns.T + prior
        gain = columns @ (pull * (task.target - chance)) - prior @ (line - start)
        move = np.linalg.solve(information, gain)
        while height(line + move) < reached and np.abs(move).max() > TINY:
            move = move / 2
        line = line + move
        reached = height(line)
        if np.abs(move).max() <= TINY:
            break
    return float(line[0]), float(line[1])


def choose_cutoff(lacking: Floats, tier: NDArray[np.intp], label: NDArray[np.intp]) -> float:
    """The highest cut-off on P(needs_info) whose macro-F1 over four labels is as good as any.

    As good: within `SLACK` of the best. The highest, because a false alarm costs the caller more
    than a prompt that is answered although something is missing. `tier` is the likeliest tier of
    each row, `label` the truth, as positions in LABELS.
    """
    lacks = LABELS.index("needs_info")
    scores = [macro_f1(label, np.where(lacking >= cut, lacks, tier)) for cut in CUTOFFS]
    best = max(scores)
    return max(cut for cut, score in zip(CUTOFFS, scores, strict=True) if score >= best - SLACK)
