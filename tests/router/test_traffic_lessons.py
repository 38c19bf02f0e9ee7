"""From what is known of prompts to training rows."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest

from classifier.corpus import LEAST_TRUST, TRUSTED, Example
from classifier.types import LABELS, Label, Tier
from router.domain import Entry, Feedback, Opinion
from router.ledger.facets import Span
from router.ledger.place import Place, place
from router.ledger.upgrade import upgrade
from router.traffic.evidence import TRUST, Evidence, Kind, weigh
from router.traffic.lessons import learn, rows_from_ledger
from tests.ledgers import chosen, drain, entry, open_spool, postgres, said
from tests.traffic import answered, asked, escalated

TEXT = "Prove that there are infinitely many primes."


def row(entry: Entry, *feedback: Feedback) -> Example:
    """The one row that an entry teaches."""
    (only,) = learn([entry], feedback)
    return only


def shares(row: Example) -> tuple[float | None, float | None, float | None]:
    return row.share_small, row.share_mid, row.share_top


def test_a_label_that_a_caller_gives_is_the_label() -> None:
    taught = row(asked(1, "And in French?", TEXT), said(1, opinion="bad", label="hard"))
    assert (taught.prompt, taught.earlier) == (TEXT, ("And in French?",))
    assert (taught.label, taught.needs_info, taught.source) == ("hard", 0, "traffic")
    assert taught.conf == TRUST["label"]


def test_needs_info_is_a_label_without_shares() -> None:
    taught = row(asked(1, "Fix it."), said(1, opinion="bad", label="needs_info"))
    assert (taught.label, taught.needs_info) == ("needs_info", 1)
    assert shares(taught) == (None, None, None)


@pytest.mark.parametrize(
    ("tier", "verdict", "opinion", "label", "expected"),
    [
        # Good at the easiest tier leaves one label.
        ("easy", "easy", "good", "easy", (0.8, None, None)),
        ("easy", "hard", "good", "easy", (0.8, None, None)),
        # Good at medium: at most that. The verdict said hard, so it was wrong.
        ("medium", "hard", "good", "easy", (None, 0.8, None)),
        # It said medium: nothing was learned of the label, only that medium solved it.
        ("medium", "medium", "good", None, (None, 0.8, None)),
        ("hard", "hard", "good", None, (None, None, 0.8)),
        # Bad at easy: harder than that, the least step up among equally likely ones.
        ("easy", "easy", "bad", "medium", (0.25, None, None)),
        ("easy", "medium", "bad", None, (0.25, None, None)),
        ("medium", "medium", "bad", "hard", (None, 0.25, None)),
        # There is no label above hard.
        ("hard", "medium", "bad", "hard", (None, None, 0.25)),
        ("easy", "easy", "escalated", "medium", (0.225, None, None)),
    ],
)
def test_an_answer_that_would_do_bounds_the_label_from_above_and_one_that_would_not_from_below(
    tier: Tier,
    verdict: Label,
    opinion: Opinion,
    label: Label | None,
    expected: tuple[float | None, float | None, float | None],
) -> None:
    taught = row(asked(1, TEXT, tier=tier, label=verdict), said(1, opinion=opinion))
    assert taught.label == label
    assert shares(taught) == expected


def test_the_tier_is_that_of_the_model_which_answered() -> None:
    fell_back = asked(1, TEXT, tier="medium", outcome=answered("easy", "medium"))
    assert shares(row(fell_back, said(1, opinion="good"))) == (None, 0.8, None)


def test_a_fallback_by_itself_says_nothing() -> None:
    moved = asked(
        1, TEXT, decision=chosen("hard", "m", "fallback"), outcome=answered("easy", "hard")
    )
    assert learn([moved], ()) == []


def test_an_escalation_says_that_the_tier_before_was_too_easy() -> None:
    taught = row(escalated(1, TEXT, "easy", "medium"))
    assert (taught.label, taught.conf) == ("medium", TRUST["escalated"])
    assert taught.share_small is not None
    assert taught.share_small < 0.5
    assert row(escalated(1, TEXT, "medium", "hard")).label == "hard"


def test_a_re_ask_says_that_the_answer_was_wrong() -> None:
    taught = learn([asked(1, TEXT), asked(2, TEXT, "That's not correct.")], ())
    assert [(one.prompt, one.label) for one in taught] == [(TEXT, "medium")]
    assert taught[0].provenance == "traffic: reasked"


def test_what_the_sandbox_answered_says_nothing_but_a_label_is_a_label() -> None:
    played = asked(1, TEXT, simulated=True)
    assert learn([played], [said(1, opinion="bad")]) == []
    taught = row(played, said(1, opinion="bad", label="hard"))
    assert taught.label == "hard"
    assert shares(taught) == (None, None, None)


def test_a_model_that_was_asked_for_by_name_is_no_tier() -> None:
    named = asked(1, TEXT, decision=chosen("hard", "m", "passthrough"))
    assert learn([named], [said(1, opinion="bad")]) == []


def test_what_a_judge_says_counts_less_than_what_a_caller_says() -> None:
    one, two = asked(1, TEXT), asked(2, "Say hello.")
    judged = [said(n, opinion=None, label="hard", witness="judge") for n in (1, 2)]
    taught = learn([one, two], [*judged, said(1, label="medium")])
    assert [(each.label, each.needs_info) for each in taught] == [("medium", 0), ("hard", 0)]
    assert taught[1].conf == TRUST["judge"]
    assert (taught[0].conf or 0) < TRUST["label"], "somebody contradicts"


def test_entries_without_text_teach_nothing() -> None:
    assert learn([entry(1)], [said(1, label="hard")]) == []


def test_nothing_is_learned_where_nothing_is_known() -> None:
    assert learn([asked(1, TEXT), asked(2, "Say hello.")], ()) == []


def test_a_prompt_that_came_often_is_one_row_with_all_that_is_known_of_it() -> None:
    many = [asked(n, TEXT, minute=100 * n) for n in range(4)]
    heard = [said(n, opinion="bad" if n == 3 else "good") for n in range(4)]
    (taught,) = learn(many, heard)
    assert taught.id == many[-1].id
    assert taught.share_small == pytest.approx((3 * 0.8 + 0.25) / 4, abs=1e-3)
    assert taught.label == "easy"
    assert taught.conf == pytest.approx(0.6 * 0.6 / 1.1, abs=1e-3)


def evidence(kind: Kind, *labels: Label, at_us: int = 0) -> Evidence:
    return Evidence(kind=kind, labels=labels, at_us=at_us)


def test_two_bounds_make_a_label_as_trusted_as_the_weaker() -> None:
    found = weigh([evidence("bad", "medium", "hard"), evidence("good", "easy", "medium")])
    assert (found.labels, found.trust) == (("medium",), TRUST["bad"])
    assert found.kinds == ("good", "bad")


def test_what_agrees_changes_nothing() -> None:
    found = weigh([evidence("label", "hard"), evidence("bad", "medium", "hard")])
    assert (found.labels, found.trust) == (("hard",), TRUST["label"])


def test_of_what_contradicts_the_most_trusted_stands_and_pays_for_it() -> None:
    found = weigh([evidence("reasked", "medium", "hard"), evidence("label", "easy")])
    assert found.labels == ("easy",)
    assert found.trust == pytest.approx(0.9 * 0.9 / (0.9 + 0.45))
    assert found.kinds == ("label",)


def test_of_equals_the_latest_stands() -> None:
    found = weigh([evidence("label", "easy", at_us=1), evidence("label", "hard", at_us=2)])
    assert found.labels == ("hard",)


def test_every_kind_can_teach_and_only_what_somebody_said_can_judge() -> None:
    assert set(TRUST) == set(get_args(Kind))
    assert all(trust > LEAST_TRUST for trust in TRUST.values())
    inferred = {kind for kind, trust in TRUST.items() if trust < TRUSTED}
    assert inferred == {"escalated", "reasked", "repeated"}


def test_any_evidence_leaves_a_label_and_a_trust() -> None:
    singles = [evidence("label", label, at_us=n) for n, label in enumerate(LABELS)]
    for many in (singles, *map(list, pairwise(singles))):
        found = weigh(many)
        assert found.labels == many[-1].labels
        assert 0 < found.trust <= 1


@pytest.fixture(params=["sqlite", "postgres"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        made = place(str(tmp_path))
        upgrade(made)
        yield made
    else:
        with postgres() as url:
            made = place(str(tmp_path), url)
            upgrade(made)
            yield made


def test_rows_come_from_a_ledger_and_its_feedback(home: Place) -> None:
    spool = open_spool(home)
    first, second, silent = asked(1, TEXT), asked(2, "Say hello."), asked(3, "Name a river.")
    for one in (said(2, label="easy"), first, second, silent, entry(4), said(1, label="hard")):
        spool.record(one)
    spool.record(said(4, label="hard"))
    spool.record(said(77, label="hard"))
    spool.close()
    drain(home)
    rows = rows_from_ledger(home)
    assert [(one.prompt, one.label) for one in rows] == [(TEXT, "hard"), ("Say hello.", "easy")]
    later = rows_from_ledger(home, Span(since_us=second.at_us))
    assert [one.prompt for one in later] == ["Say hello."]


def test_a_ledger_without_prompts_has_no_rows(home: Place) -> None:
    spool = open_spool(home)
    spool.record(entry(1))
    spool.record(said(1, label="hard"))
    spool.close()
    drain(home)
    assert rows_from_ledger(home) == []
