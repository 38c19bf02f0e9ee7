"""What a tier would have cost, estimated from another's answers, beside what it then costs.

The sandbox answers a prompt alike every time, so both can be had: medium's answers with the
estimate of hard, and hard's own.
"""

import math
from datetime import UTC, datetime

import pytest

from classifier.types import TIERS
from router.domain import Attempt, Candidate, Decision, Facts, Usage
from router.prices.book import build_prices
from router.prices.lengths import Lengths
from router.prices.settlement import settle
from router.sandbox.answers import compose
from router.sandbox.personas import persona_of
from router.sandbox.profile import sandbox_config
from router.sandbox.requests import ChatRequest, Message
from router.sandbox.settings import Scenario

CONFIG = sandbox_config()
BOOK = build_prices(CONFIG, datetime(2026, 11, 26, tzinfo=UTC))
LENGTHS = Lengths.priors(CONFIG)
MODELS = {tier: CONFIG.models_of(tier)[0] for tier in TIERS}
DECISION = Decision(
    tier="medium",
    model=MODELS["medium"],
    reason="label",
    candidates=tuple(Candidate(tier=tier, model=model) for tier, model in MODELS.items()),
)
RUNS, PROMPTS = 25, 40
INPUT = 500


def written(name: str, text: str) -> int:
    request = ChatRequest(model=name, messages=[Message(role="user", content=text)])
    return compose(request, persona_of(name), Scenario()).tokens


@pytest.fixture(scope="module")
def runs() -> list[tuple[float, float, float]]:
    """For each run what hard is estimated to cost, the standard deviation, and what it costs."""
    return [one_run(run) for run in range(RUNS)]


def one_run(run: int) -> tuple[float, float, float]:
    estimate = shared = own = truth = 0.0
    for number in range(PROMPTS):
        text = f"Run {run}, question {number}"
        usage = Usage(input=INPUT, output=written(MODELS["medium"], text), source="billed")
        attempt = Attempt(model=MODELS["medium"], tier="medium", status=200, usage=usage)
        _, cost = settle(BOOK, LENGTHS, DECISION, [attempt], facts=Facts(input_tokens=INPUT))
        doubt = cost.doubts["hard"]
        estimate, shared, own = (
            estimate + (cost.hard or 0),
            shared + doubt.shared,
            own + doubt.own**2,
        )
        real = Usage(input=INPUT, output=written(MODELS["hard"], text))
        truth += BOOK.cost(MODELS["hard"], real) or 0
    return estimate, math.hypot(shared, math.sqrt(own)), truth


def inside(runs: list[tuple[float, float, float]], factor: float = 1.0) -> int:
    """Runs whose interval holds the truth, were that `factor` times as much."""
    return sum(abs(truth * factor - said) < 1.96 * sd for said, sd, truth in runs)


def test_the_interval_of_what_a_tier_would_have_cost_holds_what_it_costs(
    runs: list[tuple[float, float, float]],
) -> None:
    assert inside(runs) >= 0.9 * RUNS


def test_and_does_not_when_the_model_writes_twice_what_its_prior_says(
    runs: list[tuple[float, float, float]],
) -> None:
    assert inside(runs, factor=2.0) <= 0.2 * RUNS


def test_over_all_runs_the_estimate_is_right_to_a_few_percent(
    runs: list[tuple[float, float, float]],
) -> None:
    said, truth = sum(run[0] for run in runs), sum(run[2] for run in runs)
    assert said == pytest.approx(truth, rel=0.08)
