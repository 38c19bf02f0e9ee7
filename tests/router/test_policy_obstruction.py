"""What a caller is told when nothing can serve: the numbers, the field, and whether to wait."""

import msgspec
import pytest

from classifier.types import Tier
from router.config.schema import Config
from router.domain import Facts, ModelId, Reason
from router.errors import Infeasible, Unavailable
from router.policy.decision import decide, stand_in
from router.policy.obstruction import Obstruction
from router.policy.table import compile_policy

CONFIG = """
tiers = { easy = ["small"], medium = ["small"], hard = ["large"] }

[upstream.host]
base_url = "https://api.example.com/v1"

[model.small]
upstream = "host"
name = "s"
context = 32_000
capabilities = []
min_output_tokens = 3_000

[model.large]
upstream = "host"
name = "l"
context = 262_144
capabilities = []
max_tokens = 16_000
min_output_tokens = 2_000
"""
SMALL, LARGE = ModelId("small"), ModelId("large")
TABLE = compile_policy(msgspec.toml.decode(CONFIG, type=Config))


def refused(facts: Facts) -> Obstruction:
    obstruction = decide(None, facts, TABLE)
    assert isinstance(obstruction, Obstruction)
    return obstruction


def test_a_context_beyond_every_window_names_both_numbers() -> None:
    obstruction = refused(Facts(input_tokens=300_000, max_tokens=4_000))
    assert obstruction.message == (
        "No tier can take this request: it needs about 334,000 tokens (330,000 of input, "
        "estimated with a margin of 10%, and 4,000 for the answer), and the largest window is "
        "262,144 (large)."
    )
    assert (obstruction.obstacle, obstruction.param) == ("context", "messages")
    assert obstruction.code == "context_length_exceeded"
    assert [candidate.obstacle for candidate in obstruction.candidates] == ["context"] * 3


def test_parts_that_no_model_takes_are_named() -> None:
    obstruction = refused(Facts(input_tokens=10, modalities=("image", "audio")))
    assert "small and large cannot take image and audio parts" in obstruction.message
    assert obstruction.param == "messages"


@pytest.mark.parametrize(
    ("capability", "field"),
    [("tools", "tools"), ("json_schema", "response_format"), ("logprobs", "logprobs")],
)
def test_a_capability_that_no_model_has_points_at_its_field(capability: str, field: str) -> None:
    facts = msgspec.convert({"input_tokens": 10, "capabilities": [capability]}, Facts)
    obstruction = refused(facts)
    assert f"cannot do {capability}" in obstruction.message
    assert obstruction.param == field


def test_a_cap_too_small_to_think_in_names_the_least_that_would_do() -> None:
    obstruction = refused(Facts(input_tokens=10, max_tokens=500))
    assert "max_tokens is 500, and large needs at least 2,000" in obstruction.message
    assert obstruction.param == "max_tokens"


def test_obstacles_that_differ_by_model_are_all_told() -> None:
    obstruction = refused(Facts(input_tokens=40_000, max_tokens=500))
    assert "the largest window is 32,000 (small)" in obstruction.message
    assert "large needs at least 2,000" in obstruction.message


def test_an_outage_is_a_503_and_a_request_that_cannot_fit_a_400() -> None:
    outage = refused(Facts(input_tokens=10, unavailable=(SMALL, LARGE)))
    assert outage.outage
    assert "small and large cannot be reached" in outage.message
    error = outage.error()
    assert isinstance(error, Unavailable)
    assert (error.status, error.code, error.param) == (503, "upstreams_unavailable", None)

    error = refused(Facts(input_tokens=300_000)).error()
    assert isinstance(error, Infeasible)
    assert (error.status, error.code) == (400, "context_length_exceeded")
    assert "262,144" in str(error)


def test_it_is_an_outage_if_only_one_model_could_have_served() -> None:
    facts = Facts(input_tokens=40_000, unavailable=(LARGE,))
    assert refused(facts).outage
    fits_nowhere = Facts(input_tokens=300_000, unavailable=(SMALL, LARGE))
    assert not refused(fits_nowhere).outage


@pytest.mark.parametrize(
    ("facts", "opening"),
    [
        (Facts(input_tokens=40_000, forced="easy"), "The easy tier cannot take this request"),
        (Facts(input_tokens=40_000, passthrough=SMALL), "small cannot take this request"),
        (
            Facts(input_tokens=40_000, pin=SMALL, open_tool_loop=True),
            "This tool loop has to go on with small",
        ),
        (
            Facts(input_tokens=10, passthrough=ModelId("nobody")),
            "nobody cannot take this request: nobody is not configured",
        ),
    ],
)
def test_the_account_begins_with_what_was_asked_for(facts: Facts, opening: str) -> None:
    assert refused(facts).message.startswith(opening)


def test_only_the_models_that_were_in_question_are_accused() -> None:
    obstruction = refused(Facts(input_tokens=10, forced="hard", unavailable=(SMALL, LARGE)))
    assert "large" in obstruction.message
    assert "small" not in obstruction.message


@pytest.mark.parametrize(
    ("facts", "tier", "model", "reason"),
    [
        (Facts(input_tokens=300_000), "medium", SMALL, "context"),
        (Facts(input_tokens=300_000, forced="hard"), "hard", LARGE, "context"),
        (Facts(input_tokens=10, passthrough=SMALL, max_tokens=1), "easy", SMALL, "max_tokens"),
        (
            Facts(input_tokens=10, pin=LARGE, open_tool_loop=True, unavailable=(LARGE,)),
            "hard",
            LARGE,
            "fallback",
        ),
        (Facts(input_tokens=10, passthrough=ModelId("gone")), "hard", "gone", "fallback"),
    ],
)
def test_an_entry_of_a_refused_request_says_where_it_wanted_to_go(
    facts: Facts, tier: Tier, model: str, reason: Reason
) -> None:
    obstruction = refused(facts)
    decision = stand_in(None, obstruction)
    assert (decision.tier, decision.model, decision.reason) == (tier, model, reason)
    assert decision.candidates == obstruction.candidates
