"""The ledger's closed sets in words, for people who ask why."""

from typing import Final

from router.domain import Decision, Fault, Obstacle, Reason

OBSTACLES: Final[dict[Obstacle, str]] = {
    "context": "its context window is too small for the request",
    "modality": "it does not take a kind of part that the request has",
    "capability": "it cannot do what the request asks for",
    "max_tokens": "the caller's cap on output is too low for it",
    "unavailable": "it could not be reached, or had just failed",
}
"""Why a tier could not serve; the subject is the tier's model."""

FAULTS: Final[dict[Fault, str]] = {
    "connect": "could not be reached",
    "timeout": "did not answer in time",
    "stall": "fell silent in the middle of its answer",
    "cut": "broke off its answer",
    "rate_limit": "had too many requests",
    "overloaded": "was overloaded",
    "quota": "refused: the account's quota is used up",
    "auth": "refused the router's key",
    "not_found": "did not know the model",
    "invalid": "refused the request as invalid",
    "content_filter": "refused the content",
    "server": "failed with an error of its own",
    "malformed": "answered with something that is no answer",
    "client_left": "was interrupted: the caller left",
    "internal": "was interrupted by a defect of the router",
}
"""What went wrong with an attempt; the subject is the model."""

_REASONS: Final[dict[Reason, str]] = {
    "label": "the policy follows the classifier's label",
    "success": "it is the cheapest tier whose chance of success reaches its cut-off",
    "forced": "the caller asked for this tier",
    "passthrough": "the caller named this model",
    "rule": "a rule of the policy moved it here",
    "needs_info": (
        "the prompt lacks what anyone would need to answer it, and the policy sends such prompts"
        " to a model that can ask"
    ),
    "pinned": "the conversation stays with the model that served it before",
    "context": "a tier before it has too small a context window for the request",
    "modality": "a tier before it does not take a kind of part that the request has",
    "capability": "a tier before it cannot do what the request asks for",
    "max_tokens": "the caller's cap on output is too low for a tier before it",
    "no_verdict": "there was no verdict, and the policy sends such requests here",
    "fallback": "the model that was wanted could not be reached, or failed",
    "escalated": "a cheaper answer was not good enough",
    "budget": "a soft limit of a budget is reached, so the policy took one tier less",
    "shadow": "the router only watched: the caller's own choice was followed",
}


def why(decision: Decision) -> str:
    """Why the decision is what it is, as the end of a sentence, with the figures it rests on."""
    verdict = decision.verdict
    words = _REASONS[decision.reason]
    if verdict is None:
        return words
    match decision.reason:
        case "label":
            return f"{words}, {verdict.label} with {verdict.confidence:.0%}"
        case "success" if decision.tier == "hard":
            easy, medium = verdict.success.easy, verdict.success.medium
            return f"no cheaper tier's chance of success is enough ({easy:.0%} and {medium:.0%})"
        case "success":
            chance = getattr(verdict.success, decision.tier)
            return f"{words} ({chance:.0%})"
        case "needs_info":
            return f"{words} ({verdict.probabilities.needs_info:.0%})"
    return words
