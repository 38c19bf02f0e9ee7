"""A row of the table: one variant's figures, and how they came to be."""

from collections.abc import Sequence

import msgspec
import numpy as np

from benchmarks.variants import judge
from benchmarks.variants.catalogue import BASE, Shipped, leaves_out
from benchmarks.variants.cost import Cost
from benchmarks.variants.ground import Ground, Mask
from benchmarks.variants.judge import Apart, Reported, Said
from benchmarks.variants.workshop import Workshop


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One variant. Shares and scores are 0 to 1, intervals 95 % over resampled clusters."""

    name: str
    title: str
    command: str
    fitted: int
    """Rows that the variant learned from where no source was left out; 0 for the shipped one."""
    folds: int
    public: Apart | None
    """Public rows, their sources left out in turn: the figure by which variants are chosen. None
    where that was too dear, or the variant knows all sources."""
    own: Apart | None
    """The project's own examples, likewise."""
    kept: Apart
    """The project's own examples that are kept for promotion, all sources known."""
    val: Reported
    cost: Cost


def entry(workshop: Workshop, name: str, command: str, base: str = BASE) -> Entry:
    """The row of one variant, compared with `base`; what it needs is made where it is not yet."""
    ground = workshop.ground
    variant = workshop.variants[name]
    whole = workshop.settled(name, 0)
    own = _own(ground)
    public = ours = None
    if leaves_out(variant.making):
        told = _left_out(workshop, name)
        other = None if name == base else _left_out(workshop, base)
        public, ours = (
            judge.apart(_pick(told, mask), other and _pick(other, mask))
            for mask in (~own[_order(ground)], own[_order(ground)])
        )
    kept = np.flatnonzero(own & (ground.part == "promote"))
    rows = [ground.rows[at] for at in kept]
    return Entry(
        name=name,
        title=variant.title,
        command=command,
        fitted=0 if isinstance(variant.making, Shipped) else int(ground.fitted(0).sum()),
        folds=int(ground.fold.max()),
        public=public,
        own=ours,
        kept=judge.apart(judge.said(rows, whole.answers.rows[kept], whole.cutoff)),
        val=judge.report(judge.said(ground.val, whole.answers.val, whole.cutoff)),
        cost=workshop.cost(name),
    )


def _left_out(workshop: Workshop, name: str) -> Said:
    """Every row, judged by the run that left its source out, in `_order`."""
    ground = workshop.ground
    parts = []
    for run in _runs(ground):
        settled = workshop.settled(name, run)
        out = np.flatnonzero(ground.out(run))
        rows = [ground.rows[at] for at in out]
        parts.append(judge.said(rows, settled.answers.rows[out], settled.cutoff))
    return Said(
        rows=tuple(row for part in parts for row in part.rows),
        label=np.concatenate([part.label for part in parts]),
        lacking=np.concatenate([part.lacking for part in parts]),
        solved=np.concatenate([part.solved for part in parts]),
    )


def _pick(told: Said, mask: Mask) -> Said:
    chosen = np.flatnonzero(mask)
    return Said(
        rows=tuple(told.rows[at] for at in chosen),
        label=told.label[chosen],
        lacking=told.lacking[chosen],
        solved=told.solved[chosen],
    )


def _order(ground: Ground) -> Sequence[int]:
    return [int(at) for run in _runs(ground) for at in np.flatnonzero(ground.out(run))]


def _runs(ground: Ground) -> range:
    return range(1, int(ground.fold.max()) + 1)


def _own(ground: Ground) -> Mask:
    return np.array([row.provenance == "authored" for row in ground.rows], np.bool_)
