"""The decision, by example: which tier and model a request gets, and the reason that is given."""

import msgspec
import pytest

from classifier.types import Cutoffs, Label, Tier
from router.config.schema import Config
from router.domain import Candidate, Capability, Decision, Dial, Facts, Modality, ModelId, Reason
from router.policy.decision import decide
from router.policy.obstruction import Obstruction
from router.policy.table import compile_policy
from tests.policies import (
    CONFIG,
    FLASH,
    INSTRUCT,
    PLAIN,
    SPARE,
    THINKING,
    THINKING_SPARE,
    decided,
    summary,
    table,
    verdict,
)


@pytest.mark.parametrize(
    ("label", "model"), [("easy", FLASH), ("medium", INSTRUCT), ("hard", THINKING)]
)
def test_a_label_goes_to_its_tier(label: Tier, model: ModelId) -> None:
    assert summary(decided(verdict(label), PLAIN)) == (label, model, "label")


def test_the_decision_tells_what_else_was_considered_and_on_what_verdict() -> None:
    given = verdict("medium")
    decision = decided(given, PLAIN)
    assert decision.verdict == given
    assert decision.candidates == (
        Candidate(tier="easy", model=FLASH),
        Candidate(tier="medium", model=INSTRUCT),
        Candidate(tier="hard", model=THINKING),
    )


def test_a_prompt_that_lacks_information_goes_where_the_operator_says() -> None:
    asked = verdict("needs_info", easy=1.0)
    assert summary(decided(asked, PLAIN)) == ("medium", INSTRUCT, "needs_info")
    by_success = '[policy]\nby = "success"\nneeds_info_tier = "hard"'
    assert summary(decided(asked, PLAIN, by_success)) == ("hard", THINKING, "needs_info")


def test_without_a_verdict_the_request_is_served_in_the_middle() -> None:
    assert summary(decided(None, PLAIN)) == ("medium", INSTRUCT, "no_verdict")
    hard = '[policy]\nno_verdict_tier = "hard"'
    assert summary(decided(None, PLAIN, hard)) == ("hard", THINKING, "no_verdict")


@pytest.mark.parametrize(
    ("easy", "medium", "tier"),
    [(0.75, 0.9, "easy"), (0.74, 0.65, "medium"), (0.1, 0.64, "hard"), (0.9, 0.1, "easy")],
)
def test_by_success_the_cheapest_tier_that_reaches_its_cutoff(
    easy: float, medium: float, tier: Tier
) -> None:
    policy = '[policy]\nby = "success"\nauto = { easy = 0.75, medium = 0.65 }'
    decision = decided(verdict("medium", easy=easy, medium=medium), PLAIN, policy)
    assert (decision.tier, decision.reason) == (tier, "success")


@pytest.mark.parametrize(("dial", "tier"), [("cheap", "easy"), ("best", "hard")])
def test_the_dial_has_cutoffs_of_its_own_whatever_the_policy_goes_by(
    dial: Dial, tier: Tier
) -> None:
    facts = Facts(input_tokens=1_000, dial=dial)
    decision = decided(verdict("medium", easy=0.6, medium=0.7), facts)
    assert (decision.tier, decision.reason) == (tier, "success")


def test_a_context_that_is_too_long_moves_to_the_next_model_of_the_tier_first() -> None:
    decision = decided(verdict("easy"), Facts(input_tokens=95_000))
    assert summary(decision) == ("easy", SPARE, "context")


def test_the_margin_counts_and_so_does_the_room_for_the_answer() -> None:
    fits = Facts(input_tokens=100_000, max_tokens=10_000)
    assert summary(decided(verdict("medium"), fits)) == ("medium", INSTRUCT, "label")
    over = msgspec.structs.replace(fits, max_tokens=10_001)
    assert summary(decided(verdict("medium"), over)) == ("hard", THINKING, "context")
    bare = "[policy]\ncontext_margin = 0.0"
    assert summary(decided(verdict("medium"), over, bare)) == ("medium", INSTRUCT, "label")


def test_without_a_cap_the_room_is_what_the_profile_sends() -> None:
    # 225,000 with the margin is 247,500: 16,000 more do not fit into 260,000, but 12,500 do.
    uncapped = Facts(input_tokens=225_000)
    assert summary(decided(verdict("hard"), uncapped)) == ("easy", SPARE, "context")
    capped = Facts(input_tokens=225_000, max_tokens=12_500)
    assert summary(decided(verdict("hard"), capped)) == ("hard", THINKING, "label")


@pytest.mark.parametrize(
    ("facts", "label", "served", "reason"),
    [
        (Facts(input_tokens=10, modalities=("image",)), "hard", FLASH, "modality"),
        (Facts(input_tokens=10, capabilities=("json_schema",)), "medium", THINKING, "capability"),
        (Facts(input_tokens=10, max_tokens=500), "hard", INSTRUCT, "max_tokens"),
    ],
)
def test_what_a_tier_cannot_take_moves_on_harder_first(
    facts: Facts, label: Label, served: ModelId, reason: Reason
) -> None:
    decision = decided(verdict(label), facts)
    assert (decision.model, decision.reason) == (served, reason)


def test_the_least_room_for_an_answer_is_kept_where_nothing_else_says_how_much() -> None:
    roomy = CONFIG.replace("max_tokens = 16_000\n", "")
    facts = Facts(input_tokens=235_000)
    fits = decide(verdict("hard"), facts, compile_policy(msgspec.toml.decode(roomy, type=Config)))
    assert isinstance(fits, Decision)
    assert fits.reason == "context"  # 258,500 with the margin, and 2,000 more: 260,500
    slack = msgspec.structs.replace(facts, input_tokens=234_000)
    fits = decide(verdict("hard"), slack, compile_policy(msgspec.toml.decode(roomy, type=Config)))
    assert isinstance(fits, Decision)
    assert fits.reason == "label"


def test_candidates_say_why_a_tier_was_passed_over() -> None:
    decision = decided(verdict("hard"), Facts(input_tokens=10, modalities=("image",)))
    assert [(c.tier, c.obstacle) for c in decision.candidates] == [
        ("easy", None),
        ("medium", "modality"),
        ("hard", "modality"),
    ]


def test_an_outage_falls_back_within_the_tier_then_to_a_harder_one_then_to_an_easier_one() -> None:
    def down(*models: ModelId) -> tuple[Tier, ModelId, Reason]:
        facts = Facts(input_tokens=1_000, unavailable=models)
        return summary(decided(verdict("easy"), facts))

    assert down(FLASH) == ("easy", SPARE, "fallback")
    assert down(FLASH, SPARE) == ("medium", INSTRUCT, "fallback")
    assert down(FLASH, SPARE, INSTRUCT) == ("hard", THINKING, "fallback")
    hard_down = Facts(input_tokens=1_000, unavailable=(THINKING, THINKING_SPARE))
    assert summary(decided(verdict("hard"), hard_down)) == ("medium", INSTRUCT, "fallback")


def test_the_reason_is_that_of_the_last_move() -> None:
    # Too long for medium, so hard; hard's first model is down, so its second.
    facts = Facts(input_tokens=150_000, unavailable=(THINKING,))
    assert summary(decided(verdict("medium"), facts)) == ("hard", THINKING_SPARE, "fallback")


def test_a_model_that_is_down_but_could_not_serve_anyway_is_not_the_reason() -> None:
    facts = Facts(input_tokens=150_000, unavailable=(INSTRUCT,))
    assert summary(decided(verdict("medium"), facts)) == ("hard", THINKING, "context")


def test_a_cap_of_exactly_what_the_model_needs_is_enough() -> None:
    facts = Facts(input_tokens=10, max_tokens=2_000)
    assert summary(decided(verdict("hard"), facts)) == ("hard", THINKING, "label")


RULES = """
[[policy.rule]]
name = "the board"
key = "board"
tier = "hard"

[[policy.rule]]
name = "batch"
header = "x-batch"
at_most = "medium"
"""


def test_a_rule_is_the_reason_only_where_it_changed_the_tier() -> None:
    board = Facts(input_tokens=1_000, rules=(0,))
    assert summary(decided(verdict("easy"), board, RULES)) == ("hard", THINKING, "rule")
    assert summary(decided(verdict("hard"), board, RULES)) == ("hard", THINKING, "label")
    batch = Facts(input_tokens=1_000, rules=(1,))
    assert summary(decided(verdict("easy"), batch, RULES)) == ("easy", FLASH, "label")
    assert summary(decided(None, batch, RULES)) == ("medium", INSTRUCT, "no_verdict")


def test_a_rule_gives_way_to_what_can_be_served() -> None:
    long = Facts(input_tokens=150_000, rules=(1,))
    assert summary(decided(verdict("hard"), long, RULES)) == ("easy", SPARE, "context")
    nothing_easier = msgspec.structs.replace(long, unavailable=(SPARE,))
    assert summary(decided(verdict("hard"), nothing_easier, RULES)) == (
        "hard",
        THINKING,
        "fallback",
    )


@pytest.mark.parametrize("tier", ["easy", "medium", "hard"])
def test_a_forced_tier_serves_without_a_verdict(tier: Tier) -> None:
    decision = decided(None, Facts(input_tokens=1_000, forced=tier))
    assert (decision.tier, decision.reason, decision.verdict) == (tier, "forced", None)


def test_a_forced_tier_falls_back_within_itself_and_never_leaves() -> None:
    facts = Facts(input_tokens=1_000, forced="hard", unavailable=(THINKING,))
    assert summary(decided(None, facts)) == ("hard", THINKING_SPARE, "fallback")
    image = Facts(input_tokens=10, forced="hard", modalities=("image",))
    assert isinstance(decide(None, image, table()), Obstruction)


def test_a_named_model_is_taken_at_its_word_even_outside_the_tiers() -> None:
    named = Facts(input_tokens=10, passthrough=INSTRUCT)
    assert summary(decided(None, named)) == ("medium", INSTRUCT, "passthrough")
    outside = Facts(input_tokens=10, passthrough=ModelId("elsewhere"))
    assert summary(decided(None, outside)) == ("hard", ModelId("elsewhere"), "passthrough")


def test_the_version_follows_whatever_could_change_a_decision() -> None:
    version = table().version
    assert table().version == version
    assert table("[policy]\ncontext_margin = 0.2").version != version
    assert table("[server]\nport = 9000").version == version
    wider = CONFIG.replace("context = 8_000", "context = 9_000")
    assert compile_policy(msgspec.toml.decode(wider, type=Config)).version != version


BY_SUCCESS = '[policy]\nby = "success"\n'
CALIBRATED = Cutoffs(easy=0.4, medium=0.16)


def tier_by(policy: str, calibrated: Cutoffs | None, dial: Dial = "auto") -> Tier:
    facts = Facts(input_tokens=10, dial=dial)
    decision = decide(verdict("hard", easy=0.5, medium=0.6), facts, table(policy, calibrated))
    assert isinstance(decision, Decision)
    return decision.tier


def test_cutoffs_of_the_classifier_apply_where_the_file_gives_none() -> None:
    assert tier_by(BY_SUCCESS, None) == "hard"
    assert tier_by(BY_SUCCESS, CALIBRATED) == "easy"


def test_cutoffs_of_the_file_go_first() -> None:
    own = f"{BY_SUCCESS}auto = {{ easy = 0.6, medium = 0.55 }}"
    assert tier_by(own, CALIBRATED) == "medium"


def test_cutoffs_of_the_classifier_move_neither_labels_nor_the_other_dials() -> None:
    assert tier_by("", CALIBRATED) == "hard"
    assert tier_by(BY_SUCCESS, CALIBRATED, "cheap") == "medium"
    assert tier_by(BY_SUCCESS, CALIBRATED, "best") == "hard"


def test_the_version_follows_the_cutoffs_wherever_they_come_from() -> None:
    version = table(BY_SUCCESS).version
    assert table(BY_SUCCESS, CALIBRATED).version != version
    written = f"{BY_SUCCESS}auto = {{ easy = 0.4, medium = 0.16 }}"
    assert table(written).version == table(BY_SUCCESS, CALIBRATED).version
    assert table(written, Cutoffs(easy=0.1, medium=0.1)).version == table(written).version


@pytest.mark.parametrize(("modalities", "capabilities"), [(("audio",), ()), ((), ("logprobs",))])
def test_what_no_tier_can_do_is_refused(
    modalities: tuple[Modality, ...], capabilities: tuple[Capability, ...]
) -> None:
    facts = Facts(input_tokens=10, modalities=modalities, capabilities=capabilities)
    assert isinstance(decide(verdict(), facts, table()), Obstruction)
