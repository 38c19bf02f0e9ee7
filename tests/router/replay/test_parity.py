"""A ledger that is simulated under its own policy comes out as it went in."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.types import TIERS, Probabilities, Success, Tier, Verdict, Version
from router.columns import UNKNOWN, Routed
from router.domain import (
    REASONS,
    Attempt,
    Caller,
    Decision,
    DecisionId,
    Entry,
    Facts,
    ModelId,
    Outcome,
    Usage,
    Warm,
)
from router.policy.decision import decide
from router.prices.settlement import settle
from tests.replays import CONFIG, replayed, terms
from tests.router.replay.test_deciding import verdicts

TERMS = terms()
MODELS = [ModelId(name) for name in ("flash", "instruct", "thinking")]

tokens = st.integers(min_value=1, max_value=20_000)
usages = st.builds(
    lambda taken, cached, output: Usage(
        input=taken, cached=min(cached, taken), output=output, source="billed"
    ),
    tokens,
    st.integers(0, 20_000),
    tokens,
)
warm = st.none() | st.builds(
    Warm, model=st.sampled_from(MODELS), tokens=st.integers(0, 4).map(lambda n: n * 256)
)
facts = st.builds(
    Facts,
    input_tokens=st.integers(1, 60_000),
    max_tokens=st.sampled_from([None, 100, 3_000]),
    dial=st.sampled_from(["auto", "cheap"]),
    forced=st.sampled_from([None, None, None, *TIERS]),
    unavailable=st.sampled_from([(), (), (MODELS[1],)]),
    warm=warm,
)


def entry(number: int, said: Facts, verdict: Verdict | None, usage: Usage) -> Entry | None:
    """What the live path would have recorded; none where nothing could have served."""
    decision = decide(verdict, said, TERMS.table)
    if not isinstance(decision, Decision):
        return None
    attempt = Attempt(
        model=decision.model,
        tier=decision.tier,
        status=200,
        usage=usage,
        cost=TERMS.prices.cost(decision.model, usage),
    )
    total, cost = settle(TERMS.prices, TERMS.lengths, decision, (attempt,), facts=said)
    return Entry(
        id=DecisionId(f"{number:032x}"),
        at_us=1_700_000_000_000_000 + number,
        decision=decision,
        facts=said,
        outcome=Outcome(status=200, finish="stop", attempts=(attempt,)),
        usage=total,
        cost=cost,
        caller=Caller(key="team", user=f"u{number % 3}", session=f"s{number % 2}"),
    )


@given(cases=st.lists(st.tuples(facts, verdicts(), usages), min_size=1, max_size=30))
def test_decisions_and_costs_are_those_of_the_ledger(
    tmp_path_factory: pytest.TempPathFactory,
    cases: list[tuple[Facts, Verdict | None, Usage]],
) -> None:
    made = [entry(at, *case) for at, case in enumerate(cases)]
    entries = [one for one in made if one is not None]
    if not entries:
        return
    path = tmp_path_factory.mktemp("ledger") / "ledger.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in entries))
    columns = replayed(path, TERMS)
    routed = columns.policies[0]
    assert [TIERS[at] for at in routed.tier] == [one.decision.tier for one in entries]
    assert [routed.models[at] for at in routed.model] == [one.decision.model for one in entries]
    assert [REASONS[at] for at in routed.reason] == [one.decision.reason for one in entries]
    assert routed.cost.sum(axis=1).tolist() == [one.cost.actual for one in entries]
    assert columns.logged.tolist() == [one.cost.actual for one in entries]
    assert not routed.cost_shared.any()
    assert not routed.cost_own.any()
    for at, tier in enumerate(TIERS):
        _same_counterfactuals(entries, tier, routed, at)


def _same_counterfactuals(entries: list[Entry], tier: Tier, routed: Routed, at: int) -> None:
    parts = routed.tiers[:, at]
    whole = np.where((parts == UNKNOWN).any(axis=1), -1, parts.sum(axis=1)).tolist()
    wanted = [getattr(one.cost, tier) for one in entries]
    # Rounding of a length may fall to either side of a half.
    price = 2_500_000
    for mine, theirs in zip(whole, wanted, strict=True):
        assert (mine == -1) == (theirs is None)
        assert theirs is None or abs(mine - theirs) <= price
    for row, one in enumerate(entries):
        doubt = one.cost.doubts.get(tier)
        shared, own = (doubt.shared, doubt.own) if doubt else (0, 0)
        assert routed.tiers_shared[row, at] == pytest.approx(shared, abs=1, rel=1e-6)
        assert routed.tiers_own[row, at] == pytest.approx(own, abs=1, rel=1e-6)


def test_another_policy_decides_otherwise(tmp_path: Path) -> None:
    verdict = Verdict(
        label="hard",
        probabilities=Probabilities(easy=0.1, medium=0.2, hard=0.6, needs_info=0.1),
        success=Success(easy=0.9, medium=0.95, hard=0.99),
        difficulty=0.7,
        confidence=0.6,
        truncated=False,
        model_version=Version(""),
    )
    usage = Usage(input=1_000, output=900, source="billed")
    one = entry(1, Facts(input_tokens=1_000), verdict, usage)
    assert one is not None
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(msgspec.json.encode(one) + b"\n")
    by_success = terms(f"""{CONFIG}
[policy]
by = "success"
auto = {{ easy = 0.8, medium = 0.5 }}
""")
    mine, other = replayed(path, TERMS, by_success).policies
    assert (TIERS[mine.tier[0]], TIERS[other.tier[0]]) == ("hard", "easy")
    assert mine.cost.sum() == one.cost.actual
    assert other.cost.sum() == other.tiers[0, 0].sum() == one.cost.easy
