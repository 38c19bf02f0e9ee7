"""Evidence: whose it is, what it leaves possible, and how pieces add up in any order."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from classifier.types import LABELS, TIERS, Label, Tier
from router.domain import Attempt, DecisionId, Entry, ModelId, Outcome
from router.traffic.evidence import TRUST, Evidence, Kind, gather, weigh
from router.traffic.reasks import Reask
from tests.ledgers import NOON_US, chosen, said
from tests.traffic import answered, asked, escalated

TEXT = "How many bridges cross the river?"


def possible() -> st.SearchStrategy[tuple[Label, ...]]:
    """Labels as evidence leaves them: one, or an end of the scale."""
    ends = [LABELS[:2], LABELS[1:3], LABELS[:3]]
    return st.sampled_from([*((label,) for label in LABELS), *ends])


KINDS: list[Kind] = list(TRUST)
PIECES = st.lists(
    st.tuples(st.sampled_from(KINDS), possible()), min_size=1, max_size=6
).map(
    # Each at a moment of its own: of equals the latest speaks first.
    lambda drawn: [
        Evidence(kind=kind, labels=labels, at_us=place)
        for place, (kind, labels) in enumerate(drawn)
    ]
)  # fmt: skip


@given(pieces=PIECES, seed=st.integers(0, 99))
def test_in_whatever_order_evidence_is_read_it_comes_to_the_same(
    pieces: list[Evidence], seed: int
) -> None:
    shuffled = random.Random(seed).sample(pieces, len(pieces))
    assert weigh(shuffled) == weigh(pieces)


@given(pieces=PIECES)
def test_a_finding_is_never_trusted_beyond_its_best_piece_and_never_empty(
    pieces: list[Evidence],
) -> None:
    found = weigh(pieces)
    assert 0 < found.trust <= max(piece.trust for piece in pieces) + 1e-9
    assert found.labels == tuple(label for label in LABELS if label in found.labels)
    assert found.labels
    assert set(found.kinds) <= {piece.kind for piece in pieces}


@given(pieces=PIECES)
def test_the_most_trusted_piece_is_never_overruled(pieces: list[Evidence]) -> None:
    best = max(pieces, key=lambda piece: (piece.trust, piece.at_us))
    found = weigh(pieces)
    assert set(found.labels) <= set(best.labels)
    assert found.kinds[0] == best.kind


@given(pieces=PIECES)
def test_contradiction_lowers_trust_and_changes_no_label(pieces: list[Evidence]) -> None:
    found = weigh(pieces)
    others = tuple(label for label in LABELS if label not in found.labels)
    least = min(pieces, key=lambda piece: piece.trust)
    doubt = Evidence(kind=least.kind, labels=others, at_us=-1)
    doubted = weigh([*pieces, doubt])
    assert doubted.labels == found.labels
    assert doubted.trust < found.trust


def gathered(*entries: Entry) -> dict[DecisionId, list[Evidence]]:
    """What entries say by themselves."""
    return gather(entries, (), ())


def test_what_is_said_of_decisions_that_are_not_there_is_left_out() -> None:
    entry = asked(1, TEXT)
    reask = Reask(of=DecisionId("0" * 32), by=entry.id, reaction="reasked")
    assert gather([entry], [said(2, label="hard")], [reask]) == {}


def test_feedback_with_an_opinion_and_a_label_is_two_pieces_of_one_moment() -> None:
    entry = asked(1, TEXT, tier="medium")
    heard = said(1, opinion="escalated", label="hard", at_us=NOON_US + 5)
    label, sent_up = gather([entry], [heard], ())[entry.id]
    assert (label.kind, label.labels, label.tier) == ("label", ("hard",), None)
    assert (sent_up.kind, sent_up.labels, sent_up.solved) == ("sent_up", ("hard",), False)
    assert label.at_us == sent_up.at_us == NOON_US + 5


@pytest.mark.parametrize("tier", TIERS)
def test_a_wrong_answer_of_any_tier_leaves_something_possible(tier: Tier) -> None:
    entry = asked(1, TEXT, tier=tier)
    (piece,) = gather([entry], [said(1, opinion="bad")], ())[entry.id]
    assert piece.labels == (TIERS[TIERS.index(tier) + 1 :] or ("hard",))
    (good,) = gather([entry], [said(1, opinion="good")], ())[entry.id]
    assert good.labels == TIERS[: TIERS.index(tier) + 1]


def test_an_answer_that_broke_off_is_no_answer_to_judge() -> None:
    cut = Attempt(model=ModelId("m"), tier="easy", status=200, fault="cut")
    broken = asked(1, TEXT, outcome=Outcome(status=200, attempts=(cut,)))
    never = asked(2, TEXT, outcome=Outcome(status=503))
    heard = [said(n, opinion="bad") for n in (1, 2)]
    assert gather([broken, never], heard, ()) == {}
    labelled = gather([broken], [said(1, opinion="bad", label="easy")], ())
    assert [piece.kind for piece in labelled[broken.id]] == ["label"]


def test_a_re_ask_speaks_of_the_moment_of_the_answer_and_not_of_the_sandbox_s() -> None:
    entry, played = asked(1, TEXT), asked(2, TEXT, simulated=True)
    reasks = [Reask(of=one.id, by=DecisionId("f" * 32), reaction="repeated")
              for one in (entry, played)]  # fmt: skip
    found = gather([entry, played], (), reasks)
    (piece,) = found[entry.id]
    assert (piece.kind, piece.at_us, piece.solved) == ("repeated", entry.at_us, False)
    assert played.id not in found


def test_an_escalation_names_the_hardest_tier_that_failed() -> None:
    twice = escalated(1, TEXT, "easy", "medium", "hard")
    (piece,) = gathered(twice)[twice.id]
    assert (piece.tier, piece.labels) == ("medium", ("hard",))
    straight = asked(
        2, TEXT, decision=chosen("medium", "m", "escalated"), outcome=answered("medium")
    )
    (piece,) = gathered(straight)[straight.id]
    assert (piece.tier, piece.labels) == ("easy", ("medium", "hard"))
    assert gathered(replace(twice, simulated=True)) == {}
