"""A conversation stays where it is cached, if that costs no more than the tier that is wanted."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.types import TIERS, Label, Verdict
from router.config.schema import Config
from router.domain import Decision, Facts, ModelId, Warm
from router.policy.decision import decide
from router.policy.rules import RANKS
from router.policy.switching import with_switching
from router.policy.table import PolicyTable, compile_policy
from router.prices.book import EmptyPrices, build_prices
from router.prices.lengths import Lengths
from tests.policies import summary, verdict

CONFIG = """
tiers = { easy = ["flash"], medium = ["instruct"], hard = ["thinking", "other"] }

[upstream.host]
base_url = "http://127.0.0.1:8000/v1"

[model.flash]
upstream = "host"
name = "f"
context = 1_000_000
price = { input = 0.1, output = 0.4, source = "s", date = "2026-11-01" }
output_ratio = { value = 1, low = 0.7, high = 1.4, source = "s" }

[model.instruct]
upstream = "host"
name = "i"
context = 1_000_000
price = { input = 0.57, output = 2.3, cached = 0.2, source = "s", date = "2026-11-01" }
output_ratio = { value = 1, low = 1, high = 1, source = "s" }

[model.thinking]
upstream = "host"
name = "t"
context = 200_000
capabilities = ["tools"]
price = { input = 0.6, output = 2.5, cached = 0.15, source = "s", date = "2026-11-01" }
output_ratio = { value = 4, low = 2, high = 8, source = "s" }

[model.other]
upstream = "host"
name = "o"
context = 200_000
output_ratio = { value = 1, low = 1, high = 1, source = "s" }

[model.outside]
upstream = "host"
name = "x"
context = 1_000_000
price = { input = 0.5, output = 0.5, cached = 0.01, source = "s", date = "2026-11-01" }
output_ratio = { value = 1, low = 1, high = 1, source = "s" }

[[policy.rule]]
name = "batch"
header = "x-batch"
at_most = "medium"

[[policy.rule]]
name = "proofs"
pattern = "prove"
at_least = "medium"
"""
FLASH, INSTRUCT, THINKING, OTHER, OUTSIDE = (
    ModelId(name) for name in ("flash", "instruct", "thinking", "other", "outside")
)
BATCH, PROOFS = 0, 1
TREE = msgspec.toml.decode(CONFIG, type=Config)
TODAY = datetime(2026, 11, 26, tzinfo=UTC)
BOOK = build_prices(TREE, TODAY)
PLAIN = compile_policy(TREE)
TABLE = with_switching(PLAIN, BOOK, Lengths.priors(TREE))

# Thinking writes 840 tokens where Instruct writes 210: $0.0021 against $0.000483. What it saves of
# cached input is $0.42 a million tokens, so it pays from some 4,000 tokens on.
LONG, SHORT = 8_000, 2_000
FADED = Warm(model=THINKING, tokens=256)


def at(model: ModelId, tokens: int, **more: object) -> Facts:
    """A turn of `tokens` tokens, all but the last few of which `model` has in its cache."""
    warm = Warm(model=model, tokens=(tokens - 1) // 256 * 256)
    fields: dict[str, object] = {"input_tokens": tokens, "warm": warm, **more}
    return Facts(**fields)  # type: ignore[arg-type]  # tests name the fields they mean


def decided(label: Label, facts: Facts, table: PolicyTable = TABLE) -> Decision:
    found = decide(verdict(label), facts, table)
    assert isinstance(found, Decision), found
    return found


def test_a_long_conversation_stays_where_it_is_cached() -> None:
    decision = decided("medium", at(THINKING, LONG))
    assert summary(decision) == ("hard", THINKING, "pinned")
    assert [candidate.model for candidate in decision.candidates] == [FLASH, INSTRUCT, THINKING]


def test_a_short_one_moves_because_thinking_writes_more_than_the_cache_saves() -> None:
    assert summary(decided("medium", at(THINKING, SHORT))) == ("medium", INSTRUCT, "label")


def test_a_tier_so_cheap_that_reading_anew_costs_less_is_moved_to() -> None:
    assert summary(decided("easy", at(THINKING, 100_000))) == ("easy", FLASH, "label")


def test_it_never_stays_on_a_lower_tier_than_is_wanted() -> None:
    assert summary(decided("hard", at(INSTRUCT, LONG))) == ("hard", THINKING, "label")


def test_where_the_conversation_is_already_at_the_wanted_model_that_is_no_pin() -> None:
    assert summary(decided("hard", at(THINKING, LONG))) == ("hard", THINKING, "label")


@pytest.mark.parametrize(
    ("why", "facts"),
    [
        ("has no price for cached tokens", at(FLASH, LONG)),
        ("has no price at all", at(OTHER, LONG)),
        ("belongs to no tier", at(OUTSIDE, LONG)),
        ("is not configured any more", at(ModelId("retired"), LONG)),
        ("is down", at(THINKING, LONG, unavailable=(THINKING,))),
        ("cannot take the request", at(THINKING, LONG, capabilities=("json_schema",))),
        ("has too small a window", at(THINKING, 190_000)),
        ("is ruled out", at(THINKING, LONG, rules=(BATCH,))),
        ("must not stand in the way of thrift", at(THINKING, LONG, thrift=True)),
        (
            "forgot nearly all",
            Facts(input_tokens=LONG, warm=FADED),
        ),
    ],
)
def test_a_model_is_not_stayed_with_that(why: str, facts: Facts) -> None:
    assert summary(decided("medium", facts))[:2] == ("medium", INSTRUCT), why


def test_a_rule_that_allows_the_warm_tier_does_not_stand_in_the_way() -> None:
    assert summary(decided("medium", at(THINKING, LONG, rules=(PROOFS,))))[1] == THINKING


def test_the_caller_s_own_word_outranks_the_price() -> None:
    assert summary(decided("medium", at(THINKING, LONG, forced="medium")))[:2] == (
        "medium",
        INSTRUCT,
    )
    assert decided("medium", at(THINKING, LONG, passthrough=INSTRUCT)).reason == "passthrough"


def test_a_pinned_tool_loop_is_not_moved_by_money() -> None:
    facts = at(THINKING, LONG, open_tool_loop=True, pin=INSTRUCT)
    assert decided("medium", facts).model == INSTRUCT


def test_a_cap_on_output_makes_staying_cheaper() -> None:
    facts = at(THINKING, SHORT, max_tokens=50)
    assert summary(decided("medium", facts)) == ("hard", THINKING, "pinned")


def test_without_prices_or_lengths_nothing_is_stayed_with() -> None:
    for table in (
        PLAIN,
        with_switching(PLAIN, EmptyPrices(), Lengths.priors(TREE)),
        with_switching(PLAIN, BOOK, Lengths({}, {})),
    ):
        assert decided("medium", at(THINKING, LONG), table).model == INSTRUCT


def test_prices_do_not_change_the_policy_s_version_as_each_entry_names_theirs() -> None:
    assert TABLE.version == PLAIN.version


_facts = st.builds(
    Facts,
    input_tokens=st.integers(1, 250_000),
    max_tokens=st.none() | st.integers(1, 20_000),
    rules=st.lists(st.sampled_from((BATCH, PROOFS)), unique=True).map(tuple),
    unavailable=st.lists(st.sampled_from((FLASH, INSTRUCT, THINKING)), unique=True, max_size=2).map(
        tuple
    ),
    warm=st.builds(
        Warm,
        model=st.sampled_from((FLASH, INSTRUCT, THINKING, OTHER, OUTSIDE)),
        tokens=st.integers(0, 250_000),
    ),
)


@given(
    label=st.sampled_from(("easy", "medium", "hard", "needs_info")),
    facts=_facts,
)
def test_staying_is_never_a_worse_tier_nor_another_model_than_the_warm_one(
    label: Label, facts: Facts
) -> None:
    said: Verdict = verdict(label)
    plain, switching = decide(said, facts, PLAIN), decide(said, facts, TABLE)
    assert decide(said, facts, TABLE) == switching
    if plain == switching:
        return
    assert isinstance(plain, Decision)
    assert isinstance(switching, Decision)
    assert facts.warm is not None
    assert (switching.model, switching.reason) == (facts.warm.model, "pinned")
    assert RANKS[switching.tier] > RANKS[plain.tier]
    assert switching.tier in TIERS[: 2 if BATCH in facts.rules else 3]
