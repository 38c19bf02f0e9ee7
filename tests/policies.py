"""A configuration with three tiers, and what the policy makes of it."""

import msgspec

from classifier.types import Cutoffs, Label, Probabilities, Success, Tier, Verdict, Version
from router.config.schema import Config
from router.domain import Decision, Facts, ModelId, Reason
from router.policy.decision import decide
from router.policy.table import PolicyTable, compile_policy

CONFIG = """
[tiers]
easy = ["flash", "flash-spare"]
medium = ["instruct"]
hard = ["thinking", "thinking-spare"]

[upstream.host]
base_url = "https://api.example.com/v1"

[model.flash]
upstream = "host"
name = "f"
context = 100_000
modalities = ["image"]

[model.flash-spare]
upstream = "host"
name = "f"
context = 400_000

[model.instruct]
upstream = "host"
name = "i"
context = 120_000
capabilities = ["tools"]

[model.thinking]
upstream = "host"
name = "t"
context = 260_000
max_tokens = 16_000
min_output_tokens = 2_000

[model.thinking-spare]
upstream = "host"
name = "t"
context = 260_000
max_tokens = 16_000
min_output_tokens = 2_000

[model.elsewhere]
upstream = "host"
name = "e"
context = 8_000
"""

FLASH, SPARE, INSTRUCT = ModelId("flash"), ModelId("flash-spare"), ModelId("instruct")
THINKING, THINKING_SPARE = ModelId("thinking"), ModelId("thinking-spare")


def table(policy: str = "", calibrated: Cutoffs | None = None) -> PolicyTable:
    config = msgspec.toml.decode(CONFIG + policy, type=Config)
    return compile_policy(config, {"auto": calibrated} if calibrated else {})


def verdict(label: Label = "easy", *, easy: float = 0.5, medium: float = 0.5) -> Verdict:
    return Verdict(
        label=label,
        probabilities=Probabilities(easy=0.25, medium=0.25, hard=0.25, needs_info=0.25),
        success=Success(easy=easy, medium=medium, hard=max(medium, 0.9)),
        difficulty=0.5,
        confidence=0.25,
        truncated=False,
        model_version=Version("20261123-00000000"),
    )


def decided(verdict: Verdict | None, facts: Facts, policy: str = "") -> Decision:
    decision = decide(verdict, facts, table(policy))
    assert isinstance(decision, Decision), decision
    return decision


def summary(decision: Decision) -> tuple[Tier, ModelId, Reason]:
    return decision.tier, decision.model, decision.reason


PLAIN = Facts(input_tokens=1_000)
