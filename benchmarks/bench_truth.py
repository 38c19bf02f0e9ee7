"""Is a simulated cost true? The same requests, simulated from a log and then really run.

    python -m benchmarks.bench_truth

Each run has 500 prompts. A log of them is made by sending each to a model drawn by lot; the cost of
the policy is simulated from that log; then the prompts are sent again as `auto`, through the whole
service and over HTTP to the sandbox, and the ledger's own total is held against the interval for
these very requests. Output lengths are fitted before, by `gearshift costs fit`'s own code, on
another log. At the end the runs are repeated against a host that has changed: the name of the
middle tier's model is answered by another model. An interval that held then, too, would say
nothing. Answers are the sandbox's, so the money is simulated; the law of its lengths is no model's.
"""

import argparse
import asyncio
import json
import random
import tempfile
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import time
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from classifier.artifact import read_manifest
from classifier.corpus import read, samples
from classifier.registry import builtin
from classifier.types import TIERS
from router.api.application import Application
from router.api.chat import Message
from router.app import running
from router.config.load import Settings
from router.config.schema import Config, Environment
from router.ledger.catchup import catch_up
from router.ledger.place import place
from router.ledger.store import Store
from router.policy.switching import with_switching
from router.policy.table import compile_policy
from router.prices.answers import gather
from router.prices.book import build_prices
from router.prices.fit import fit_lengths
from router.prices.fitted import FILE, write_fit
from router.prices.lengths import Lengths
from router.replay.log import open_log
from router.replay.mix import DEFAULT
from router.replay.replay import Replay
from router.replay.routing import Terms
from router.replay.survey import Surveyor, Task
from router.replay.terms import lives
from router.report.simulation.conclude import conclude
from router.report.simulation.fold import add, begin
from router.report.simulation.question import Option, Question
from router.sandbox.profile import sandbox_config, with_base_url
from router.sandbox.serve import start
from router.sandbox.settings import SandboxSettings
from router.telemetry.log import open_log as open_journal

CHANGED: Final = "kimi-k2-instruct-thinking"
"""Who answers for the middle tier's model when the host has changed: the sandbox's thinking one."""
AT_ONCE: Final = 8
FIT_ROWS: Final = 1_500


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One run: what was simulated, and what the ledger says."""

    simulated_usd: float
    half_usd: float
    real_usd: float

    @property
    def inside(self) -> bool:
        """Whether the interval holds what it did cost."""
        return abs(self.real_usd - self.simulated_usd) <= self.half_usd


def main() -> None:
    """Run, print the table, write it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--changed-runs", type=int, default=20)
    parser.add_argument("--out", type=Path, help="write the figures here, as JSON")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gearshift-truth-") as name:
        found = asyncio.run(measure(Path(name), asked))
    print(table(found, asked.requests))
    if asked.out:
        asked.out.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1))


async def measure(folder: Path, asked: argparse.Namespace) -> dict[str, list[Held]]:
    """Every run, with the host as it was and with the host changed."""
    texts = [row.prompt for row in read(samples())]
    sandbox = await start(SandboxSettings())
    config = with_base_url(sandbox_config(), sandbox.base_url)
    changed = with_changed_host(config)
    try:
        async with serving(config, folder / "fit") as app:
            await asyncio.gather(*in_turn(app, drawn(config, texts, FIT_ROWS, seed=0)))
        fit(folder / "fit", folder)
        found: dict[str, list[Held]] = {"as fitted": [], "changed": []}
        for name, real, runs in (
            ("as fitted", config, asked.runs),
            ("changed", changed, asked.changed_runs),
        ):
            for run in range(runs):
                lots = drawn(config, texts, asked.requests, seed=run + 1)
                home = folder / f"{name} {run}"
                log = await logged(config, home / "log", lots)
                simulated, half = simulate(log, config, folder)
                real_usd = await really(real, home / "real", [text for text, _ in lots])
                found[name].append(Held(simulated_usd=simulated, half_usd=half, real_usd=real_usd))
        return found
    finally:
        await sandbox.stop()


def with_changed_host(config: Config) -> Config:
    """`config`, the middle tier's model being known to the host by a name that another answers."""
    model = config.models_of("medium")[0]
    profile = replace(config.model[model], name=CHANGED)
    return replace(config, model={**config.model, model: profile})


def drawn(config: Config, texts: Sequence[str], count: int, *, seed: int) -> list[tuple[str, str]]:
    """Prompts that no other run has, and the model that each was sent to, by lot."""
    dice = random.Random(seed)
    models = [config.models_of(tier)[0] for tier in TIERS]
    return [
        (f"{dice.choice(texts)}\n(case {seed}.{number})", dice.choice(models))
        for number in range(count)
    ]


@asynccontextmanager
async def serving(config: Config, home: Path) -> AsyncIterator[Application]:
    """The whole service, with a ledger of its own; what it recorded is in the store at the end."""
    await asyncio.to_thread(home.mkdir, parents=True)
    settings = Settings(config=config, environment=Environment(data_dir=str(home)), origin="file")
    async with running(settings, open_journal()) as app:
        yield app
    catch_up(place(str(home)))


def in_turn(
    app: Application, asked: Sequence[tuple[str, str]]
) -> list[Coroutine[None, None, tuple[dict[str, Any], bytes]]]:
    """Requests of a text and a model, a few at once; each gives what was asked and answered."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(text: str, model: str) -> tuple[dict[str, Any], bytes]:
        body = {"model": model, "messages": [{"role": "user", "content": text}]}
        async with turn:
            return body, await ask(app, json.dumps(body).encode())

    return [one(*each) for each in asked]


async def ask(app: Application, body: bytes) -> bytes:
    """One chat completion, asked of the application by ASGI."""
    inbox = [{"type": "http.request", "body": body, "more_body": False}]
    said: list[bytes] = []
    over = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if inbox:
            return inbox.pop()
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:
            raise RuntimeError(message)
        said.append(message.get("body", b""))

    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": []}
    await app(scope, receive, send)
    over.set()
    return b"".join(said)


async def logged(config: Config, home: Path, lots: Sequence[tuple[str, str]]) -> Path:
    """A log of requests and answers, as somebody would have who sent each where the lot fell."""
    async with serving(config, home) as app:
        pairs = await asyncio.gather(*in_turn(app, lots))
    path = home / "log.jsonl"
    lines = [
        json.dumps({"timestamp": time(), "request": body, "response": json.loads(answer)})
        for body, answer in pairs
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


async def really(config: Config, home: Path, texts: Sequence[str]) -> float:
    """US dollars that the ledger counts for the same prompts, routed."""
    async with serving(config, home) as app:
        await asyncio.gather(*in_turn(app, [(text, "auto") for text in texts]))
    (found,) = Store(place(str(home))).tallies()
    assert found.tally.priced == len(texts)
    return found.tally.actual / 1e12


def fit(home: Path, folder: Path) -> None:
    """What `gearshift costs fit` makes of a ledger, where `simulate` looks for it."""
    answers = gather(Store(place(str(home))).entries(), simulated=True)
    write_fit(folder / FILE, fit_lengths(answers))


def simulate(log: Path, config: Config, folder: Path) -> tuple[float, float]:
    """The policy's cost by `gearshift simulate`, and half its interval for these very requests."""
    prices = build_prices(config, datetime.now(UTC))
    lengths = Lengths.load(folder / FILE, config)
    cutoffs = read_manifest(builtin()).cutoffs
    terms = Terms(
        name="policy",
        config=config,
        table=with_switching(compile_policy(config, cutoffs), prices, lengths),
        prices=prices,
        lengths=lengths,
        life_s=lives(config, prices),
    )
    easy, medium, hard = (str(config.models_of(tier)[0]) for tier in TIERS)
    state = begin(Question(options=(Option(name="policy", models=(easy, medium, hard)),)))
    replay = Replay([terms])
    task = Task(
        artifact=str(builtin()), verdicts=str(folder / "verdicts.bin"), rules=((),), mix=DEFAULT
    )
    surveyor = Surveyor(task)
    for number, unit in enumerate(open_log([str(log)], None, folder / "unpacked").units):
        state = add(state, replay.fold(surveyor.survey(number, unit)))
    (policy,) = conclude(state).policies
    cost, doubt = policy.totals.cost_usd, policy.cost_doubt
    assert cost is not None
    assert doubt is not None
    return float(cost.value), float(doubt.these_requests_usd)


def table(found: dict[str, list[Held]], requests: int) -> str:
    """The result, as Markdown."""
    lines = [
        f"| host | runs of {requests} | inside | half the interval | real beside simulated |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, held in found.items():
        inside = sum(one.inside for one in held)
        half = median(one.half_usd / one.simulated_usd for one in held)
        off = median(one.real_usd / one.simulated_usd for one in held) - 1
        lines.append(f"| {name} | {len(held)} | {inside} | ±{half:.1%} | {off:+.1%} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
