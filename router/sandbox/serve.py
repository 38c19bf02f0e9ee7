"""The sandbox on a socket: inside a running event loop, or alone in the foreground."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from router.sandbox.app import Received, Sandbox, create_sandbox
from router.sandbox.settings import SandboxSettings

_GRACE_S = 5
"""Released streams end at once; what still hangs after this is cut off."""


class _Guest(uvicorn.Server):
    """A server that lives in somebody else's event loop: the signals are theirs."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signal handlers alone."""
        yield


class RunningSandbox:
    """A sandbox that listens. Made by `start`."""

    def __init__(self, app: Sandbox, server: uvicorn.Server, listener: socket.socket) -> None:
        self._app = app
        self._server = server
        self.base_url = base_url_of(listener)
        """Root of its API, ending in `/v1`."""
        self._task = asyncio.create_task(server.serve(sockets=[listener]))

    @property
    def received(self) -> tuple[Received, ...]:
        """The last requests, oldest first; as many as the settings keep."""
        return self._app.received

    def release(self) -> None:
        """End every wait: stalls and slow first bytes go on at once."""
        self._app.release()

    async def stop(self) -> None:
        """Let running answers finish at once, then close."""
        self.release()
        self._server.should_exit = True
        await self._task


async def start(
    settings: SandboxSettings, *, host: str = "127.0.0.1", port: int = 0
) -> RunningSandbox:
    """Serve a sandbox from the running event loop; port 0 takes a free one.

    Callers may connect as soon as this returns. Raises OSError when the address is taken.
    """
    app = create_sandbox(settings)
    listener = listen(host, port)
    return RunningSandbox(app, _Guest(_config_for(app)), listener)


def run(settings: SandboxSettings, listener: socket.socket) -> None:
    """Serve a sandbox on `listener` in the foreground until the process is told to stop."""
    app = create_sandbox(settings)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(_config_for(app)).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket. Raises OSError when the address is taken or is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def base_url_of(listener: socket.socket) -> str:
    """Root of the API that is served on `listener`."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"


def _config_for(app: Sandbox) -> uvicorn.Config:
    """Quiet, and without a lifespan; the process's own logging is left as it is."""
    return uvicorn.Config(
        app,
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=_GRACE_S,
    )
