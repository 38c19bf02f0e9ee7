"""`gearshift serve`: the service, with one worker or several."""

import errno
import logging
import signal
import socket
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import rich_click as click
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from classifier.artifact import ArtifactError
from router.api.protocol import BoundedProtocol
from router.app import Service, metrics_folder
from router.cache.choose import open_cache
from router.config.handover import share_metrics
from router.config.load import Options, Settings, exposure_error, resolve
from router.config.schema import Server
from router.errors import ConfigError
from router.follow import load_classifier, registry_of
from router.ledger.place import place
from router.ledger.upgrade import upgrade
from router.policy.table import compile_policy
from router.prices.book import build_prices
from router.sandbox.profile import sandbox_config
from router.upstream.client import HttpUpstream

_BACKLOG: Final = 2048
_GRACE_S: Final = 30
_KEEP_ALIVE_S: Final = 75
"""Longer than clients and balancers keep an idle connection (SDKs 5 s, nginx and AWS 60 s), so that
it is they who close it: a request sent into a connection that is just being closed here is lost."""


@click.command()
@click.option("--config", metavar="F", help="Configuration file (TOML).")
@click.option("--host", metavar="H", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", metavar="P", type=int, help="Port to listen on.  [default: 8080]")
@click.option("--workers", metavar="N", type=int, help="Processes.  [default: 1]")
@click.option("--sandbox", is_flag=True, help="Answer from the built-in sandbox: simulated.")
def serve(
    config: str | None, host: str | None, port: int | None, workers: int | None, sandbox: bool
) -> None:
    """Serve the router.

    \b
    Example:
      gearshift serve --config router.toml --port 8080
      curl http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' \\
        -d '{"model": "auto", "messages": [{"role": "user", "content": "hello"}]}'
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    options = Options(config=config, host=host, port=port, workers=workers, sandbox=sandbox)
    settings = resolve(options, sandbox=sandbox_config)
    refusal = exposure_error(settings.config, settings.environment)
    if refusal:
        raise ConfigError(refusal)
    prepare(settings)
    listener = listen(settings.config.server)
    click.echo(greeting(settings, listener), err=True)
    run(settings, listener)


def prepare(settings: Settings) -> None:
    """Do once what every worker relies on. Raises ConfigError or LedgerError."""
    environment = settings.environment
    try:
        Path(environment.data_dir).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"the data directory {environment.data_dir} cannot be made: {error.strerror}"
        raise ConfigError(message) from error
    upgrade(place(environment.data_dir, environment.ledger_url))
    try:
        load_classifier(registry_of(environment), settings.config)
    except ArtifactError as error:
        raise ConfigError(f"there is no classifier to serve with: {error}") from error
    rehearse(settings)
    if settings.config.server.workers > 1:
        share_metrics(metrics_folder(environment))


def rehearse(settings: Settings) -> None:
    """Build once what workers will build, so that a mistake is told before the greeting.

    Nothing connects. Raises ConfigError.
    """
    config, environment = settings.config, settings.environment
    open_cache(config.cache, redis_url=environment.redis_url, pin_ttl_s=config.policy.pin_ttl_s)
    compile_policy(config)
    build_prices(config, datetime.now(UTC))
    for name, upstream in config.upstream.items():
        alone = msgspec.structs.replace(config, model={}, upstream={name: upstream})
        try:
            HttpUpstream(alone, environment.upstream_keys)
        except Exception as error:  # the HTTP library has no one type for what it refuses
            raise ConfigError(f"`upstream.{name}` cannot be used: {error}") from error


def listen(server: Server) -> socket.socket:
    """A socket that listens before any worker starts. Raises ConfigError that names the fix."""
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    try:
        return socket.create_server((server.host, server.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        where = f"{server.host}:{server.port}"
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"{where} is taken; choose another with --port") from error
        raise ConfigError(f"cannot listen on {where}: {error.strerror}") from error


def greeting(settings: Settings, listener: socket.socket) -> str:
    """One line that says where the service is and who answers."""
    host, port = listener.getsockname()[:2]
    where = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    who = "by the sandbox: every answer is simulated" if settings.sandbox else settings.origin
    return f"listening on {where}/v1 · answers {who}"


def run(settings: Settings, listener: socket.socket) -> None:
    """Serve on `listener` until the process is told to stop; exits with 1 where no worker can."""
    workers = settings.config.server.workers
    config = uvicorn.Config(
        partial(Service, settings),
        factory=True,
        workers=workers,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        proxy_headers=False,
        log_config=None,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
    for told_to_stop in (signal.SIGINT, signal.SIGTERM):
        # uvicorn ends running streams and raises the signal again: that is a good end.
        signal.signal(told_to_stop, lambda *_: sys.exit(0))
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    if workers > 1:
        parent = Multiprocess(config, [listener])
        parent.run()
        # It ends when it is told to, or when a worker could not start; only the latter is wrong.
        if any(worker.exitcode == STARTUP_FAILURE for worker in parent.processes):
            sys.exit(1)
    else:
        uvicorn.Server(config).run([listener])
