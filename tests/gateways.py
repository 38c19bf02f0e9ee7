"""The live path without a network: a gateway whose upstream, caller and ledger are in memory."""

import asyncio
import json
import time
from collections.abc import Mapping

import msgspec

from classifier.model import Glance
from classifier.types import Label, Prompt, Verdict
from router.budgets import Fill
from router.cache.memory import MemoryCache
from router.cache.spend_memory import MemorySpend
from router.config.access import Budget, Key, Limit, Shadow
from router.config.schema import Config
from router.domain import Decision, Entry, ModelId
from router.errors import UpstreamError
from router.gateway.exchange import Inbound
from router.gateway.live import Gateway
from router.gateway.services import Services
from router.gateway.spending import Spending
from router.policy.decision import decide, stand_in
from router.policy.shadow import routed
from router.policy.switching import with_switching
from router.policy.table import compile_policy
from router.prices.book import build_prices
from router.prices.lengths import Lengths
from router.sandbox.profile import sandbox_config
from router.scorer import Scorer
from router.upstream.memory import MemoryReply, MemoryUpstream, Spoken
from tests.policies import verdict
from tests.router.test_prices import TODAY
from tests.verdicts import VERSION

SMALL, INSTRUCT, THINKING = (
    ModelId(name) for name in ("small-chat", "kimi-k2-instruct", "kimi-k2-thinking")
)
TEAM = "team"
DOWN = UpstreamError("down", fault="overloaded", upstream_status=503)
WORKED = UpstreamError("slow", fault="timeout", upstream_status=0)
MODELS = (SMALL, INSTRUCT, THINKING)


def limited(*, shadow: bool | None = None, simulated: bool = False, **limits: float) -> Config:
    """The sandbox's configuration with a budget for `team`."""
    key = Key(name=TEAM, budget=Budget(daily=Limit(**limits)), shadow=shadow)
    config = msgspec.structs.replace(sandbox_config(), key=(key,), simulated=simulated)
    return msgspec.structs.replace(config, shadow=Shadow())


def answer(text: str = "yes", *, finish: str = "stop", taken: int = 100) -> Spoken:
    """A whole answer of 50 tokens."""
    usage = {"prompt_tokens": taken, "completion_tokens": 50}
    choice = {"message": {"content": text}, "finish_reason": finish}
    return Spoken(pieces=(json.dumps({"choices": [choice], "usage": usage}).encode(),))


def stream(*texts: str, finish: str | None = "stop", broken: UpstreamError | None = None) -> Spoken:
    """A streamed answer, whole where it has a finish; the counts come last."""
    deltas = [{"choices": [{"delta": {"content": text}}]} for text in texts]
    usage = {"prompt_tokens": 100, "completion_tokens": 50}
    last = {"choices": [{"delta": {}, "finish_reason": finish}], "usage": usage}
    events = [*deltas, *([last] if finish else [])]
    pieces = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
    pieces += [b"data: [DONE]\n\n"] if finish else []
    return Spoken(pieces=tuple(pieces), content_type="text/event-stream", broken=broken)


class Upstream(MemoryUpstream):
    """Models in memory, held back while `gate` is set; `crash` is raised where it is."""

    def __init__(self, models: Mapping[ModelId, Spoken | UpstreamError]) -> None:
        super().__init__(models)
        self.gate: asyncio.Event | None = None
        self.crash: Exception | None = None

    def say(self, model: ModelId, spoken: Spoken | UpstreamError) -> None:
        """From now on `model` says something else."""
        self._models[model] = spoken

    async def open(self, model: ModelId, body: bytes, *, streamed: bool) -> MemoryReply:
        if self.gate is not None:
            self.received.append((model, body))
            await self.gate.wait()
        if self.crash is not None:
            raise self.crash
        return await super().open(model, body, streamed=streamed)


class Caller:
    """Takes an answer; fails, or never returns, at the step that it is told to."""

    def __init__(self, *, fails_at: str = "", stays_in: str = "") -> None:
        self.fails_at = fails_at
        self.stays_in = stays_in
        self.steps: list[str] = []
        self.data = b""

    async def answer(self, body: bytes, content_type: str) -> None:
        await self._step("answer", body)

    async def start(self) -> None:
        await self._step("start", b"")

    async def write(self, data: bytes) -> None:
        await self._step("write", data)

    async def end(self, data: bytes) -> None:
        await self._step("end", data)

    async def _step(self, name: str, data: bytes) -> None:
        self.steps.append(name)
        self.data += data
        if name == self.fails_at:
            raise RuntimeError(name)
        if name == self.stays_in:
            await asyncio.Event().wait()


class Judge:
    """A classifier that says what it is told to, at once."""

    def __init__(self, label: Label = "easy") -> None:
        self.version = VERSION
        self.label: Label = label

    def glance(self, prompt: Prompt) -> Glance:
        return Glance(verdict=self.assess(prompt), sure=True)

    def assess(self, prompt: Prompt) -> Verdict:
        return verdict(self.label)


class Desk:
    """A gateway, and everything around it that a test looks at."""

    def __init__(
        self, config: Config, models: Mapping[ModelId, Spoken | UpstreamError] | None = None
    ) -> None:
        self.config = config
        self.upstream = Upstream(
            dict.fromkeys(config.model, answer()) if models is None else models
        )
        self.judge = Judge()
        self.counter = MemorySpend()
        self.entries: list[Entry] = []
        self.prices = prices = build_prices(config, TODAY)
        self.lengths = lengths = Lengths.priors(config)
        cache = MemoryCache(config.cache, pin_ttl_s=1_800)
        self.spending = Spending(config, prices, self.counter)
        self.table = with_switching(compile_policy(config), prices, lengths)
        self.gateway = Gateway(
            Services(
                config=config,
                table=self.table,
                scorer=Scorer(self.judge, cache, config.scorer),
                cache=cache,
                upstream=self.upstream,
                prices=prices,
                lengths=lengths,
                spending=self.spending,
                record=self.entries.append,
            )
        )

    async def ask(self, caller: Caller | None = None, **fields: object) -> Entry:
        """Carry one request of `team` to its end, whatever that is, and give its entry."""
        known = len(self.entries)
        body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], **fields}
        inbound = Inbound(
            body=json.dumps(body).encode(), headers={}, key=TEAM, started=time.perf_counter()
        )
        exchange = self.gateway.accept(inbound)
        try:
            await self.gateway.converse(exchange, caller or Caller())
        finally:
            (entry,) = [entry for entry in self.entries[known:] if entry.id == exchange.id]
        return entry

    def fill(self) -> Fill:
        """What the day's window of `team` holds."""
        (first, *_) = self.spending.bounds(TEAM, time.time_ns() // 1_000)
        return self.counter.fill(first.window)

    def decide_again(self, entry: Entry) -> Decision:
        """What the policy makes of a recorded verdict and its facts."""
        if entry.shadow is not None:
            return routed(entry.shadow.verdict, entry.facts, self.table)
        decided = decide(entry.decision.verdict, entry.facts, self.table)
        if isinstance(decided, Decision):
            return decided
        return stand_in(entry.decision.verdict, decided)


def everywhere(says: Spoken | UpstreamError) -> dict[ModelId, Spoken | UpstreamError]:
    return dict.fromkeys(MODELS, says)


def settled(desk: Desk) -> None:
    """The invariants: what was spent is what the entries say, and nothing is set aside."""
    assert desk.fill().held == 0
    assert desk.fill().spent == sum(entry.cost.actual or 0 for entry in desk.entries)
    assert len({entry.id for entry in desk.entries}) == len(desk.entries)
    for entry in desk.entries:
        assert entry.cost.actual is not None
        assert entry.cost.actual == sum(one.cost or 0 for one in entry.outcome.attempts)
