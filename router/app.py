"""The composition root: settings → services → application. The only module that knows every class.

settings ─┬─ registry ─ scorer ───┐
          ├─ cache ───────────────┤
          ├─ policy table, prices ┼─ gateway ─ chat route ─┐
          ├─ upstream ────────────┤                        ├─ application
          └─ ledger ─ telemetry ──┘      system routes ────┘
"""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

from classifier.artifact import FACTS, ArtifactError, read_text
from classifier.facts import Facts, label_counts
from classifier.model import Classifier
from classifier.registry import find
from classifier.types import Label
from router.api.application import Application
from router.api.chat import ChatRoute, Message, Receive, Send
from router.api.dashboard.desk import Desk
from router.api.dashboard.reader import Reader
from router.api.dashboard.routes import dashboard_routes
from router.api.dashboard.session import Sessions
from router.api.dashboard.trial import Trial
from router.api.door import Door
from router.api.feedback import feedback_route
from router.api.refusals import Refusals
from router.api.system import Health, Parts, system_routes
from router.cache.choose import open_cache, open_spend
from router.cache.notice import listen
from router.config.load import Settings, is_local
from router.config.schema import Config, Environment
from router.errors import GearshiftError
from router.follow import Follower, Loaded, load_first, registry_of
from router.gateway.counting import Counting
from router.gateway.intent import names
from router.gateway.live import Gateway
from router.gateway.recording import recording
from router.gateway.services import Services
from router.gateway.spending import Spending
from router.hosts import Hosts
from router.ledger.local import LocalLedger
from router.ledger.place import place
from router.ledger.store import Store
from router.ports import DecisionCache
from router.prices.book import build_prices
from router.prices.fitted import FILE
from router.prices.lengths import Lengths
from router.redaction import Redactor, compile_redactor
from router.sandbox.profile import with_base_url
from router.sandbox.serve import start
from router.sandbox.settings import IN_PROCESS_SPEED, SandboxSettings
from router.scorer import Scorer
from router.telemetry.log import Log, capture_logging, open_log
from router.telemetry.metrics import Metrics
from router.upstream.client import HttpUpstream

_PULSE_S: Final = 1.0


class Service:
    """One worker's application, from start-up to shutdown: plain ASGI with a lifespan."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._application: Application | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._application is not None and scope["type"] == "http":
            await self._application(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        log = open_log()
        capture_logging(log)
        async with AsyncExitStack() as stack:
            try:
                life = running(self._settings, log)
                self._application = await stack.enter_async_context(life)
            except (GearshiftError, ArtifactError) as error:
                # uvicorn logs the message, and ends the process.
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            # What was made so far lives as long as the process: no collection need look at it.
            gc.collect()
            gc.freeze()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        gc.unfreeze()  # the process may go on to serve another
        await send({"type": "lifespan.shutdown.complete"})


@asynccontextmanager
async def running(settings: Settings, log: Log) -> AsyncIterator[Application]:
    """A worker's application with everything behind it, opened in order and closed in reverse."""
    sandbox = await start(SandboxSettings(speed=IN_PROCESS_SPEED)) if settings.sandbox else None
    config = (
        settings.config if sandbox is None else with_base_url(settings.config, sandbox.base_url)
    )
    registry = registry_of(settings.environment)
    loaded = await load_first(registry, config)
    worker = _assemble(config, settings.environment, log, (registry, loaded))
    await worker.counting.start()
    worker.ledger.start()
    pause_s = config.registry.poll_ms / 1000
    lives = [_beat(worker), worker.hosts.look_around(), worker.follower.follow(pause_s)]
    lives.append(worker.counting.keep())
    if redis_url := settings.environment.redis_url:
        lives.append(listen(redis_url, worker.follower.wake))
    tasks = [asyncio.create_task(life) for life in lives]
    door = _door(settings.environment, config)
    desk = _desk(worker, settings.environment, door)
    try:
        yield _application(worker, door, desk, log)
    finally:
        for task in tasks:
            task.cancel()
        await desk.close()
        await worker.scorer.close()
        await worker.upstream.close()
        await worker.cache.close()
        await worker.counting.close()
        # Its last drain waits for the store; the event loop may have streams to end meanwhile.
        await asyncio.to_thread(worker.ledger.close)
        if sandbox is not None:
            await sandbox.stop()


class _Worker(msgspec.Struct, frozen=True, kw_only=True):
    """One worker's services."""

    config: Config
    services: Services
    cache: DecisionCache
    scorer: Scorer
    upstream: HttpUpstream
    ledger: LocalLedger
    lengths: Lengths
    metrics: Metrics
    gateway: Gateway
    hosts: Hosts
    follower: Follower
    counting: Counting

    def pulse(self) -> None:
        """Bring the gauges up to date."""
        state = self.ledger.state()
        gauges: dict[str, float] = {"ringed": state.spool.ringed, "dropped": state.spool.dropped}
        if state.drains:
            lag = state.lag
            gauges |= {"behind": lag.entries, "behind_bytes": lag.bytes, "behind_s": lag.age_s}
        self.metrics.report(self.cache.stats, msgspec.structs.asdict(self.scorer.stats), gauges)
        self.counting.report(self.metrics)

    def health(self) -> Health:
        """Whether requests can be answered, and what is worse than it should be."""
        down = self.gateway.down
        reasons = [*self.follower.reasons, *self.hosts.reasons]
        for model in self.gateway.doubtful:
            state = "is left alone after failures" if model in down else "failed and is on trial"
            reasons.append(f"{model} {state}")
        if self.cache.degraded:
            reasons.append(self.cache.degraded)
        reasons += [*self.counting.reasons, *self.ledger.state().degraded]
        if self.lengths.trouble:
            # Not the whole of it, which names a folder: anyone may read health.
            reasons.append(f"{FILE} is broken, priors stand in for it: gearshift check says why")
        served = {model for tier in self.config.tiers.values() for model in tier}
        status: Literal["ok", "degraded", "unavailable"] = "degraded" if reasons else "ok"
        return Health(
            # Not for those on trial: a service that gets no traffic could never pass it.
            status="unavailable" if served <= set(down) else status,
            reasons=tuple(reasons),
            model_version=self.scorer.version,
        )


def _assemble(
    config: Config, environment: Environment, log: Log, model: tuple[Path, Loaded]
) -> _Worker:
    registry, loaded = model
    secret = environment.cache_secret.encode()
    cache = open_cache(
        config.cache, redis_url=environment.redis_url, pin_ttl_s=config.policy.pin_ttl_s
    )
    scorer = Scorer(loaded.classifier, cache, config.scorer, secret=secret)
    upstream = HttpUpstream(config, environment.upstream_keys)
    home = place(environment.data_dir, environment.ledger_url)
    ledger = LocalLedger(home, config.ledger)
    prices = build_prices(config, datetime.now(UTC))
    lengths = Lengths.load_or_priors(Path(environment.data_dir) / FILE, config)
    counter = open_spend(config.cache, redis_url=environment.redis_url)
    spending = Spending(config, prices, counter)
    shared = metrics_folder(environment) if config.server.workers > 1 else None
    metrics = Metrics(shared=shared, baseline=config.baseline)
    services = Services(
        config=config,
        table=loaded.table,
        scorer=scorer,
        cache=cache,
        upstream=upstream,
        prices=prices,
        lengths=lengths,
        spending=spending,
        record=recording(ledger, metrics, log, config.model),
        redact=redactor(config),
        secret=secret,
    )
    gateway = Gateway(services)
    swap = swapping(registry, scorer, gateway, metrics)
    swap(loaded)
    for reason in [*loaded.reasons, *([lengths.trouble] if lengths.trouble else [])]:
        log.warning("degraded", reason=reason)
    return _Worker(
        config=config,
        services=services,
        cache=cache,
        scorer=scorer,
        upstream=upstream,
        ledger=ledger,
        lengths=lengths,
        metrics=metrics,
        gateway=gateway,
        hosts=Hosts(config, upstream, log),
        follower=Follower(registry, loaded, config=config, swap=swap, log=log, metrics=metrics),
        counting=Counting(spending, counter, home),
    )


def swapping(
    registry: Path, scorer: Scorer, gateway: Gateway, metrics: Metrics
) -> Callable[[Loaded], None]:
    """What puts a version into service: all at once, between two requests."""

    def swap(loaded: Loaded) -> None:
        scorer.replace(loaded.classifier)
        gateway.replace(loaded.table)  # cut-offs belong to the model that they were chosen for
        metrics.expect(learned_labels(registry, loaded.classifier))

    return swap


def _door(environment: Environment, config: Config) -> Door:
    return Door(api_key=environment.api_key, admin_key=environment.admin_key, keys=config.key)


def _desk(worker: _Worker, environment: Environment, door: Door) -> Desk:
    home = place(environment.data_dir, environment.ledger_url)
    services = worker.services
    return Desk(
        Reader(lambda: Store(home), worker.config.baseline),
        Sessions(door, environment.admin_key),
        Trial(worker.gateway, services.prices, services.lengths),
        lambda: worker.health().reasons,
        local=is_local(worker.config.server.host),
    )


def _application(worker: _Worker, door: Door, desk: Desk, log: Log) -> Application:
    limit = worker.config.server.max_body_bytes
    parts = Parts(
        gateway=worker.gateway,
        door=door,
        metrics=worker.metrics,
        health=worker.health,
        models=names(worker.config),
        narrow={key.name: key.models for key in worker.config.key if key.models},
        max_batch=worker.config.server.max_batch,
        batch_width=worker.config.scorer.threads or os.cpu_count() or 1,
        pulse=worker.pulse,
    )
    refusals = Refusals(log, worker.metrics)
    chat = ChatRoute(worker.gateway, door, refusals, max_body_bytes=limit)
    feedback = feedback_route(door, worker.ledger, worker.metrics)
    routes = [*system_routes(parts), feedback, *dashboard_routes(desk)]
    return Application(chat, routes, refusals, max_body_bytes=limit)


async def _beat(worker: _Worker) -> None:
    """Other workers read this one's gauges from a file, so it has to write them by itself."""
    while True:
        worker.pulse()
        await asyncio.sleep(_PULSE_S)


def redactor(config: Config) -> Redactor | None:
    """What blanks out prompts before they are kept; none where they are not."""
    ledger = config.ledger
    return compile_redactor(ledger.redact, ledger.redact_patterns) if ledger.store_prompts else None


def metrics_folder(environment: Environment) -> Path:
    """Where the workers' metrics meet."""
    return Path(environment.data_dir).absolute() / "metrics"


def learned_labels(registry: Path, classifier: Classifier) -> dict[Label, int]:
    """Rows of each label that a version learned from; none where it does not say."""
    try:
        facts = read_text(find(registry, classifier.version), FACTS)
        return label_counts(msgspec.json.decode(facts, type=Facts))
    except (ArtifactError, msgspec.MsgspecError):
        return {}
