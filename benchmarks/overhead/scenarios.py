"""What is asked of whom, and how much of it."""

from typing import Literal

from msgspec import Struct

from benchmarks.overhead.prompts import Prompts

Kind = Literal["json", "stream", "paced", "single"]
"""`json`: answers in one piece. `stream`: fifty chunks as fast as they come. `paced`: fifty chunks,
20 ms apart, as from a model. `single`: as `json`, over one connection."""


class Scenario(Struct, frozen=True, kw_only=True):
    """One row of the table: a target, and what it is asked."""

    name: str
    target: str
    """Name of the target that it runs on; several scenarios may share one."""
    prompts: Prompts
    kinds: tuple[Kind, ...]
    routed_by_us: bool = False
    """Its answers carry gearshift's headers, and they are checked."""
    slow: bool = False
    """Takes the smaller number of requests, so that a round stays short."""


SCENARIOS = (
    Scenario(
        name="direct",
        target="direct",
        prompts="known",
        kinds=("json", "stream", "paced", "single"),
    ),
    Scenario(
        name="gearshift hit",
        target="gearshift",
        prompts="known",
        kinds=("json", "stream", "paced", "single"),
        routed_by_us=True,
    ),
    Scenario(
        name="gearshift Redis hit",
        target="gearshift redis",
        prompts="known",
        kinds=("json", "single"),
        routed_by_us=True,
    ),
    Scenario(
        name="gearshift half hits",
        target="gearshift",
        prompts="half",
        kinds=("json",),
        routed_by_us=True,
    ),
    Scenario(
        name="gearshift miss, 50 tokens",
        target="gearshift",
        prompts="unique-50",
        kinds=("json", "stream", "paced", "single"),
        routed_by_us=True,
    ),
    Scenario(
        name="gearshift miss, 256 tokens",
        target="gearshift",
        prompts="unique-256",
        kinds=("json", "single"),
        routed_by_us=True,
    ),
    Scenario(
        name="LiteLLM",
        target="litellm",
        prompts="unique-50",
        kinds=("json", "stream", "paced", "single"),
        slow=True,
    ),
    Scenario(
        name="LiteLLM complexity router",
        target="litellm router",
        prompts="unique-50",
        kinds=("json", "stream", "paced", "single"),
        slow=True,
    ),
)


class Sizes(Struct, frozen=True, kw_only=True):
    """Requests in one sample of each kind."""

    json: int
    stream: int
    paced: int
    single: int

    def of(self, kind: Kind) -> int:
        """The number for `kind`."""
        return {
            "json": self.json,
            "stream": self.stream,
            "paced": self.paced,
            "single": self.single,
        }[kind]


class Plan(Struct, frozen=True, kw_only=True):
    """How much is measured."""

    rounds: int
    starts: int
    """Fresh starts of each proxy."""
    fast: Sizes
    slow: Sizes
    start_requests: int = 1_000
    """Requests after which memory is read."""
