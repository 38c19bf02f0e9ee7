"""What a request's `model` means: a dial, a tier, or one model by name."""

from difflib import get_close_matches
from typing import Final

from msgspec import Struct

from classifier.types import TIERS, Tier
from router.config.schema import Config
from router.domain import Dial, Facts, ModelId
from router.errors import Forbidden, ModelNotFound
from router.wire.request import ChatRequest

_DIALS: Final[dict[str, Dial]] = {"auto": "auto", "auto:cheap": "cheap", "auto:best": "best"}
_TIERS: Final[dict[str, Tier]] = {f"gearshift/{tier}": tier for tier in TIERS}


class Intent(Struct, frozen=True, kw_only=True):
    """What the caller left to the router. Without `forced` and `passthrough`: everything."""

    dial: Dial = "auto"
    forced: Tier | None = None
    passthrough: ModelId | None = None

    @property
    def scored(self) -> bool:
        """Whether the prompt's difficulty has a say."""
        return self.forced is None and self.passthrough is None


def names(config: Config) -> tuple[str, ...]:
    """Everything that `model` may say, for `/v1/models`."""
    return (*_DIALS, *_TIERS, *config.aliases, *config.model)


def intents(config: Config) -> dict[str, Intent]:
    """Every name of `names` and what it means. An alias means what its target means."""
    known = {name: Intent(dial=dial) for name, dial in _DIALS.items()}
    known |= {name: Intent(forced=tier) for name, tier in _TIERS.items()}
    known |= {model: Intent(passthrough=model) for model in config.model}
    bare: dict[str, Intent] = {tier: Intent(forced=tier) for tier in TIERS}
    return known | {alias: (known | bare)[target] for alias, target in config.aliases.items()}


def resolve(model: str, known: dict[str, Intent]) -> Intent:
    """The intent of `model`. Raises ModelNotFound that says what would be understood."""
    intent = known.get(model)
    if intent is not None:
        return intent
    near = get_close_matches(model[:100], known, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    raise ModelNotFound(
        f"The model `{model[:100]}` is not known here.{hint} Use `auto`, `gearshift/easy`, "
        "`gearshift/medium`, `gearshift/hard`, or a name that GET /v1/models lists.",
        param="model",
        code="model_not_found",
    )


def not_allowed(key: str, model: str, allowed: frozenset[str]) -> Forbidden:
    """The refusal of a `model` that a key may not ask for: it says what it may."""
    known = ", ".join(f"`{name}`" for name in sorted(allowed))
    return Forbidden(
        f"The API key `{key}` may not ask for `{model[:100]}`; it may ask for {known}.",
        param="model",
        code="model_not_allowed",
    )


def facts_of(request: ChatRequest, intent: Intent, rules: tuple[int, ...]) -> Facts:
    """What the request itself tells the policy; pins and outages are for the path to add."""
    return Facts(
        input_tokens=request.input_tokens,
        max_tokens=request.max_tokens,
        modalities=request.modalities,
        capabilities=request.capabilities,
        open_tool_loop=request.open_tool_loop,
        dial=intent.dial,
        forced=intent.forced,
        passthrough=intent.passthrough,
        rules=rules,
    )
