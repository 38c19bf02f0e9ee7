"""A whole router on a loopback port: every part real, the sandbox as its upstream."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import uvicorn
from openai import AsyncOpenAI

from classifier.artifact import read_manifest
from classifier.registry import resolve
from router.app import Service
from router.config.load import Settings
from router.config.schema import Config, Environment
from router.domain import Decision, Entry
from router.ledger.place import place
from router.ledger.store import Store
from router.ledger.upgrade import upgrade
from router.policy.decision import decide, stand_in
from router.policy.switching import with_switching
from router.policy.table import compile_policy
from router.prices.book import build_prices
from router.prices.fitted import FILE
from router.prices.lengths import Lengths
from router.sandbox.profile import sandbox_config, with_base_url
from router.sandbox.serve import RunningSandbox, start
from router.sandbox.settings import SandboxSettings
from tests.waiting import until

Change = Callable[[Config], Config]


class _Guest(uvicorn.Server):
    """A server in the test's own event loop: the signals stay pytest's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Router:
    """A running router, clients for it, and its ledger."""

    def __init__(self, url: str, settings: Settings, sandbox: RunningSandbox) -> None:
        self.url = url
        self.environment = environment = settings.environment
        self.config = settings.config
        made = read_manifest(resolve(Path(environment.data_dir) / "registry"))
        self.lengths = Lengths.load_or_priors(Path(environment.data_dir) / FILE, settings.config)
        self.prices = build_prices(settings.config, datetime.now(UTC))
        policy = compile_policy(settings.config, made.cutoffs)
        self.table = with_switching(policy, self.prices, self.lengths)
        self.sandbox = sandbox
        key = environment.api_key or "unused"
        self.http = httpx.AsyncClient(base_url=url, timeout=20)
        self.openai = AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=20)

    async def chat(self, text: str, *, model: str = "auto", **fields: object) -> httpx.Response:
        """One question, as bare HTTP."""
        body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
        return await self.http.post("/v1/chat/completions", json=body)

    async def entry(self, decision_id: str) -> Entry:
        """The entry of a decision, once it is in the store."""
        found: list[Entry] = []

        def stored() -> bool:
            found[:] = [entry for entry in self.entries() if entry.id == decision_id]
            return bool(found)

        await until(stored)
        return found[0]

    def decide_again(self, entry: Entry) -> Decision:
        """What the policy makes of a recorded verdict and its facts."""
        verdict, facts = entry.decision.verdict, entry.facts
        decided = decide(verdict, facts, self.table)
        return decided if isinstance(decided, Decision) else stand_in(verdict, decided)

    def entries(self) -> list[Entry]:
        """Everything in the store now."""
        store = Store(place(self.environment.data_dir, self.environment.ledger_url))
        try:
            return list(store.entries())
        finally:
            store.close()


@asynccontextmanager
async def running_router(
    data_dir: Path,
    *,
    change: Change = lambda config: config,
    environment: Environment | None = None,
    sandbox: SandboxSettings | None = None,
) -> AsyncIterator[Router]:
    """Start a router and its sandbox; `change` alters the sandbox's configuration."""
    upstream = await start(sandbox or SandboxSettings(keep_requests=100))
    said = msgspec.structs.replace(environment or Environment(), data_dir=str(data_dir))
    config = change(with_base_url(sandbox_config(), upstream.base_url))
    quick = msgspec.structs.replace(config.ledger, drain_interval_ms=20)
    config = msgspec.structs.replace(config, ledger=quick)
    upgrade(place(said.data_dir, said.ledger_url))
    # Not `origin="sandbox"`: the router would start a second one of its own.
    settings = Settings(config=config, environment=said, origin="file")
    service = Service(settings)
    listener = socket.create_server(("127.0.0.1", 0))
    server = _Guest(
        uvicorn.Config(service, lifespan="on", access_log=False, log_config=None, ws="none")
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    router = Router(f"http://127.0.0.1:{listener.getsockname()[1]}", settings, upstream)
    try:
        await until(lambda: server.started or task.done())
        yield router
    finally:
        await router.http.aclose()
        await router.openai.close()
        server.should_exit = True
        await task
        await upstream.stop()
