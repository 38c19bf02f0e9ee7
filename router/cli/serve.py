"""`gearshift serve`: the service, with one worker or several."""

import errno
import logging
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from typing import Final

import rich_click as click
import uvicorn
from uvicorn.supervisors import Multiprocess

from router.app import Service, load_classifier, metrics_folder
from router.config.handover import share_metrics
from router.config.load import Options, Settings, exposure_error, resolve
from router.config.schema import Server
from router.errors import ConfigError
from router.ledger.place import place
from router.ledger.upgrade import upgrade
from router.sandbox.profile import sandbox_config

_BACKLOG: Final = 2048
_GRACE_S: Final = 30


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
    """Do once what every worker relies on. Raises ConfigError, LedgerError or ArtifactError."""
    environment = settings.environment
    try:
        Path(environment.data_dir).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"the data directory {environment.data_dir} cannot be made: {error.strerror}"
        raise ConfigError(message) from error
    upgrade(place(environment.data_dir, environment.ledger_url))
    load_classifier(Path(environment.data_dir) / "registry")
    if settings.config.server.workers > 1:
        share_metrics(metrics_folder(environment))


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
    return f"gearshift listens on {where}/v1 · answers {who}"


def run(settings: Settings, listener: socket.socket) -> None:
    """Serve on `listener` until the process is told to stop."""
    workers = settings.config.server.workers
    config = uvicorn.Config(
        partial(Service, settings),
        factory=True,
        workers=workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        proxy_headers=False,
        log_config=None,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    for told_to_stop in (signal.SIGINT, signal.SIGTERM):
        # uvicorn ends running streams and raises the signal again: that is a good end.
        signal.signal(told_to_stop, lambda *_: sys.exit(0))
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    if workers > 1:
        Multiprocess(config, [listener]).run()
    else:
        uvicorn.Server(config).run([listener])
