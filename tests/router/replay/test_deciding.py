"""Many decisions at once are the decisions of `decide`, one by one."""

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from classifier.types import LABELS, TIERS, Label, Probabilities, Success, Verdict, Version
from router.domain import REASONS, Decision, Facts, ModelId, Warm
from router.policy.decision import decide
from router.policy.table import PolicyTable
from router.replay.deciding import Deciding, facts_of, verdict_of
from router.replay.gather import CAPABILITIES, MODALITIES, Gathered, Line, Verdicted
from router.replay.logged import Logged
from router.replay.part import ABSENT, MICRO, SCORES, Part
from tests.policies import table

RULES = """
[[policy.rule]]
name = "never easy"
key = "team"
at_least = "medium"

[[policy.rule]]
name = "never hard"
pattern = "x"
at_most = "medium"
"""
BY_SUCCESS = """
[policy]
by = "success"
auto = { easy = 0.7, medium = 0.6 }
cheap = { easy = 0.3, medium = 0.2 }
best = { easy = 0.95, medium = 0.9 }
"""
TABLES = (table(RULES), table(BY_SUCCESS))
MODELS = tuple(TABLES[0].profiles)


def subsets(names: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    chosen = st.lists(st.sampled_from(names), unique=True, max_size=2)
    return chosen.map(lambda some: tuple(sorted(some, key=names.index)))


facts = st.builds(
    Facts,
    input_tokens=st.sampled_from([0, 7_000, 90_909, 90_910, 109_090, 236_363, 400_000, 10**9]),
    max_tokens=st.sampled_from([None, 1, 1_999, 2_000, 50_000]),
    modalities=subsets(MODALITIES),
    capabilities=subsets(CAPABILITIES),
    open_tool_loop=st.booleans(),
    dial=st.sampled_from(["auto", "cheap", "best"]),
    forced=st.sampled_from([None, None, *TIERS]),
    passthrough=st.sampled_from([None, None, None, MODELS[-1], ModelId("gone")]),
    rules=st.sampled_from([(), (0,), (1,), (0, 1)]),
    pin=st.sampled_from([None, None, *MODELS]),
    unavailable=st.sampled_from([(), (MODELS[0],), MODELS]),
)
millionths = st.integers(min_value=0, max_value=MICRO)


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict | None:
    if draw(st.integers(0, 5)) == 0:
        return None
    easy, medium, hard = sorted(draw(st.tuples(millionths, millionths, millionths)))
    label: Label = draw(st.sampled_from(LABELS))
    return Verdict(
        label=label,
        probabilities=Probabilities(easy=0, medium=0, hard=0, needs_info=0.25),
        success=Success(easy=easy / MICRO, medium=medium / MICRO, hard=hard / MICRO),
        difficulty=0.5,
        confidence=0.0,
        truncated=False,
        model_version=Version(""),
    )


def part_of(cases: list[tuple[Facts, Verdict | None]]) -> Part:
    """A part in which these requests stand, as a ledger would tell of them."""
    gathered = Gathered(1)
    label, scores = [], []
    for at, (said, verdict) in enumerate(cases):
        gathered.add(
            Logged(facts=said, verdict=verdict, whole=True),
            Line(at=at, characters=0, conversation=at, loop=0, matches=(said.rules,)),
        )
        label.append(255 if verdict is None else LABELS.index(verdict.label))
        scores.append(_scores(verdict))
    verdicted = Verdicted(
        label=np.array(label, np.uint8),
        scores=np.array(scores, np.int32).reshape(-1, len(SCORES)),
        key=np.zeros((len(cases), 2), np.uint64),
        fresh=np.zeros(len(cases), np.uint8),
    )
    return gathered.part(0, len(cases), (), verdicted)


def _scores(verdict: Verdict | None) -> list[int]:
    if verdict is None:
        return [ABSENT] * len(SCORES)
    success = verdict.success
    numbers = (success.easy, success.medium, success.hard, verdict.difficulty, 0.25)
    return [round(number * MICRO) for number in numbers]


def expected(verdict: Verdict | None, said: Facts, by: PolicyTable) -> tuple[object, ...]:
    decided = decide(verdict, said, by)
    open_to = {c.tier: c.model for c in decided.candidates if c.obstacle in (None, "unavailable")}
    candidates = tuple(open_to.get(tier) for tier in TIERS)
    if isinstance(decided, Decision):
        return decided.tier, decided.model, decided.reason, candidates
    return None, None, None, candidates


@given(cases=st.lists(st.tuples(facts, verdicts()), max_size=40), which=st.integers(0, 1))
def test_a_part_is_decided_as_its_requests_are_one_by_one(
    cases: list[tuple[Facts, Verdict | None]], which: int
) -> None:
    by = TABLES[which]
    if which:  # no rules there
        cases = [(msgspec.structs.replace(said, rules=()), verdict) for said, verdict in cases]
    part = part_of(cases)
    choices = Deciding(by, MODELS).choose(part, 0)
    for at, (said, verdict) in enumerate(cases):
        model = int(choices.model[at])
        made = (
            None if model == ABSENT else TIERS[choices.tier[at]],
            None if model == ABSENT else MODELS[model],
            None if model == ABSENT else REASONS[choices.reason[at]],
            tuple(None if c == ABSENT else MODELS[c] for c in choices.candidates[at].tolist()),
        )
        assert made == expected(verdict, said, by), (said, verdict)


@given(case=st.tuples(facts, verdicts()))
def test_facts_and_verdict_come_back_as_they_went_in(case: tuple[Facts, Verdict | None]) -> None:
    part = part_of([case])
    assert facts_of(part, 0, 0) == case[0]
    assert verdict_of(part, 0) == case[1]


@given(warm=st.integers(0, 10**6), pin=st.sampled_from([None, *MODELS]))
def test_what_a_ledger_recorded_of_the_conversation_is_kept(warm: int, pin: ModelId | None) -> None:
    said = Facts(input_tokens=5, warm=Warm(model=MODELS[0], tokens=warm), pin=pin, thrift=True)
    assert facts_of(part_of([(said, None)]), 0, 0) == said


def test_many_different_caps_are_decided_too() -> None:
    by = TABLES[0]
    cases = [(Facts(input_tokens=239_000, max_tokens=at), None) for at in range(1, 600)]
    choices = Deciding(by, MODELS).choose(part_of(list(cases)), 0)
    models = [MODELS[at] if at != ABSENT else None for at in choices.model.tolist()]
    assert models == [expected(None, said, by)[1] for said, _ in cases]


def test_nothing_is_decided_too() -> None:
    assert len(Deciding(TABLES[0], MODELS).choose(part_of([]), 0).tier) == 0
