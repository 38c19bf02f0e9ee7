"""The tables about callers: their keys, what they may spend, and who is only watched."""

from msgspec import field

from router.config.section import Money, Section
from router.domain import ModelId


class Limit(Section, frozen=True, kw_only=True):
    """Where spending in one UTC day or month is slowed, and where it ends."""

    soft_usd: Money | None = None
    """From here on the policy takes one tier less. None: it never does."""
    hard_usd: Money | None = None
    """Beyond this a request is refused with 429, before it is sent. None: nothing is refused."""


class Budget(Section, frozen=True, kw_only=True):
    """What may be spent, by all keys together or by one of them."""

    daily: Limit = field(default_factory=Limit)
    """From midnight to midnight, UTC."""
    monthly: Limit = field(default_factory=Limit)
    """From the first of the month, UTC."""


class Key(Section, frozen=True, kw_only=True):
    """`[[key]]`: an API key that opens `/v1/*`. `gearshift keys new` makes one with its table."""

    name: str
    """Shown in entries, reports, rules and metrics; `default` is the key in GEARSHIFT_API_KEY."""
    hash: str = ""
    """SHA-256 of the key, 64 hex digits; none only for `default`. A plain hash will do: there is
    no guessing 256 random bits, however fast one guesses."""
    expires: str = ""
    """Last UTC day on which it opens, YYYY-MM-DD; none: for good."""
    models: tuple[str, ...] = ()
    """What it may send as `model`: `auto`, an alias, a model id. Empty: everything."""
    shadow: bool | None = None
    """Whether its requests are only watched. None: what `shadow.enabled` says."""
    budget: Budget = field(default_factory=Budget)
    """What it may spend, beside the budget of all."""


class Shadow(Section, frozen=True, kw_only=True):
    """`[shadow]`: requests go where the caller wants them, and decisions are only recorded."""

    enabled: bool = False
    """Watch, for every key that does not say otherwise. Off: decisions are carried out."""
    model: ModelId = ModelId("")
    """Model id that answers `auto`. None: the first model of the `baseline` tier."""
    upstream: str = ""
    """Name of the `[upstream.NAME]` that gets every `model` that is not known here, untouched.
    None: those are refused, as without a shadow."""
