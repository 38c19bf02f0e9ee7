"""What a sandbox can be asked to do: faults, quirks, and the settings of the whole server."""

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct, field

FaultName: TypeAlias = Literal[
    "rate_limit",
    "overloaded",
    "quota",
    "invalid",
    "sampling",
    "content_filter",
    "auth",
    "not_found",
    "server",
    "unavailable",
    "html_504",
    "slow_first_byte",
    "stall",
    "cut",
    "end_early",
    "malformed",
]
"""Ways in which an answer can fail; docs/sandbox.md says what each looks like."""

Quirk: TypeAlias = Literal[
    "usage_in_choice",
    "usage_empty_choices",
    "usage_filled_choices",
    "usage_everywhere",
    "no_usage",
    "cached_flat",
    "cached_details",
    "reasoning_details",
    "keep_alive",
    "no_done",
]
"""Ways in which a good answer can be unusual."""

Natural = Annotated[int, Meta(ge=0)]
Length = Annotated[int, Meta(ge=0, le=100_000)]
Positive = Annotated[int, Meta(gt=0)]
Seconds = Annotated[float, Meta(ge=0.0)]

IN_PROCESS_SPEED: Final = 25.0
"""Speed of the sandbox inside the router: an answer takes about a tenth of a second to a second,
so a stream is seen to stream, and nobody waits for a make-believe model to think."""


class Scenario(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One wish about answers, from a directive in a prompt or from the settings.

    In a directive the keys are the field names, but `quirk` and `call` in the singular.
    """

    fault: FaultName | None = None
    """How the answer fails."""
    quirks: tuple[Quirk, ...] = field(default=(), name="quirk")
    """How the answer is unusual."""
    times: Positive | None = None
    """Only the first so many requests with an equal scenario are touched; none: all."""
    model: str = ""
    """Only requests for this model are touched; empty: all."""
    delay_ms: Natural | None = None
    """Wait before the first byte; with `stall`, the length of the stall."""
    tokens: Length | None = None
    """Tokens of the answer's text."""
    reasoning: Length | None = None
    """Tokens of the reasoning, for a thinking model."""
    cached: Natural | None = None
    """Input tokens reported as cached, whatever the prefix cache says."""
    calls: tuple[str, ...] = field(default=(), name="call")
    """Names of tools to call, in parallel."""
    rounds: Positive = 1
    """How often `calls` are made after one user message before the model answers in text."""
    id: str = ""
    """Tells apart scenarios that are otherwise equal, so that `times` counts them apart."""


class SandboxSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole sandbox. The defaults are those that tests want: healthy, and as fast as it can."""

    speed: Annotated[float, Meta(ge=0.0)] | None = None
    """Factor on the speed of the real models; none or 0: no waiting at all."""
    models: tuple[str, ...] = ("kimi-k2-thinking", "kimi-k2-instruct", "small-chat")
    """Ids that `/v1/models` lists. Any other id is answered too, see router.sandbox.personas."""
    retired: tuple[str, ...] = ()
    """Ids that are answered with 404 and not listed."""
    multimodal: tuple[str, ...] = ()
    """Ids that take parts other than text."""
    scenarios: tuple[Scenario, ...] = ()
    """Wishes that hold for every request, before the directives of its prompt."""
    api_key: str = ""
    """Key that callers must show; empty: none is asked for."""
    retry_after_s: Natural = 1
    """What a rate limit tells the caller to wait."""
    max_wait_s: Seconds = 180.0
    """Longest that `slow_first_byte`, `stall` and delays wait for the caller to hang up.

    Longer than the router's own patience, so that the router's time-outs are what ends them.
    """
    prefix_ttl_s: Seconds = 600.0
    """Life of a prefix in the prefix cache; Kimi's is between 300 and 1,800 s."""
    keep_requests: Natural = 0
    """How many requests are kept for tests to look at. None by default: they hold prompts."""
