"""Training rows from one's own traffic: entries with kept prompts, and what is known of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from classifier.corpus import Example
from classifier.types import LABELS, TIERS, Label, Tier
from router.domain import Entry, Feedback
from router.ledger.facets import EVER, Span
from router.ledger.place import Place
from router.ledger.store import Store
from router.traffic.evidence import Evidence, Finding, gather, weigh
from router.traffic.kept import turns_of
from router.traffic.reasks import find_reasks

SOURCE: Final = "traffic"
Asked: TypeAlias = tuple[str, ...]
"""The human turns of a prompt: what makes two entries the same question."""


def rows_from_ledger(place: Place, span: Span = EVER) -> list[Example]:
    """The training rows that the ledger at `place` holds for the entries of `span`.

    Empty where no prompt was kept, or nothing is known of those that were. Raises LedgerError
    where the store cannot be read; the spool is the caller's to drain before (`catch_up`).
    """
    store = Store(place)
    try:
        return learn(list(store.entries(span, with_text=True)), store.feedback(span))
    finally:
        store.close()


def learn(entries: Sequence[Entry], feedback: Iterable[Feedback]) -> list[Example]:
    """A row for each prompt of `entries` of which something is known, in the order of arrival.

    A prompt that came several times is one row: it counts once, and all that is known of it
    together. Entries without text teach nothing.
    """
    texts = [entry for entry in entries if entry.prompt]
    known = gather(texts, feedback, find_reasks(texts))
    asked: dict[Asked, list[Entry]] = defaultdict(list)
    for entry in texts:
        if entry.id in known:
            asked[turns_of(entry)].append(entry)
    rows = []
    for turns, same in asked.items():
        row = _row(turns, same, [piece for entry in same for piece in known[entry.id]])
        rows += [] if row.blank else [row]
    return rows


def _row(turns: Asked, same: Sequence[Entry], evidence: Sequence[Evidence]) -> Example:
    finding = weigh(evidence)
    label = _label(finding, same[-1])
    shares = {} if label == "needs_info" else _shares(evidence)
    return Example(
        prompt=turns[-1],
        earlier=turns[:-1],
        id=same[-1].id,
        source=SOURCE,
        label=label,
        needs_info=_needs_info(finding),
        conf=round(finding.trust, 3),
        share_small=shares.get("easy"),
        share_mid=shares.get("medium"),
        share_top=shares.get("hard"),
        provenance=f"{SOURCE}: {', '.join(finding.kinds)}",
    )


def _label(finding: Finding, entry: Entry) -> Label | None:
    """The one label that is left, or the likeliest of those left where the verdict's is not.

    Where the verdict's own label is among several that are left, nothing was learned of it: to
    repeat it would teach the classifier its own opinion.
    """
    if len(finding.labels) == 1:
        return finding.labels[0]
    verdict = entry.decision.verdict
    if verdict is None:
        return None
    if verdict.label in finding.labels:
        return None
    likely: Mapping[str, float] = msgspec.structs.asdict(verdict.probabilities)
    return max(finding.labels, key=lambda label: (likely[label], -LABELS.index(label)))


def _needs_info(finding: Finding) -> int | None:
    """Whether the prompt lacks something: where somebody said so, or an answer would do."""
    if finding.labels == ("needs_info",):
        return 1
    return 0 if {"label", "judge", "good"} & set(finding.kinds) else None


def _shares(evidence: Iterable[Evidence]) -> dict[Tier, float]:
    """For each tier with answers that were judged: how likely such a model solves the prompt.

    One answer that is believed by half to be wrong speaks for a quarter, not for nothing: each is
    moved from one half towards 0 or 1 as far as it is trusted, and they are averaged.
    """
    spoken: dict[Tier, list[float]] = {tier: [] for tier in TIERS}
    for piece in evidence:
        if piece.tier is not None and piece.solved is not None:
            spoken[piece.tier].append(0.5 + (0.5 if piece.solved else -0.5) * piece.trust)
    return {tier: round(sum(said) / len(said), 3) for tier, said in spoken.items() if said}
