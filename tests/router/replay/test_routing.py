"""What a policy makes of conversations: prefixes that are found, switches that cost, tool loops."""

from datetime import timedelta
from pathlib import Path

import numpy as np

from classifier.types import TIERS
from router.columns import UNKNOWN, Columns, Routed
from router.domain import REASONS, Usage
from router.replay.part import ABSENT
from tests.replays import CONFIG, EASY, HARD, NOON, exchange, replayed, terms, written

TERMS = terms()
LONG = "word " * 2_000
"""Some 2,500 tokens: more than a block."""


def turn(
    at_s: float, *texts: str, by: str = "vendor/instruct", model: str = "auto", most: int = 0
) -> dict[str, object]:
    """A request for `model` whose human turns are `texts`, answered by the model `by`."""
    cap = {"max_tokens": most} if most else {}
    messages: list[object] = []
    for text in texts:
        messages += [{"role": "user", "content": text}, {"role": "assistant", "content": "yes"}]
    return exchange("", model=by) | {
        "timestamp": (NOON + timedelta(seconds=at_s)).isoformat(),
        "session": "s",
        "request": {"model": model, "messages": messages[:-1], **cap},
    }


def run(tmp_path: Path, *lines: object, config: str = CONFIG) -> Routed:
    return columns(tmp_path, *lines, config=config).policies[0]


def columns(tmp_path: Path, *lines: object, config: str = CONFIG) -> Columns:
    return replayed(written(tmp_path / "log.jsonl", lines), terms(config))


def test_what_the_decided_model_answered_costs_what_it_cost(tmp_path: Path) -> None:
    routed = run(tmp_path, turn(0, EASY, by="vendor/flash"))
    usage = Usage(input=1_000, output=200, source="billed")
    assert TIERS[routed.tier[0]] == "easy"
    assert routed.cost[0].sum() == TERMS.prices.cost(TERMS.config.models_of("easy")[0], usage)
    assert (routed.cost_shared[0], routed.cost_own[0]) == (0, 0)
    assert routed.tiers_shared[0, 2] > 0
    assert routed.tiers_own[0, 2] > 0


def test_another_model_writes_as_much_as_its_ratio_says(tmp_path: Path) -> None:
    routed = run(tmp_path, turn(0, EASY))
    assert routed.tiers[0, :, 2].tolist() == [100 * 400_000, 200 * 2_300_000, 800 * 2_500_000]


def test_a_conversation_that_stays_finds_its_prefix(tmp_path: Path) -> None:
    lines = [turn(0, LONG, model="gearshift/hard"), turn(60, LONG, EASY, model="gearshift/hard")]
    first, second = run(tmp_path, *lines).cost
    assert first[1] == 0
    # The log says that both had 1,000 tokens of input: three whole blocks of 256.
    assert second[1] == 768 * 150_000
    assert second[0] == (1_000 - 768) * 600_000


def test_after_the_life_of_the_cache_it_finds_nothing(tmp_path: Path) -> None:
    lines = [turn(0, LONG, model="gearshift/hard"), turn(301, LONG, EASY, model="gearshift/hard")]
    assert run(tmp_path, *lines).cost[1, 1] == 0


def test_a_switch_reads_everything_again(tmp_path: Path) -> None:
    lines = [turn(0, LONG, model="gearshift/hard"), turn(60, LONG, EASY, model="gearshift/medium")]
    routed = run(tmp_path, *lines)
    assert TIERS[routed.tier[1]] == "medium"
    assert routed.cost[1, 1] == 0
    # Alone, each of both would have gone on where it was.
    assert routed.tiers[1, 2, 1] == 768 * 150_000


def test_it_stays_where_staying_costs_no_more(tmp_path: Path) -> None:
    dear = CONFIG.replace("input = 0.1, output = 0.4", "input = 9, output = 9")
    dear = dear.replace("input = 0.57, output = 2.3, cached = 0.1", "input = 9, output = 9")
    easy = "Thanks! What is the capital of Portugal, and how many people live there? " * 4
    for gap_s, tier, pinned in ((30, "hard", True), (400, "easy", False)):
        lines = [turn(0, HARD), turn(gap_s, HARD, easy)]
        routed = run(tmp_path, *lines, config=dear)
        assert TIERS[routed.tier[0]] == "hard"
        assert TIERS[routed.tier[1]] == tier
        assert (REASONS[routed.reason[1]] == "pinned") == pinned


def test_a_tool_loop_goes_on_with_the_model_that_began_it(tmp_path: Path) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    begins = turn(0, HARD) | {
        "response": {
            "model": "vendor/instruct",
            "choices": [{"finish_reason": "tool_calls", "message": {"tool_calls": [call]}}],
            "usage": {"prompt_tokens": 1_000, "completion_tokens": 20},
        }
    }
    goes_on = turn(5) | {
        "request": {
            "model": "auto",
            "messages": [
                {"role": "user", "content": HARD},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c", "content": "42"},
            ],
        }
    }
    # Began when everything was forced to another tier.
    begins["request"] = {
        "model": "gearshift/medium",
        "messages": [{"role": "user", "content": HARD}],
    }
    routed = run(tmp_path, begins, goes_on)
    assert [TIERS[at] for at in routed.tier] == ["medium", "medium"]
    assert REASONS[routed.reason[1]] == "pinned"
    assert TIERS[run(tmp_path, goes_on).tier[0]] == "hard"


def test_without_an_answer_lengths_are_expected_and_in_doubt(tmp_path: Path) -> None:
    routed = run(tmp_path, {"request": turn(0, EASY)["request"]})
    assert (routed.cost[0] >= 0).all()
    assert routed.cost_shared[0] > 0
    assert routed.cost_own[0] > 0


def test_what_has_no_price_or_no_length_is_unknown(tmp_path: Path) -> None:
    bare = CONFIG.replace(
        'price = { input = 0.1, output = 0.4, source = "s", date = "2026-11-01" }', ""
    )
    routed = run(tmp_path, turn(0, EASY), config=bare)
    assert (routed.tiers[0, 0] == UNKNOWN).all()
    mute = CONFIG.replace('output_ratio = { value = 0.5, low = 0.4, high = 0.6, source = "s" }', "")
    routed = run(tmp_path, turn(0, EASY), config=mute)
    assert routed.tiers[0, 0].tolist() == [1_000 * 100_000, 0, UNKNOWN]


def test_what_no_model_can_take_is_served_by_none(tmp_path: Path) -> None:
    huge = turn(0, "word " * 400_000)
    found = columns(tmp_path, huge, turn(1, EASY))
    routed = found.policies[0]
    assert routed.model.tolist()[0] == ABSENT
    assert (routed.cost[0] == UNKNOWN).all()
    assert (routed.tiers[0] == UNKNOWN).all()
    assert routed.model[1] != ABSENT


def test_rules_are_matched_where_the_text_is(tmp_path: Path) -> None:
    ruled = CONFIG + '[[policy.rule]]\nname = "law"\npattern = "Portugal"\nat_least = "hard"\n'
    log = written(tmp_path / "log.jsonl", [turn(0, EASY), turn(9, "What is 2 + 2?")])
    plain, strict = replayed(log, TERMS, terms(ruled)).policies
    assert TIERS[plain.tier[0]] == "easy"
    assert TIERS[strict.tier[0]] == "hard"
    assert strict.tier[1] == plain.tier[1]


def test_a_log_says_what_it_paid_as_far_as_it_can_be_told(tmp_path: Path) -> None:
    names = ("vendor/instruct", "gpt-4o", "openai/gpt-4o", "nobody-knows-it", "")
    found = columns(tmp_path, *(turn(at, EASY, by=name) for at, name in enumerate(names)))
    ours, theirs, again, *unknown = found.logged.tolist()
    assert ours == 1_000 * 570_000 + 200 * 2_300_000
    # The list price of gpt-4o: 2.50 and 10 dollars a million, since October 2024.
    assert theirs == again == 1_000 * 2_500_000 + 200 * 10_000_000
    assert unknown == [UNKNOWN, UNKNOWN]
    assert found.logged_model == names
    assert found.tokens.tolist() == [[1_000, 0, 200]] * 5


def test_conversations_have_names_of_their_own(tmp_path: Path) -> None:
    lines = [
        {"request": {"model": "m", "user": user, "messages": [{"role": "user", "content": text}]}}
        for user, text in (("a", EASY), ("b", EASY), ("a", HARD), ("a", EASY))
    ]
    found = columns(tmp_path, *lines).conversation
    assert len(np.unique(found)) == 3
    assert found[0] == found[3]


def test_blocks_say_what_two_requests_of_a_trace_share(tmp_path: Path) -> None:
    def asked(at: int, *blocks: int) -> dict[str, object]:
        length = len(blocks) * 512
        return {
            "timestamp": at,
            "input_length": length,
            "output_length": 10,
            "hash_ids": list(blocks),
        }

    lines = [asked(0, 0, 1, 2), asked(1_000, 0, 1, 3, 4), asked(2_000, 0, 9)]
    routed = replayed(written(tmp_path / "trace.jsonl", lines), TERMS).policies[0]
    # Two blocks of 512 tokens are alike, then none: another conversation.
    assert routed.tiers[:, 2, 1].tolist() == [0, 1_024 * 150_000, 0]


def test_caps_are_felt(tmp_path: Path) -> None:
    lines = [turn(at, EASY, most=most) for at, most in enumerate((0, 5, 100))]
    free, narrow, middling = (run(tmp_path, *lines).tiers[:, 0, 2] / 400_000).tolist()
    assert (free, narrow) == (100, 5)
    # Half of the answers would have been cut off, so the mean is below the cap and its own.
    assert 50 < middling < 90
