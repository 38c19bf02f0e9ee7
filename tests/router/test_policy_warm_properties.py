"""What holds of every decision in a warm conversation and under a budget, whatever the prices."""

from datetime import UTC, datetime

import msgspec
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from classifier.types import TIERS, Tier, Verdict
from router.config.schema import Config, Model, OutputRatio, Policy, Price, Rule, Upstream
from router.domain import Decision, Facts, ModelId, Warm
from router.policy.decision import decide, stand_in
from router.policy.obstruction import Obstruction
from router.policy.rules import RANKS, bounds
from router.policy.shadow import carried, routed
from router.policy.switching import with_switching
from router.policy.table import PolicyTable, compile_policy, obstacle_of
from router.prices.book import build_prices
from router.prices.lengths import Lengths
from tests.verdicts import verdicts

TODAY = datetime(2026, 11, 26, tzinfo=UTC)
MODELS = tuple(ModelId(name) for name in "abcde")
_tiers = st.sampled_from(TIERS)
_usd = st.sampled_from((0.0, 0.1, 0.5, 0.6, 2.5)) | st.floats(min_value=0.0, max_value=100.0)


@st.composite
def prices(draw: st.DrawFn) -> Price | None:
    if draw(st.integers(0, 9)) == 0:
        return None
    fresh = draw(_usd)
    cached = draw(st.sampled_from((None, fresh / 10, fresh / 4)))
    return Price(input=fresh, cached=cached, output=draw(_usd), source="s", date="2026-11-01")


_ratios = st.sampled_from((0.25, 1.0, 4.0)).map(
    lambda value: OutputRatio(value=value, low=value, high=value, source="s")
)
_models = st.builds(
    Model,
    upstream=st.just("host"),
    name=st.just("m"),
    context=st.sampled_from((64_000, 10**6, 10**6)),
    modalities=st.sampled_from(((), ("image",))),
    max_tokens=st.sampled_from((0, 16_000)),
    min_output_tokens=st.sampled_from((0, 2_000)),
    price=prices(),
    output_ratio=_ratios | _ratios | st.none(),
)
_rules = st.lists(
    st.builds(Rule, name=st.just("r"), at_least=_tiers)
    | st.builds(Rule, name=st.just("r"), at_most=_tiers)
    | st.builds(Rule, name=st.just("r"), tier=_tiers),
    max_size=2,
).map(tuple)


def near(model: Model, fresh: float) -> Model:
    """`model` at about the price of the others, as those of one maker are."""
    price = Price(input=fresh, cached=fresh / 10, output=2 * fresh, source="s", date="2026-11-01")
    ratio = OutputRatio(value=1.0, low=1.0, high=1.0, source="s")
    return replace(model, price=price, output_ratio=ratio)


@st.composite
def tables(draw: st.DrawFn) -> PolicyTable:
    served = st.lists(st.sampled_from(MODELS), unique=True, min_size=1, max_size=2).map(tuple)
    models = {model: draw(_models) for model in MODELS}
    tiers = {tier: draw(served) for tier in TIERS}
    if draw(st.booleans()):
        models = {
            model: near(one, draw(st.sampled_from((0.5, 0.6)))) for model, one in models.items()
        }
        tiers = {"easy": MODELS[:1], "medium": MODELS[1:3], "hard": MODELS[3:]}
    config = Config(
        tiers=tiers,
        model=models,
        upstream={"host": Upstream(base_url="https://api.example.com/v1")},
        policy=Policy(rule=draw(_rules)),
    )
    book = build_prices(config, TODAY)
    return with_switching(compile_policy(config), book, Lengths.priors(config))


_some = st.sampled_from((*MODELS, ModelId("gone")))
_facts = st.builds(
    Facts,
    input_tokens=st.sampled_from((0, 1, 300, 8_000, 60_000, 900_000)),
    max_tokens=st.none() | st.sampled_from((1, 500, 5_000, 2**31 - 1)),
    modalities=st.sampled_from(((), (), ("image",))),
    open_tool_loop=st.sampled_from((False, False, True)),
    forced=st.none() | st.none() | _tiers,
    passthrough=st.none() | st.none() | _some,
    rules=st.lists(st.integers(-1, 2), max_size=2).map(tuple),
    pin=st.none() | _some,
    unavailable=st.lists(st.sampled_from(MODELS), unique=True, max_size=2).map(tuple),
    warm=st.none() | st.builds(Warm, model=_some, tokens=st.integers(0, 10**6)),
    thrift=st.booleans(),
)
_verdicts = st.none() | verdicts()
_turns = st.builds(
    Facts,
    input_tokens=st.sampled_from((2_000, 8_000, 60_000)),
    max_tokens=st.sampled_from((None, None, 1, 3_000)),
    rules=st.lists(st.integers(0, 1), max_size=1).map(tuple),
    unavailable=st.lists(st.sampled_from(MODELS), max_size=1).map(tuple),
    warm=st.builds(Warm, model=st.sampled_from(MODELS[2:]), tokens=st.sampled_from((256, 50_000))),
)
"""Those of conversations that may well stay."""
everything = given(verdict=_verdicts, facts=_facts | _turns, table=tables())
conversing = given(verdict=_verdicts, facts=_turns, table=tables())
often = settings(max_examples=100, deadline=None)


def cold(facts: Facts) -> Facts:
    return replace(facts, warm=None)


def generous(facts: Facts) -> Facts:
    return replace(facts, thrift=False)


def rank(decision: Decision) -> int:
    return RANKS[decision.tier]


@often
@everything
def test_it_always_answers_and_alike_and_only_with_what_can_serve(
    verdict: Verdict | None, facts: Facts, table: PolicyTable
) -> None:
    answer = decide(verdict, facts, table)
    read = msgspec.json.decode(msgspec.json.encode(facts), type=Facts)
    assert decide(verdict, read, table) == answer
    if isinstance(answer, Decision):
        assert obstacle_of(table.profiles[answer.model], facts, table) is None
        assert answer.model not in facts.unavailable
    else:
        noted = stand_in(verdict, answer)
        assert noted.model in (*table.profiles, "gone")
        assert noted.candidates == answer.candidates


@often
@conversing
def test_a_warm_prefix_never_lowers_the_tier_and_never_refuses(
    verdict: Verdict | None, facts: Facts, table: PolicyTable
) -> None:
    warm, plain = decide(verdict, facts, table), decide(verdict, cold(facts), table)
    assert isinstance(warm, Decision) == isinstance(plain, Decision)
    if not isinstance(warm, Decision) or not isinstance(plain, Decision):
        return
    if warm != plain:
        assert facts.warm is not None
        assert (warm.model, warm.reason) == (facts.warm.model, "pinned")
        assert rank(warm) > rank(plain)


@often
@conversing
def test_to_stay_breaks_no_rule_and_no_word_of_the_caller(
    verdict: Verdict | None, facts: Facts, table: PolicyTable
) -> None:
    warm, plain = decide(verdict, facts, table), decide(verdict, cold(facts), table)
    if warm == plain or not isinstance(warm, Decision):
        return
    low, high = bounds(table.rules, facts.rules)
    assert low <= rank(warm) <= high
    assert warm.model in [profile.model for profile in table.tiers[warm.tier]]
    assert facts.forced is None
    assert facts.passthrough is None
    assert not facts.open_tool_loop
    assert not facts.thrift, "who must save does not stay on a dearer tier"


@often
@conversing
def test_to_stay_never_costs_more_than_to_move(
    verdict: Verdict | None, facts: Facts, table: PolicyTable
) -> None:
    """The input alone: where both models write alike, it decides."""
    warm, plain = decide(verdict, facts, table), decide(verdict, cold(facts), table)
    if warm == plain or not isinstance(warm, Decision) or not isinstance(plain, Decision):
        return
    assert facts.warm is not None
    assert table.switching is not None
    book, tokens = table.switching.book, facts.input_tokens
    here, there = book.rate(warm.model, tokens), book.rate(plain.model, tokens)
    assert here is not None
    assert there is not None
    known = min(facts.warm.tokens, tokens)
    staying = known * here.cached + (tokens - known) * here.input
    if here.output >= there.output and facts.max_tokens == 1:
        assert staying <= tokens * there.input + there.output


@often
@everything
def test_a_budget_takes_one_tier_at_most_and_never_refuses(
    verdict: Verdict | None, facts: Facts, table: PolicyTable
) -> None:
    thrifty = decide(verdict, replace(cold(facts), thrift=True), table)
    plain = decide(verdict, generous(cold(facts)), table)
    if isinstance(plain, Obstruction):
        assert thrifty == plain
        return
    assert isinstance(thrifty, Decision)
    if thrifty == plain:
        return
    assert rank(thrifty) == rank(plain) - 1
    assert thrifty.reason == "budget"
    assert plain.reason not in ("forced", "passthrough", "pinned")
    assert not facts.open_tool_loop
    assert rank(thrifty) >= bounds(table.rules, facts.rules)[0]


@often
@everything
def test_a_model_that_failed_is_not_decided_again_and_trying_ends(
    verdict: Verdict | None, facts: Facts, table: PolicyTable
) -> None:
    tried: list[ModelId] = []
    answer = decide(verdict, facts, table)
    while isinstance(answer, Decision):
        assert answer.model not in (*tried, *facts.unavailable)
        tried.append(answer.model)
        down = (*facts.unavailable, *tried)
        answer = decide(verdict, replace(facts, unavailable=down), table)
    assert len(tried) <= len(MODELS)
    assert answer.message.endswith(".")
    assert answer.outage or not tried


@often
@everything
def test_what_the_shadow_notes_is_what_routing_does_when_nothing_is_asked_for(
    verdict: Verdict | None, facts: Facts, table: PolicyTable
) -> None:
    noted = routed(verdict, facts, table)
    assert noted.reason not in ("forced", "passthrough", "shadow")
    assert noted.verdict == verdict
    assert noted == routed(verdict, replace(facts, forced="hard", passthrough=MODELS[0]), table)
    unbound = replace(facts, forced=None, passthrough=None)
    if not isinstance(free := decide(verdict, unbound, table), Obstruction):
        assert noted == free


def test_conversations_that_stay_are_among_those_that_are_tried() -> None:
    """Else what is said here of staying is said of nothing."""
    stayed: list[bool] = []

    @seed(1)
    @settings(max_examples=300, deadline=None, database=None)
    @conversing
    def turn(verdict: Verdict | None, facts: Facts, table: PolicyTable) -> None:
        stayed.append(decide(verdict, facts, table) != decide(verdict, cold(facts), table))

    turn()
    assert sum(stayed) >= 10


@often
@given(table=tables(), model=_some, tier=st.none() | _tiers)
def test_the_caller_s_own_choice_is_carried_out_whatever_it_is(
    table: PolicyTable, model: ModelId, tier: Tier | None
) -> None:
    own = carried(model, tier, table)
    assert (own.model, own.reason, own.verdict) == (model, "shadow", None)
    known = table.profiles.get(model)
    assert own.tier == (tier or (known.tier if known else "hard"))


@often
@given(verdict=_verdicts, facts=_turns, table=tables(), more=st.integers(0, 10**6))
def test_more_of_a_conversation_in_the_cache_never_makes_it_leave(
    verdict: Verdict | None, facts: Facts, table: PolicyTable, more: int
) -> None:
    if facts.warm is None:
        return
    now = decide(verdict, facts, table)
    plain = decide(verdict, cold(facts), table)
    warmer = replace(facts.warm, tokens=facts.warm.tokens + more)
    then = decide(verdict, replace(facts, warm=warmer), table)
    if now != plain:
        assert then == now
