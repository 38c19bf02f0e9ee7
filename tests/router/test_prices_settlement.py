"""Settling: what was paid over all attempts, and what every tier would have cost."""

import math
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.types import Tier
from router.config.schema import Config
from router.domain import (
    Attempt,
    Candidate,
    Cost,
    Decision,
    Facts,
    ModelId,
    Obstacle,
    PicoUsd,
    Usage,
    Warm,
)
from router.prices.book import EmptyPrices, build_prices
from router.prices.lengths import Lengths
from router.prices.settlement import settle, total_usage

CONFIG = """
tiers = { easy = ["flash"], medium = ["instruct"], hard = ["thinking"] }

[upstream.host]
base_url = "http://127.0.0.1:8000/v1"

[model.flash]
upstream = "host"
name = "f"
context = 1_000
price = { input = 0.1, output = 0.4, source = "s", date = "2026-11-01" }
output_ratio = { value = 0.5, low = 0.4, high = 0.6, source = "s" }

[model.instruct]
upstream = "host"
name = "i"
context = 1_000
price = { input = 0.57, output = 2.3, source = "s", date = "2026-11-01" }
output_ratio = { value = 1, low = 1, high = 1, source = "s" }

[model.thinking]
upstream = "host"
name = "t"
context = 1_000
max_tokens = 16_000
price = { input = 0.6, output = 2.5, cached = 0.15, source = "s", date = "2026-11-01" }
output_ratio = { value = 4, low = 2, high = 8, source = "s" }

[model.unpriced]
upstream = "host"
name = "u"
context = 1_000
output_ratio = { value = 1, low = 1, high = 1, source = "s" }

[model.unmeasured]
upstream = "host"
name = "m"
context = 1_000
price = { input = 1, output = 1, source = "s", date = "2026-11-01" }
"""
TREE = msgspec.toml.decode(CONFIG, type=Config)
BOOK = build_prices(TREE, datetime(2026, 11, 23, tzinfo=UTC))
LENGTHS = Lengths.priors(TREE)
MODELS: dict[Tier, str] = {"easy": "flash", "medium": "instruct", "hard": "thinking"}


def decision(
    tier: Tier = "medium",
    *,
    models: dict[Tier, str] | None = None,
    obstacles: dict[Tier, Obstacle] | None = None,
) -> Decision:
    candidates = tuple(
        Candidate(tier=at, model=ModelId(name), obstacle=(obstacles or {}).get(at))
        for at, name in (models or MODELS).items()
    )
    model = next(candidate.model for candidate in candidates if candidate.tier == tier)
    return Decision(tier=tier, model=model, reason="label", candidates=candidates)


def billed(model: str, tier: Tier, usage: Usage) -> Attempt:
    return Attempt(model=ModelId(model), tier=tier, status=200, usage=usage)


USED = Usage(input=1_000, cached=200, output=300, source="billed")


def cost(
    *attempts: Attempt,
    of: Decision | None = None,
    cap: int | None = None,
    warm: Warm | None = None,
) -> Cost:
    facts = Facts(input_tokens=1_000, max_tokens=cap, warm=warm)
    return settle(BOOK, LENGTHS, of or decision(), attempts, facts=facts)[1]


def test_the_tier_taken_cost_what_it_cost_and_the_others_are_scaled_by_what_they_write() -> None:
    settled = cost(billed("instruct", "medium", USED))
    assert settled.actual == settled.medium == 1_000 * 570_000 + 300 * 2_300_000
    assert settled.easy == 1_000 * 100_000 + 150 * 400_000
    assert settled.hard == 200 * 150_000 + 800 * 600_000 + 1_199 * 2_500_000  # under its cap
    assert (settled.prices, settled.lengths) == (BOOK.version, LENGTHS.version)


def test_scaling_goes_down_as_well_as_up() -> None:
    settled = cost(billed("thinking", "hard", USED), of=decision("hard"))
    assert settled.medium == 1_000 * 570_000 + 75 * 2_300_000


def test_no_estimate_is_longer_than_the_caller_allows_or_the_profile_sends() -> None:
    # 20,000 tokens are expected, some answers would be shorter than the cap, none is longer.
    long = Usage(input=1_000, output=5_000, source="billed")
    wide, narrow, tiny = (
        (cost(billed("instruct", "medium", long), cap=cap).hard or 0) - 600_000_000
        for cap in (None, 6_000, 10)
    )
    assert 9_000 * 2_500_000 < wide < 16_000 * 2_500_000
    assert 5_000 * 2_500_000 < narrow < 6_000 * 2_500_000
    assert tiny == 10 * 2_500_000


def test_a_tier_not_taken_is_in_doubt_by_the_range_of_its_prior_and_by_the_spread_of_answers() -> (
    None
):
    settled = cost(billed("instruct", "medium", USED))
    output = 150 * 400_000
    easy = settled.doubts["easy"]
    assert easy.shared == pytest.approx(output * math.log(0.6 / 0.4) / 3.92, rel=1e-6)
    assert easy.own == pytest.approx(output)
    assert settled.doubts["hard"].shared > 10 * easy.shared
    assert "medium" not in settled.doubts


def test_a_tier_of_the_same_model_is_exact() -> None:
    same: dict[Tier, str] = {"easy": "instruct", "medium": "instruct", "hard": "thinking"}
    settled = cost(billed("instruct", "medium", USED), of=decision("medium", models=same))
    assert settled.easy == settled.medium
    assert set(settled.doubts) == {"hard"}


WARM = Warm(model=ModelId("instruct"), tokens=768)


def test_a_tier_alone_would_have_found_the_conversation_in_its_cache() -> None:
    switched = decision("hard")
    settled = cost(billed("thinking", "hard", USED), of=switched, warm=WARM)
    assert settled.actual == 200 * 150_000 + 800 * 600_000 + 300 * 2_500_000
    assert settled.hard == 768 * 150_000 + 232 * 600_000 + 300 * 2_500_000
    stayed = cost(billed("instruct", "medium", USED), warm=WARM)
    assert stayed.actual == stayed.medium
    assert stayed.hard == 768 * 150_000 + 232 * 600_000 + 1_199 * 2_500_000


def test_a_model_without_a_price_for_cached_tokens_gains_nothing_by_staying() -> None:
    cold, warm = (
        cost(billed("thinking", "hard", USED), of=decision("hard"), warm=state)
        for state in (None, WARM)
    )
    assert (cold.easy, cold.medium) == (warm.easy, warm.medium)


def test_what_the_model_that_served_before_really_found_is_the_truth() -> None:
    stays = Warm(model=ModelId("thinking"), tokens=768)
    settled = cost(billed("thinking", "hard", USED), of=decision("hard"), warm=stays)
    assert settled.hard == settled.actual


def test_failed_attempts_are_paid_for_but_are_no_part_of_what_a_tier_would_have_cost() -> None:
    wasted = Usage(input=1_000, output=40, source="estimated")
    settled = cost(billed("thinking", "hard", wasted), billed("instruct", "medium", USED))
    assert settled.medium == 1_000 * 570_000 + 300 * 2_300_000
    assert settled.actual == settled.medium + 1_000 * 600_000 + 40 * 2_500_000


def test_an_attempt_that_used_nothing_costs_nothing_even_where_the_price_is_unknown() -> None:
    refused = Attempt(model=ModelId("unpriced"), tier="hard", status=503, fault="server")
    assert cost(refused, billed("instruct", "medium", USED)).actual is not None


def test_tokens_without_a_price_make_the_total_unknown_not_smaller() -> None:
    mixed = decision("medium", models={"easy": "flash", "medium": "instruct", "hard": "unpriced"})
    settled = cost(billed("unpriced", "hard", USED), billed("instruct", "medium", USED), of=mixed)
    assert settled.actual is None
    assert settled.hard is None
    assert settled.medium is not None


def test_where_no_output_length_is_known_nothing_is_claimed() -> None:
    models: dict[Tier, str] = {"easy": "unmeasured", "medium": "instruct", "hard": "thinking"}
    there = cost(billed("instruct", "medium", USED), of=decision(models=models))
    assert there.easy is None
    assert there.hard is not None
    here = cost(billed("unmeasured", "easy", USED), of=decision("easy", models=models))
    assert here.easy == 1_300_000_000
    assert here.medium is None


def test_a_model_on_two_tiers_needs_no_estimate() -> None:
    same: dict[Tier, str] = {"easy": "unmeasured", "medium": "unmeasured", "hard": "thinking"}
    settled = cost(billed("unmeasured", "easy", USED), of=decision("easy", models=same))
    assert settled.easy == settled.medium == settled.actual


def test_a_tier_that_could_not_take_the_request_has_no_cost_but_one_that_was_down_has() -> None:
    obstacles: dict[Tier, Obstacle] = {"easy": "unavailable", "hard": "context"}
    settled = cost(billed("instruct", "medium", USED), of=decision(obstacles=obstacles))
    assert settled.hard is None
    assert settled.easy is not None


def test_a_request_that_was_never_sent_cost_nothing() -> None:
    usage, settled = settle(BOOK, LENGTHS, decision(), ())
    assert usage == Usage()
    assert (settled.actual, settled.easy, settled.medium, settled.hard) == (0, 0, 0, 0)


def test_without_prices_everything_is_unknown() -> None:
    usage, settled = settle(
        EmptyPrices(), LENGTHS, decision(), [billed("instruct", "medium", USED)]
    )
    assert usage == USED
    assert settled == Cost(prices="none", lengths=LENGTHS.version)


def test_usage_is_billed_only_if_all_of_it_was() -> None:
    def total(*usages: Usage) -> Usage:
        return total_usage([billed("instruct", "medium", usage) for usage in usages])

    estimated = msgspec.structs.replace(USED, source="estimated")
    assert total(USED, USED) == Usage(input=2_000, cached=400, output=600, source="billed")
    assert total(USED, estimated).source == "estimated"
    assert total(Usage(), USED).source == "billed"
    assert total(Usage(), Usage()).source == "none"
    assert total().source == "none"


_tokens = st.integers(min_value=0, max_value=10**6)
_usages = st.builds(
    Usage,
    input=_tokens,
    cached=_tokens,
    output=_tokens,
    source=st.sampled_from(("billed", "estimated")),
)
_attempts = st.lists(
    st.builds(
        lambda tier, usage: billed(MODELS[tier], tier, usage),
        st.sampled_from(("easy", "medium", "hard")),
        _usages,
    ),
    min_size=1,
    max_size=4,
)


@given(attempts=_attempts)
def test_the_total_is_the_sum_of_the_parts(attempts: list[Attempt]) -> None:
    usage, settled = settle(BOOK, LENGTHS, decision(attempts[-1].tier), attempts)
    parts = [BOOK.cost(attempt.model, attempt.usage) for attempt in attempts]
    assert settled.actual == sum(part for part in parts if part is not None)
    assert usage.input == sum(attempt.usage.input for attempt in attempts)
    assert usage.output == sum(attempt.usage.output for attempt in attempts)
    by_tier: dict[Tier, PicoUsd | None] = {
        "easy": settled.easy,
        "medium": settled.medium,
        "hard": settled.hard,
    }
    assert by_tier[attempts[-1].tier] == parts[-1]
    assert None not in by_tier.values()
