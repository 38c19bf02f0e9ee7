"""What holds of every decision, whatever the verdict, the facts and the configuration."""

from collections.abc import Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.types import TIERS, Tier, Verdict
from router.config.schema import Config, Cutoffs, Model, Policy, Rule, Upstream
from router.domain import (
    Cost,
    Decision,
    DecisionId,
    Entry,
    Facts,
    ModelId,
    Obstacle,
    Outcome,
    Usage,
)
from router.policy.decision import decide
from router.policy.obstruction import Obstruction
from router.policy.rules import RANKS
from router.policy.table import PolicyTable, Profile, compile_policy, obstacle_of
from tests.verdicts import verdicts

MODELS = tuple(ModelId(name) for name in "abcdef")
_shares = st.floats(min_value=0.0, max_value=1.0)
_tiers = st.sampled_from(TIERS)
_cutoffs = st.builds(Cutoffs, easy=_shares, medium=_shares)


def _subset(*words: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(words), unique=True, max_size=2).map(tuple)


_modalities = _subset("image", "audio")
_capabilities = _subset("tools", "json_schema")
_models = st.builds(
    Model,
    upstream=st.just("host"),
    name=st.just("m"),
    context=st.sampled_from((1_000, 32_000, 262_144)),
    modalities=_modalities,
    capabilities=_capabilities,
    max_tokens=st.sampled_from((0, 0, 16_000)),
    min_output_tokens=st.sampled_from((0, 0, 2_000)),
)
_effects = st.one_of(
    st.builds(Rule, name=st.just("r"), tier=_tiers),
    st.builds(Rule, name=st.just("r"), at_least=_tiers),
    st.builds(Rule, name=st.just("r"), at_most=_tiers),
)
_policies = st.builds(
    Policy,
    by=st.sampled_from(("label", "success")),
    needs_info_tier=_tiers,
    no_verdict_tier=_tiers,
    auto=_cutoffs,
    cheap=_cutoffs,
    best=_cutoffs,
    context_margin=_shares,
    rule=st.lists(_effects, max_size=3).map(tuple),
)


@st.composite
def configs(draw: st.DrawFn) -> Config:
    served = st.lists(st.sampled_from(MODELS), unique=True, min_size=1, max_size=3).map(tuple)
    return Config(
        tiers={tier: draw(served) for tier in TIERS},
        model={model: draw(_models) for model in MODELS},
        upstream={"host": Upstream(base_url="https://api.example.com/v1")},
        policy=draw(_policies),
    )


_some_models = st.lists(st.sampled_from(MODELS), unique=True, max_size=4).map(tuple)
_maybe_model = st.none() | st.sampled_from((*MODELS, ModelId("gone")))
_facts = st.builds(
    Facts,
    input_tokens=st.sampled_from((0, 500, 30_000, 250_000, 10**6)) | st.integers(min_value=0),
    max_tokens=st.none() | st.integers(min_value=0, max_value=300_000),
    modalities=_modalities,
    capabilities=_capabilities,
    open_tool_loop=st.booleans(),
    dial=st.sampled_from(("auto", "cheap", "best")),
    forced=st.none() | _tiers,
    passthrough=st.none() | _maybe_model,
    rules=st.lists(st.integers(min_value=-2, max_value=5), max_size=3).map(tuple),
    pin=_maybe_model,
    unavailable=_some_models,
)
_verdicts = st.none() | verdicts()


def can_serve(profile: Profile, facts: Facts, table: PolicyTable) -> bool:
    return obstacle_of(profile, facts, table) is None


def servers(facts: Facts, table: PolicyTable, tiers: Sequence[Tier] = TIERS) -> list[ModelId]:
    return [p.model for t in tiers for p in table.tiers[t] if can_serve(p, facts, table)]


@settings(max_examples=100, deadline=None)
@given(verdict=_verdicts, facts=_facts, config=configs())
def test_it_always_answers_always_alike_and_only_with_what_can_serve(
    verdict: Verdict | None, facts: Facts, config: Config
) -> None:
    table = compile_policy(config)
    answer = decide(verdict, facts, table)
    assert answer == decide(verdict, facts, compile_policy(config))
    assert [candidate.tier for candidate in answer.candidates] == list(TIERS)
    if isinstance(answer, Decision):
        assert can_serve(table.profiles[answer.model], facts, table)
        assert answer.verdict == verdict
    else:
        assert answer.message
        assert answer.outage == (answer.error().status == 503)


@settings(max_examples=100, deadline=None)
@given(verdict=_verdicts, facts=_facts, config=configs())
def test_a_recorded_entry_decides_the_same_again(
    verdict: Verdict | None, facts: Facts, config: Config
) -> None:
    decision = decide(verdict, facts, compile_policy(config))
    if isinstance(decision, Obstruction):
        return
    entry = Entry(
        id=DecisionId("0" * 32),
        at_us=0,
        decision=decision,
        facts=facts,
        outcome=Outcome(status=200),
        usage=Usage(),
        cost=Cost(),
    )
    read = msgspec.json.decode(msgspec.json.encode(entry), type=Entry)
    read_config = msgspec.json.decode(msgspec.json.encode(config), type=Config)
    assert decide(read.decision.verdict, read.facts, compile_policy(read_config)) == decision


@settings(max_examples=100, deadline=None)
@given(verdict=_verdicts, facts=_facts, config=configs(), tier=_tiers)
def test_a_forced_tier_serves_or_refuses_and_never_moves(
    verdict: Verdict | None, facts: Facts, config: Config, tier: Tier
) -> None:
    table = compile_policy(config)
    facts = msgspec.structs.replace(facts, forced=tier, passthrough=None)
    answer = decide(verdict, facts, table)
    if isinstance(answer, Decision):
        assert answer.tier == tier
        assert answer.model in config.tiers[tier]
    elif not facts.open_tool_loop:
        assert not servers(facts, table, (tier,))


@settings(max_examples=100, deadline=None)
@given(verdict=_verdicts, facts=_facts, config=configs(), pin=st.sampled_from(MODELS))
def test_an_open_tool_loop_never_leaves_its_pin(
    verdict: Verdict | None, facts: Facts, config: Config, pin: ModelId
) -> None:
    table = compile_policy(config)
    facts = msgspec.structs.replace(
        facts, pin=pin, open_tool_loop=True, forced=None, passthrough=None
    )
    answer = decide(verdict, facts, table)
    if isinstance(answer, Decision):
        assert answer.model == pin
    else:
        assert not can_serve(table.profiles[pin], facts, table)


@settings(max_examples=100, deadline=None)
@given(verdict=_verdicts, facts=_facts, config=configs())
def test_an_outage_never_moves_an_open_tool_loop(
    verdict: Verdict | None, facts: Facts, config: Config
) -> None:
    table = compile_policy(config)
    facts = msgspec.structs.replace(facts, open_tool_loop=True, passthrough=None)
    up = decide(verdict, msgspec.structs.replace(facts, unavailable=()), table)
    now = decide(verdict, facts, table)
    if isinstance(now, Decision):
        assert isinstance(up, Decision)
        assert (now.tier, now.model, now.reason) == (up.tier, up.model, up.reason)


@settings(max_examples=100, deadline=None)
@given(verdict=_verdicts, facts=_facts, config=configs())
def test_whoever_may_go_anywhere_is_served_if_anything_can_serve(
    verdict: Verdict | None, facts: Facts, config: Config
) -> None:
    table = compile_policy(config)
    facts = msgspec.structs.replace(facts, open_tool_loop=False, forced=None, passthrough=None)
    answer = decide(verdict, facts, table)
    if isinstance(answer, Obstruction):
        assert not servers(facts, table)
        up = msgspec.structs.replace(facts, unavailable=())
        assert answer.outage == bool(servers(up, table))


@settings(max_examples=100, deadline=None)
@given(verdict=_verdicts, facts=_facts, config=configs())
def test_the_reason_is_the_verdict_unless_something_stood_in_the_way(
    verdict: Verdict | None, facts: Facts, config: Config
) -> None:
    facts = msgspec.structs.replace(facts, forced=None, passthrough=None, pin=None, rules=())
    answer = decide(verdict, facts, compile_policy(config))
    if isinstance(answer, Obstruction):
        return
    if answer.reason in ("label", "success", "needs_info", "no_verdict"):
        assert answer.model == config.tiers[answer.tier][0]
    else:
        obstacles: dict[str, Obstacle] = {"fallback": "unavailable"}
        expected = obstacles.get(answer.reason, answer.reason)
        table = compile_policy(config)
        assert expected in {obstacle_of(p, facts, table) for p in table.profiles.values()}


@settings(max_examples=100, deadline=None)
@given(verdict=_verdicts, facts=_facts, config=configs(), low=_tiers, high=_tiers)
def test_a_bound_is_kept_wherever_something_within_it_can_serve(
    verdict: Verdict | None, facts: Facts, config: Config, low: Tier, high: Tier
) -> None:
    if RANKS[low] > RANKS[high]:
        low, high = high, low
    bound = Rule(name="bound", at_least=low, at_most=high)
    policy = msgspec.structs.replace(config.policy, rule=(bound,))
    table = compile_policy(msgspec.structs.replace(config, policy=policy))
    facts = msgspec.structs.replace(
        facts, rules=(0,), pin=None, forced=None, passthrough=None, open_tool_loop=False
    )
    allowed = TIERS[RANKS[low] : RANKS[high] + 1]
    answer = decide(verdict, facts, table)
    if servers(facts, table, allowed):
        assert isinstance(answer, Decision)
        assert answer.tier in allowed


@settings(max_examples=100, deadline=None)
@given(verdict=verdicts(), config=configs(), low=_cutoffs, raised=_shares)
def test_raising_a_cutoff_never_makes_the_tier_easier(
    verdict: Verdict, config: Config, low: Cutoffs, raised: float
) -> None:
    def wanted(cutoffs: Cutoffs) -> int:
        policy = Policy(by="success", auto=cutoffs, needs_info_tier="medium")
        wide = {
            model: msgspec.structs.replace(profile, context=10**9)
            for model, profile in config.model.items()
        }
        table = compile_policy(msgspec.structs.replace(config, policy=policy, model=wide))
        answer = decide(verdict, Facts(input_tokens=1), table)
        assert isinstance(answer, Decision)
        return RANKS[answer.tier]

    high = Cutoffs(easy=max(low.easy, raised), medium=max(low.medium, raised))
    assert wanted(high) >= wanted(low)
