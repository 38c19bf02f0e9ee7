"""What is said when no model can take a request: a value, with a message for the caller."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import Struct

from router.domain import Candidate, Capability, Facts, Obstacle
from router.errors import Infeasible, RequestError, Unavailable
from router.policy.table import PolicyTable, Profile, demand, obstacle_of


class Obstruction(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """No model can take the request: why, in words, and whether waiting would help."""

    message: str
    outage: bool
    """A model could serve if it were up: 503. Otherwise the request itself must change: 400."""
    obstacle: Obstacle
    """An outage, where there is one; else what stands in the way of the tier wanted first."""
    code: str
    """The error's code; for a context that is too long the one that clients know."""
    param: str | None = None
    """The body field to change."""
    wanted: Candidate
    """The tier and the model that would have served, were it not for the obstacle."""
    candidates: tuple[Candidate, ...] = ()

    def error(self) -> RequestError:
        """The error to raise at the edge: Unavailable or Infeasible."""
        kind = Unavailable if self.outage else Infeasible
        return kind(self.message, param=self.param, code=self.code)


_CODES: Final[dict[Obstacle, str]] = {
    "context": "context_length_exceeded",
    "modality": "modality_not_supported",
    "capability": "capability_not_supported",
    "max_tokens": "max_tokens_too_small",
    "unavailable": "upstreams_unavailable",
}
_FIELDS: Final[dict[Capability, str]] = {
    "tools": "tools",
    "json_schema": "response_format",
    "logprobs": "logprobs",
}


def obstruct(
    subject: str,
    wanted: Candidate,
    profiles: Sequence[Profile],
    candidates: tuple[Candidate, ...],
    facts: Facts,
    table: PolicyTable,
) -> Obstruction:
    """The account of why none of `profiles` can serve `facts`, at `wanted` least of all.

    `subject` opens the message. Every profile has an obstacle, and there is at least one profile.
    """
    met: dict[Obstacle, list[Profile]] = {}
    for profile in profiles:
        obstacle = obstacle_of(profile, facts, table)
        if obstacle is not None:
            met.setdefault(obstacle, []).append(profile)
    outage = "unavailable" in met
    main: Obstacle = "unavailable" if outage else next(iter(met))
    account = "; ".join(_SENTENCES[obstacle](met[obstacle], facts, table) for obstacle in met)
    return Obstruction(
        message=f"{subject}: {account}.",
        outage=outage,
        obstacle=main,
        code=_CODES[main],
        param=_param(main, met[main], facts),
        wanted=wanted,
        candidates=candidates,
    )


def _param(obstacle: Obstacle, profiles: Sequence[Profile], facts: Facts) -> str | None:
    if obstacle == "capability":
        return _FIELDS[_lacking(profiles, facts)[0]]
    if obstacle == "unavailable":
        return None
    return "max_tokens" if obstacle == "max_tokens" else "messages"


def _context(profiles: Sequence[Profile], facts: Facts, table: PolicyTable) -> str:
    widest = max(profiles, key=lambda profile: profile.context)
    input_tokens, output = demand(widest, facts, table)
    margin = table.policy.context_margin
    return (
        f"it needs about {input_tokens + output:,} tokens ({input_tokens:,} of input, estimated "
        f"with a margin of {margin:.0%}, and {output:,} for the answer), and the largest window is "
        f"{widest.context:,} ({widest.model})"
    )


def _modality(profiles: Sequence[Profile], facts: Facts, _table: PolicyTable) -> str:
    parts = [kind for kind in facts.modalities if any(kind not in p.modalities for p in profiles)]
    return f"{_names(profiles)} cannot take {_listed(parts)} parts"


def _capability(profiles: Sequence[Profile], facts: Facts, _table: PolicyTable) -> str:
    return f"{_names(profiles)} cannot do {_listed(_lacking(profiles, facts))}"


def _max_tokens(profiles: Sequence[Profile], facts: Facts, _table: PolicyTable) -> str:
    least = min(profiles, key=lambda profile: profile.min_output)
    return (
        f"max_tokens is {facts.max_tokens:,}, and {least.model} needs at least "
        f"{least.min_output:,}, because its thinking is counted too"
    )


def _unavailable(profiles: Sequence[Profile], _facts: Facts, _table: PolicyTable) -> str:
    return f"{_names(profiles)} cannot be reached at the moment"


_SENTENCES: Final[dict[Obstacle, Callable[[Sequence[Profile], Facts, PolicyTable], str]]] = {
    "context": _context,
    "modality": _modality,
    "capability": _capability,
    "max_tokens": _max_tokens,
    "unavailable": _unavailable,
}


def _lacking(profiles: Sequence[Profile], facts: Facts) -> list[Capability]:
    return [c for c in facts.capabilities if any(c not in p.capabilities for p in profiles)]


def _names(profiles: Sequence[Profile]) -> str:
    return _listed(dict.fromkeys(profile.model for profile in profiles))


def _listed(words: Iterable[str]) -> str:
    *head, last = words
    return f"{', '.join(head)} and {last}" if head else last
