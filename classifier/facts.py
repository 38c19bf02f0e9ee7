"""What a model learned from: sources, licences, counts, and the baselines it has to beat."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import numpy as np

from classifier.corpus import Example
from classifier.types import LABELS, Label, Version

LENGTH_BINS: Final = 20


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One source of training rows."""

    name: str
    rows: int
    labels: dict[str, int]
    """Rows of each label, at any trust."""
    needs_info: int
    """Rows that say whether something is missing."""
    shares: tuple[int, int, int]
    """Rows with a share of the easy, medium and hard tier's models."""
    majority: Label | None
    licenses: tuple[str, ...]


class LengthRule(msgspec.Struct, frozen=True, kw_only=True):
    """The likeliest label by nothing but the number of characters."""

    edges: tuple[float, ...]
    """Upper ends of the bins but the last."""
    labels: tuple[Label, ...]

    def label(self, length: int) -> Label:
        """What the rule says of a prompt of `length` characters."""
        return self.labels[int(np.searchsorted(self.edges, length))]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a training run that its evaluation and its card need."""

    data: str
    """SHA-256 of the data files, hex."""
    encoder: str
    rows: int
    left_out: dict[str, int]
    """Licence class → rows that were given and did not train."""
    sources: tuple[Source, ...]
    majority: Label
    """The commonest label."""
    length_rule: LengthRule
    base: Version | None = None
    """The version that it was built upon, which learned from more than this."""
    held_macro_f1: float
    """On the rows that calibrated it, with trust of at least one half; a little kind, since the
    cut-off of needs_info was chosen there."""


def built_upon(new: Facts, before: Facts | None, base: Version) -> Facts:
    """The facts of a version that learned `new` on top of `base`, which had learned `before`.

    A source that both name is counted once, where it has more rows. The baselines are those of
    what the version stands on: rules made of a few hundred rows would be too easy to beat.
    """
    if before is None:
        return msgspec.structs.replace(new, base=base)
    known = {source.name: source for source in before.sources}
    for source in new.sources:
        if source.name not in known or known[source.name].rows < source.rows:
            known[source.name] = source
    merged = tuple(sorted(known.values(), key=lambda source: -source.rows))
    return msgspec.structs.replace(
        new,
        rows=sum(source.rows for source in merged),
        left_out={
            name: new.left_out.get(name, 0) + before.left_out.get(name, 0)
            for name in sorted({*new.left_out, *before.left_out})
        },
        sources=merged,
        majority=before.majority,
        length_rule=before.length_rule,
        base=base,
    )


def sources(examples: Sequence[Example]) -> tuple[Source, ...]:
    """Counts of each source, largest first."""
    names = Counter(example.source for example in examples)
    return tuple(
        _source(name, [example for example in examples if example.source == name])
        for name, _ in names.most_common()
    )


def majority(examples: Iterable[Example]) -> Label | None:
    """The commonest label; none where nothing is labelled."""
    counted = Counter(example.label for example in examples if example.label)
    return counted.most_common(1)[0][0] if counted else None


def length_rule(examples: Sequence[Example], fallback: Label) -> LengthRule:
    """The commonest label of the labelled rows in each of `LENGTH_BINS` equally full bins."""
    labelled = [example for example in examples if example.label]
    lengths = np.array([len(example.prompt) for example in labelled] or [0])
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, LENGTH_BINS + 1)[1:-1]))
    bins: list[list[Example]] = [[] for _ in range(len(edges) + 1)]
    for example in labelled:
        bins[int(np.searchsorted(edges, len(example.prompt)))].append(example)
    return LengthRule(
        edges=tuple(edges.tolist()), labels=tuple(majority(rows) or fallback for rows in bins)
    )


def label_counts(facts: Facts) -> dict[Label, int]:
    """Training rows of each label, over all sources."""
    return {label: sum(source.labels.get(label, 0) for source in facts.sources) for label in LABELS}


def _source(name: str, rows: Sequence[Example]) -> Source:
    counted = Counter(example.label for example in rows)
    return Source(
        name=name,
        rows=len(rows),
        labels={label: counted[label] for label in LABELS if counted[label]},
        needs_info=sum(example.needs_info is not None for example in rows),
        shares=(
            sum(example.share_small is not None for example in rows),
            sum(example.share_mid is not None for example in rows),
            sum(example.share_top is not None for example in rows),
        ),
        majority=majority(rows),
        licenses=tuple(sorted({_license(example) for example in rows})),
    )


def _license(example: Example) -> str:
    stated = example.license_class not in {None, "none_stated"} and example.license
    return stated or (f"none stated ({example.license})" if example.license else "none stated")
