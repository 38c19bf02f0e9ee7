"""Prompt → Verdict → Decision → Entry: the frozen values that every path shares.

Prompt and Verdict are the classifier's; here is what the router does with them and what it cost.
Money is integer pico-USD everywhere inside (1 USD = 10**12), times are integer microseconds
since the epoch, UTC, durations are milliseconds.
"""

from typing import Final, Literal, NewType, TypeAlias, get_args

import msgspec

from classifier.types import Label, Tier, Verdict

DecisionId = NewType("DecisionId", str)
"""Names a decision and the entry that records it: 32 hex digits that sort by time."""
ModelId = NewType("ModelId", str)
"""The key of a `[model."…"]` profile of the configuration; callers and reports use it."""
PicoUsd = NewType("PicoUsd", int)

PICO: Final = 10**12

Reason: TypeAlias = Literal[
    "label",
    "success",
    "forced",
    "passthrough",
    "rule",
    "needs_info",
    "pinned",
    "context",
    "modality",
    "capability",
    "max_tokens",
    "no_verdict",
    "fallback",
    "escalated",
    "budget",
    "shadow",
]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
Modality: TypeAlias = Literal["image", "audio", "video", "file"]
Capability: TypeAlias = Literal["tools", "json_schema", "logprobs"]
Dial: TypeAlias = Literal["auto", "cheap", "best"]
CacheState: TypeAlias = Literal["hit", "miss", "off"]
UsageSource: TypeAlias = Literal["billed", "estimated", "none"]
Obstacle: TypeAlias = Literal["context", "modality", "capability", "max_tokens", "unavailable"]
"""Why a tier cannot serve a request; the feasibility part of Reason, and an outage."""
Fault: TypeAlias = Literal[
    "connect",
    "timeout",
    "stall",
    "cut",
    "rate_limit",
    "overloaded",
    "quota",
    "auth",
    "not_found",
    "invalid",
    "content_filter",
    "server",
    "malformed",
    "client_left",
    "internal",
]
"""What went wrong with one attempt, in words that do not depend on the upstream's dialect."""
Opinion: TypeAlias = Literal["good", "bad", "escalated"]
"""How an answer was received; `escalated`: it had to be asked again of a better model."""
Witness: TypeAlias = Literal["caller", "judge"]
"""Who gives feedback: the caller of `/v1/feedback`, or the judge that the operator configured."""


class Warm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a host still has of a conversation: to go on elsewhere is to read all of it again."""

    model: ModelId
    """The model that served the conversation last, within the life of a prefix cache."""
    tokens: int
    """Input tokens of this request that it has in its prefix cache, estimated, in whole blocks."""


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every input of the policy but the verdict, without any text: enough to decide again."""

    input_tokens: int
    """Estimated tokens of the whole request (messages and tools), before any margin."""
    max_tokens: int | None = None
    """The caller's cap on output, from `max_completion_tokens` or `max_tokens`."""
    modalities: tuple[Modality, ...] = ()
    capabilities: tuple[Capability, ...] = ()
    open_tool_loop: bool = False
    """The last message is a tool's answer: the model that asked for it must go on."""
    dial: Dial = "auto"
    forced: Tier | None = None
    passthrough: ModelId | None = None
    rules: tuple[int, ...] = ()
    """Positions in `policy.rule` of the rules that matched, in order."""
    pin: ModelId | None = None
    unavailable: tuple[ModelId, ...] = ()
    """Models that are known to be down: circuit open, or already tried for this request."""
    warm: Warm | None = None
    """Where the conversation's prefix is cached; none for a first turn, or after its life."""
    thrift: bool = False
    """A soft limit of a budget is reached: the policy takes one tier less."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One tier as the policy saw it."""

    tier: Tier
    model: ModelId
    obstacle: Obstacle | None = None
    """Why this tier cannot serve the request; null when it can."""


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to do with a request, why, and what else was considered."""

    tier: Tier
    model: ModelId
    reason: Reason
    candidates: tuple[Candidate, ...] = ()
    verdict: Verdict | None = None


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens of one attempt. `input` includes `cached`, `output` includes `reasoning`."""

    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0
    source: UsageSource = "none"


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try at one upstream. The last attempt of an entry is the one that answered."""

    model: ModelId
    tier: Tier
    status: int = 0
    """The upstream's HTTP status; 0 when none came."""
    fault: Fault | None = None
    duration_ms: float = 0.0
    usage: Usage = Usage()
    cost: PicoUsd | None = PicoUsd(0)
    """Null when tokens were used whose price is unknown."""


class Doubt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How unsure a counterfactual is: one standard deviation of each kind, pico-USD.

    Over many requests the one adds up, and the other evens out.
    """

    shared: int = 0
    """Of what is common to all requests: how much the model writes at all."""
    own: int = 0
    """Of this request alone: how much the model would have written to it."""


class Cost(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the request cost over all attempts, and what each tier would have cost.

    Null is "unknown", never 0. Counterfactuals of the tiers not taken are estimates.
    """

    actual: PicoUsd | None = None
    easy: PicoUsd | None = None
    medium: PicoUsd | None = None
    hard: PicoUsd | None = None
    routed: PicoUsd | None = None
    """In shadow mode: what the tier would have cost that routing would have taken."""
    doubts: dict[Tier, Doubt] = msgspec.field(default_factory=dict)
    """Of the tiers not taken that have a cost. One that is missing is exact."""
    prices: str = ""
    """Digest of the price book that was used."""
    lengths: str = ""
    """Version of the output lengths that the counterfactuals rest on."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the caller got."""

    status: int
    """The HTTP status that the caller saw; 499 when the caller left before one was sent."""
    streamed: bool = False
    finish: str | None = None
    """The upstream's finish_reason, where one was seen."""
    fault: Fault | None = None
    """What broke the answer, where something did after the decision."""
    attempts: tuple[Attempt, ...] = ()


class Timings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Milliseconds by stage. Stages that did not run are 0."""

    parse_ms: float = 0.0
    cache_ms: float = 0.0
    score_ms: float = 0.0
    first_byte_ms: float = 0.0
    """From the request's arrival to the upstream's response head."""
    total_ms: float = 0.0


class Caller(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who asked, as far as the request says. Never a secret."""

    key: str = ""
    user: str = ""
    session: str = ""
    tags: tuple[str, ...] = ()


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was scored beside `Entry.prompt`: with it, training sees what serving saw."""

    context: str = ""
    """The earlier human turns that were scored with a short one."""
    length: int = 0
    """Characters of the human turn before it was bounded."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request, whole: the unit of the ledger, of replay and of every report."""

    id: DecisionId
    at_us: int
    """When the request arrived, microseconds since the epoch, UTC."""
    decision: Decision
    facts: Facts
    outcome: Outcome
    usage: Usage
    """Sum over the attempts; `billed` only if every attempt that used tokens was billed."""
    cost: Cost
    timings: Timings = Timings()
    caller: Caller = Caller()
    cache: CacheState = "off"
    simulated: bool = False
    """Answered by the sandbox: not real money."""
    estimated: bool = False
    """A replay: nothing was sent."""
    policy_version: str = ""
    """Digest of the policy and the model profiles that decided."""
    prompt: str | None = None
    """The scored text, redacted, only where `ledger.store_prompts` says so."""
    kept: Kept | None = None
    """Present exactly where `prompt` is, but for entries of earlier versions."""
    shadow: Decision | None = None
    """What routing would have done, where it only watched: `decision` is the caller's own then."""


class Feedback(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="feedback", tag_field="type"
):
    """What somebody says of a decision, afterwards: its answer, or the label of its prompt.

    The ledger keeps one for each decision and witness, the latest.
    """

    decision_id: DecisionId
    at_us: int
    """When it was said, microseconds since the epoch, UTC."""
    opinion: Opinion | None = None
    label: Label | None = None
    witness: Witness = "caller"
    model: ModelId | None = None
    """The model that judged, where one did."""
