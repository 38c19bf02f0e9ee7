"""The configuration tree. Every field says what it does and why its default is what it is."""

from typing import Annotated, Final, Literal, TypeAlias, get_args

from msgspec import Meta, Struct, field

from classifier import types
from classifier.types import TIERS, Tier
from router.config.access import Budget, Key, Shadow
from router.config.judge import Judge
from router.config.section import Money, Natural, Positive, Section, Share
from router.domain import Capability, Modality, ModelId

Ratio = Annotated[float, Meta(ge=0.001, le=1_000.0)]
Scalar: TypeAlias = str | bool | int | float
BodyField: TypeAlias = Scalar | tuple[Scalar, ...] | dict[str, Scalar | tuple[Scalar, ...]]
"""A JSON value as deep as the switches of upstreams go: `thinking = { type = "disabled" }`."""


Redaction: TypeAlias = Literal["api_key", "email", "iban", "card", "ip", "phone"]
"""What can be recognised in text and blanked out, in the order in which it is looked for."""


class Server(Section, frozen=True, kw_only=True):
    """`[server]`: where the router listens and what it accepts."""

    host: str = "127.0.0.1"
    """Address to listen on. Local by default: nothing is reachable before keys are set."""
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    """Port to listen on; 0 takes a free one."""
    workers: Positive = 1
    """Processes. One is enough for thousands of requests a second; they share the ledger."""
    insecure: bool = False
    """Listen beyond localhost without keys. Off: an open router spends its owner's money."""
    max_body_bytes: Positive = 32 * 1024 * 1024
    """Longest request body. 32 MiB holds several images in base64."""
    max_messages: Positive = 5_000
    """Most messages in one request: more is a client gone wrong, not a conversation."""
    max_batch: Positive = 256
    """Most requests in one call of `/v1/route`."""


class Scorer(Section, frozen=True, kw_only=True):
    """`[scorer]`: how long a request waits for its verdict."""

    timeout_ms: Positive = 250
    """Queue included. A request without a verdict goes to `policy.no_verdict_tier`."""
    queue: Natural = 64
    """Prompts that may wait for a thread; more get the first stage's verdict, long ones none."""
    threads: Natural = 0
    """Scoring threads; 0 is one per core, batch 1, which measured faster than batching."""
    inline_chars: Natural = 2_000
    """Up to this length the first stage reads a prompt in the event loop: a thread would cost more.
    Only what it is unsure of goes on to a thread, as longer prompts do."""


class Cache(Section, frozen=True, kw_only=True):
    """`[cache]`: verdicts that are kept. Redis is named by `GEARSHIFT_REDIS_URL`."""

    entries: Natural = 10_000
    """Verdicts kept in each process; 0 turns the first level off."""
    ttl_s: Positive = 86_400
    """Life of a verdict. A day: the key holds the artifact's version, so nothing goes stale."""
    redis_timeout_ms: Positive = 20
    """Then it is a miss. Redis on the same network answers in well under 1 ms."""
    breaker_failures: Positive = 5
    """Failures in a row after which Redis is left alone."""
    breaker_open_ms: Positive = 5_000
    """How long it is left alone before one request tries it again."""


class Ledger(Section, frozen=True, kw_only=True):
    """`[ledger]`: where entries go. The store is `GEARSHIFT_LEDGER_URL`, else SQLite."""

    store_prompts: bool = False
    """Keep the scored text with the entry, redacted. Off: prompts are the callers' own."""
    prompt_days: Annotated[int, Meta(gt=0, le=3_650)] = 30
    """Days after which kept text goes and its entry stays. A month: time enough to train on it."""
    redact: tuple[Redaction, ...] = get_args(Redaction)
    """What is blanked out of text before any of it is written. All of it by default."""
    redact_patterns: tuple[str, ...] = ()
    """Further regular expressions whose matches are blanked out: customers, case numbers."""
    batch: Positive = 500
    """Entries in one transaction of the store."""
    drain_interval_ms: Positive = 500
    """Pause between two looks at the spools; the report may lag by this much."""
    ring: Positive = 10_000
    """Entries kept in memory while the spool cannot be written; the oldest go first."""
    segment_bytes: Positive = 8 * 1024 * 1024
    """Size at which a spool file is closed and a new one begun, so that drained ones can go."""


class Registry(Section, frozen=True, kw_only=True):
    """`[registry]`: following the classifier's versions. The place is `GEARSHIFT_REGISTRY`."""

    poll_ms: Positive = 1_000
    """Pause between two looks at what is promoted. A look at a folder costs 0.1 ms, one at a bucket
    a request; where Redis is set, instances are told at once, and a minute will do."""


class Cutoffs(Section, frozen=True, kw_only=True):
    """Least `success` at which a tier is good enough; hard takes the rest."""

    easy: Share
    """The easy tier serves prompts whose success.easy is at least this."""
    medium: Share
    """The medium tier serves prompts whose success.medium is at least this."""


UNCALIBRATED: Final = Cutoffs(easy=types.UNCALIBRATED.easy, medium=types.UNCALIBRATED.medium)
"""Cut-offs of `auto` where neither the file nor the classifier has any: placeholders."""


class Rule(Section, frozen=True, kw_only=True):
    """`[[policy.rule]]`: a condition on the request, and the tiers it allows.

    All conditions that are given must hold. Later rules see what earlier ones left.
    """

    name: str
    """Shown by `gearshift check` and in explanations."""
    key: str | None = None
    """Name of the API key that the caller used: `default` is the one in GEARSHIFT_API_KEY."""
    header: str | None = None
    """Name of a request header, lower case; alone it must be present."""
    value: str | None = None
    """Value that `header` must have."""
    pattern: str | None = None
    """Regular expression, searched in the last human turn."""
    tier: Tier | None = None
    """Exactly this tier."""
    at_least: Tier | None = None
    """This tier or a harder one."""
    at_most: Tier | None = None
    """This tier or an easier one."""


class Policy(Section, frozen=True, kw_only=True):
    """`[policy]`: from verdict to tier."""

    by: Literal["label", "success"] = "label"
    """`label` takes the verdict's label, `success` the cheapest tier that reaches its cut-off."""
    needs_info_tier: Tier = "medium"
    """Who answers a prompt that lacks what anyone would need: a model that can ask well."""
    no_verdict_tier: Tier = "medium"
    """Where a request goes that could not be scored: neither the dearest nor the weakest."""
    auto: Cutoffs | None = None
    """Cut-offs of `model: "auto"` when `by` is `success`. None: those that `gearshift calibrate`
    gave to the classifier in service; where it has none either, easy 0.75 and medium 0.65."""
    cheap: Cutoffs = field(default_factory=lambda: Cutoffs(easy=0.55, medium=0.40))
    """Cut-offs of `auto:cheap`, used whatever `by` is: a label has no dial."""
    best: Cutoffs = field(default_factory=lambda: Cutoffs(easy=0.90, medium=0.85))
    """Cut-offs of `auto:best`, likewise."""
    context_margin: Share = 0.10
    """Room kept free in a context window, because input tokens are an estimate."""
    rule: tuple[Rule, ...] = ()
    """Rules, in order."""
    pin_ttl_s: Positive = 1_800
    """How long a conversation that a fallback moved stays with its model: a prefix cache's life."""


class Breaker(Section, frozen=True, kw_only=True):
    """`[breaker]`: when a model is left alone."""

    failures: Positive = 3
    """Failures in a row of one model, none of them the caller's fault."""
    open_ms: Positive = 15_000
    """How long it is left alone; a `retry-after` of the upstream replaces it."""


class Upstream(Section, frozen=True, kw_only=True):
    """`[upstream.NAME]`: a host that speaks OpenAI's chat completions."""

    base_url: str
    """Root of the API, usually ending in `/v1`."""
    key_env: str = ""
    """Environment variable that holds its key; empty where none is needed."""
    connect_timeout_ms: Positive = 5_000
    """For the connection and its TLS handshake."""
    first_byte_timeout_ms: Positive = 120_000
    """Streamed answers: a thinking model may queue, but it then speaks."""
    answer_timeout_ms: Positive = 600_000
    """Answers in one piece come after all of the thinking."""
    idle_timeout_ms: Positive = 60_000
    """Between two pieces of a stream."""
    max_connections: Positive = 512
    """Open connections of one process."""
    prefix_life_s: Natural = 300
    """How long the host keeps what it read of a prompt, to read it cheaply when the conversation
    goes on; 0: it keeps nothing. Five minutes is the least that hosts of Kimi state, half an hour
    the most. Counts only where a model has a price for cached tokens."""


class Price(Section, frozen=True, kw_only=True):
    """USD per million tokens, with the page and the day they were read."""

    input: Money
    """Input tokens that were not in the prefix cache."""
    output: Money
    """Output tokens, reasoning included."""
    cached: Money | None = None
    """Input tokens from the prefix cache; none: billed as input."""
    source: str
    """Where the price was read."""
    date: str
    """Day it was read, YYYY-MM-DD."""


class OutputRatio(Section, frozen=True, kw_only=True):
    """Output tokens of this model for a prompt on which the reference model writes one token.

    A prior for counterfactuals until lengths are fitted from logs (`gearshift costs fit`); always
    marked estimated.
    """

    value: Ratio
    """The stated multiplier."""
    low: Ratio
    """Low end of its range: 95 % sure that the mean over many requests lies inside."""
    high: Ratio
    """High end of its range."""
    source: str
    """Where the multiplier comes from."""


class Model(Section, frozen=True, kw_only=True):
    """`[model.NAME]`: one model at one host; callers and reports know it by NAME."""

    upstream: str
    """Name of an `[upstream.NAME]`."""
    name: str
    """Id that the host knows the model by."""
    context: Positive
    """Context window, tokens, input and output together."""
    modalities: tuple[Modality, ...] = ()
    """What it takes besides text."""
    capabilities: tuple[Capability, ...] = ("tools", "json_schema")
    """What it can do besides chat."""
    reasoning: bool = False
    """It thinks first: writes `reasoning_content`, and needs it back inside a tool loop."""
    max_tokens: Natural = 0
    """Sent where the caller gives no cap; 0 sends none."""
    min_output_tokens: Natural = 0
    """A lower cap than this makes the model infeasible: thinking would eat it all."""
    temperature: float | None = None
    """Sent where the caller gives none: what the model was calibrated at."""
    temperature_max: Annotated[float, Meta(ge=0.0)] = 2.0
    """Higher values of the caller are lowered to this; Kimi's range ends at 1."""
    fixed_sampling: bool = False
    """The host refuses sampling parameters: they are removed."""
    tool_choice: tuple[str, ...] = ()
    """Values of `tool_choice` that the host takes; empty: any. Others become `auto`."""
    defaults: dict[str, BodyField] = field(default_factory=dict)
    """Further body fields, each sent where the caller gives none: a vendor's own switches, such as
    `thinking` or `reasoning_effort`."""
    price: Price | None = None
    """Overrides genai-prices; neither: costs of this model are unknown."""
    output_ratio: OutputRatio | None = None
    """For counterfactual costs; none: they are unknown."""


class Models(Section, frozen=True, kw_only=True):
    """The part of the file that says who answers."""

    tiers: dict[Tier, tuple[ModelId, ...]]
    """For each tier its models: the first serves, the others stand in when it is down."""
    model: dict[ModelId, Model]
    """Profiles of every model that may be used."""
    upstream: dict[str, Upstream]
    """Hosts."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Other names for `auto`, `auto:cheap`, `auto:best`, a tier or a model id."""
    baseline: Tier = "hard"
    """What savings are measured against. The dearest by default, beside all other controls."""
    simulated: bool = False
    """The upstream is the sandbox; only the built-in sandbox configuration says so."""

    def models_of(self, tier: Tier) -> tuple[ModelId, ...]:
        """The models of `tier`, the one that serves first."""
        return self.tiers[tier]

    def prefix_life_s(self, model: ModelId) -> int:
        """How long the host of `model` keeps what it read of a prompt, seconds."""
        return self.upstream[self.model[model].upstream].prefix_life_s

    def tier_of(self, model: ModelId) -> Tier | None:
        """The lowest tier that `model` belongs to; none for a model that is only passed through."""
        return next((tier for tier in TIERS if model in self.tiers[tier]), None)


class Config(Models, frozen=True, kw_only=True):
    """The whole file."""

    server: Server = field(default_factory=Server)
    """Listening."""
    scorer: Scorer = field(default_factory=Scorer)
    """Scoring."""
    cache: Cache = field(default_factory=Cache)
    """Verdict cache."""
    ledger: Ledger = field(default_factory=Ledger)
    """Entries."""
    registry: Registry = field(default_factory=Registry)
    """Following the classifier's versions."""
    policy: Policy = field(default_factory=Policy)
    """Deciding."""
    breaker: Breaker = field(default_factory=Breaker)
    """Outages of models."""
    judge: Judge = field(default_factory=Judge)
    """Labels from a model."""
    key: tuple[Key, ...] = ()
    """API keys beside GEARSHIFT_API_KEY, each with a name, and what each may do."""
    budget: Budget = field(default_factory=Budget)
    """What may be spent by all keys together."""
    shadow: Shadow = field(default_factory=Shadow)
    """Watching without routing."""

    @property
    def limited(self) -> bool:
        """Whether there is any budget to count."""
        budgets = (self.budget, *(key.budget for key in self.key))
        return any(budget != Budget() for budget in budgets)


class Environment(Struct, frozen=True, kw_only=True):
    """What the environment says: places and secrets, kept apart from what may be shown."""

    data_dir: str = "./gearshift-data"
    """Folder for the ledger, the spools and the registry of classifier versions."""
    registry: str = ""
    """Registry of classifier versions: a folder, or a URL as `s3://bucket/models`, which takes the
    extra `registry`; none: `registry` in the data folder."""
    redis_url: str = ""
    """Redis that all instances share, `redis://host:6379/0`; none: each process has its own."""
    ledger_url: str = ""
    """PostgreSQL of the ledger, `postgresql://user@host/name`; none: SQLite in the data folder."""
    config: str = ""
    """The configuration file, where `--config` does not name one."""
    api_key: str = ""
    """Opens `/v1/*`. None: open, and then only on localhost."""
    admin_key: str = ""
    """Opens `/metrics`, `/dashboard` and `/admin/*`. None: open, and then only on localhost."""
    cache_secret: str = ""
    """Keys the digests under which verdicts are cached; without it short prompts can be guessed."""
    upstream_keys: dict[str, str] = field(default_factory=dict)
    """Upstream name → its key, for the upstreams of the configuration."""
