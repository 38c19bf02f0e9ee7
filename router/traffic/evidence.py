"""What is known of a prompt's difficulty, from what happened to its answers and was said of them.

Every kind of evidence leaves some labels possible, and is trusted so far. Trusts lie above
`classifier.corpus.LEAST_TRUST` (.35), so each kind can teach; of those that nobody stated, none
reaches one half, from where on rows judge a model.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from classifier.types import LABELS, TIERS, Label, Tier
from router.domain import DecisionId, Entry, Feedback
from router.traffic.reasks import Reask

Kind: TypeAlias = Literal[
    "label", "judge", "good", "bad", "sent_up", "escalated", "reasked", "repeated"
]

TRUST: Final[Mapping[Kind, float]] = {
    # A person who saw prompt and answer; but one, once, and nobody looked again.
    "label": 0.9,
    # It answers whether this answer would do; that the tier is enough follows from one sample.
    "good": 0.6,
    # A model that read the prompt alone. Such judges agree with people on four of five answers
    # (Zheng et al. 2023, arXiv:2306.05685), and here there is no answer to look at.
    "judge": 0.6,
    # Somebody paid for a second answer.
    "sent_up": 0.55,
    # An answer can displease for its tone, its length or an unlucky sample.
    "bad": 0.5,
    # The router's own check of an answer: a rule, not a reader.
    "escalated": 0.45,
    # Words that mean it, read by a list of patterns; they may be about something else.
    "reasked": 0.45,
    # Impatience and lost answers look the same.
    "repeated": 0.4,
}


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is known of one prompt."""

    kind: Kind
    labels: tuple[Label, ...]
    """What it leaves possible."""
    tier: Tier | None = None
    """The tier whose answer it is about, where it is about one."""
    solved: bool | None = None
    """Whether that tier's answer would do."""
    at_us: int

    @property
    def trust(self) -> float:
        """How far it is believed, 0 to 1."""
        return TRUST[self.kind]


def gather(
    entries: Iterable[Entry], feedback: Iterable[Feedback], reasks: Iterable[Reask]
) -> dict[DecisionId, list[Evidence]]:
    """Everything that is known of each entry. What belongs to none of `entries` is left out.

    A fallback says nothing of a prompt: its cause was an outage. What the sandbox answered says
    nothing either, only what was said of the prompt itself does.
    """
    known = {entry.id: entry for entry in entries}
    found: dict[DecisionId, list[Evidence]] = {name: [] for name in known}
    for entry in known.values():
        found[entry.id] += _escalation(entry)
    for said in feedback:
        if said.decision_id in known:
            found[said.decision_id] += _said(known[said.decision_id], said)
    for reask in reasks:
        if reask.of in known:
            found[reask.of] += _answer(known[reask.of], reask.reaction, solved=False)
    return {name: evidence for name, evidence in found.items() if evidence}


def _said(entry: Entry, said: Feedback) -> Iterator[Evidence]:
    if said.label is not None:
        kind: Kind = "judge" if said.witness == "judge" else "label"
        yield Evidence(kind=kind, labels=(said.label,), at_us=said.at_us)
    if said.opinion is not None:
        kind = "sent_up" if said.opinion == "escalated" else said.opinion
        yield from _answer(entry, kind, solved=said.opinion == "good", at_us=said.at_us)


def _answer(
    entry: Entry, kind: Kind, *, solved: bool, at_us: int | None = None
) -> Iterator[Evidence]:
    """That the answer of an entry would do, or would not: its tier is enough, or too easy."""
    tier = _answering_tier(entry)
    if tier is None:
        return
    rank = TIERS.index(tier)
    # A prompt that the hard tier fails is as hard as there is a label for. Where an answer is
    # wrong the prompt may also lack something; that is for those to say who read it.
    harder = TIERS[rank + 1 :] or TIERS[-1:]
    yield Evidence(
        kind=kind,
        labels=TIERS[: rank + 1] if solved else harder,
        tier=tier,
        solved=solved,
        at_us=entry.at_us if at_us is None else at_us,
    )


def _escalation(entry: Entry) -> Iterator[Evidence]:
    """That an answer was not good enough for the router itself, which asked a harder tier."""
    decision = entry.decision
    if decision.reason != "escalated" or entry.simulated:
        return
    reached = TIERS.index(decision.tier)
    below = [a.tier for a in entry.outcome.attempts if TIERS.index(a.tier) < reached]
    failed = max(below, key=TIERS.index, default=TIERS[max(0, reached - 1)])
    harder = TIERS[TIERS.index(failed) + 1 :] or TIERS[-1:]
    yield Evidence(kind="escalated", labels=harder, tier=failed, solved=False, at_us=entry.at_us)


def _answering_tier(entry: Entry) -> Tier | None:
    """The tier whose model wrote the answer; none where there is none to judge a tier by."""
    attempts = entry.outcome.attempts
    if entry.simulated or entry.decision.reason == "passthrough" or not attempts:
        return None
    return None if attempts[-1].fault else attempts[-1].tier


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What evidence comes to."""

    labels: tuple[Label, ...]
    """What it leaves possible, in the order of LABELS."""
    trust: float
    kinds: tuple[Kind, ...]
    """The kinds that were used, the most trusted first."""


def weigh(evidence: Iterable[Evidence]) -> Finding:
    """What all of `evidence`, at least one, comes to.

    The most trusted speaks first, the latest first among equals. Each further piece narrows what
    is left; one that would leave nothing contradicts, and is set aside. The finding is as
    trusted as the weakest piece that narrowed it, times the share that piece has of the trust in
    it and in all that contradicts.
    """
    left: tuple[Label, ...] = LABELS
    trust, against = 0.0, 0.0
    kinds: list[Kind] = []
    for piece in sorted(evidence, key=lambda one: (-one.trust, -one.at_us)):
        narrowed = tuple(label for label in left if label in piece.labels)
        if not narrowed:
            against += piece.trust
            continue
        kinds.append(piece.kind)
        if narrowed != left or not trust:
            left, trust = narrowed, piece.trust
    return Finding(
        labels=left, trust=trust * trust / (trust + against), kinds=tuple(dict.fromkeys(kinds))
    )
