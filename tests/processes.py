"""A router as users start it: a process of its own, that can be killed."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
_LISTENS = re.compile(rb"listening on (http://\S+)/v1")


class Process:
    """A running `gearshift serve` and what it has written to standard error."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, log: list[bytes]) -> None:
        self.process = process
        self.url = url
        self.log = log
        self.http = httpx.AsyncClient(base_url=url, timeout=20)

    async def chat(self, text: str, *, model: str = "auto", **fields: object) -> httpx.Response:
        """One question."""
        body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
        return await self.http.post("/v1/chat/completions", json=body)

    def workers(self) -> list[int]:
        """Process ids of its workers."""
        every = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
        return sorted(pid for pid in every if _is_worker(pid, self.process.pid))

    async def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it and wait."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(how)
        return await self.process.wait()


def _is_worker(pid: int, parent: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return int(stat.rpartition(")")[2].split()[1]) == parent and b"spawn_main" in command


def environ(data_dir: Path, **variables: str) -> dict[str, str]:
    """An environment without any provider's key, and with its own data directory."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "GEARSHIFT_DATA_DIR": str(data_dir), **variables}


def command(*arguments: str) -> tuple[str, ...]:
    """`gearshift …` by this interpreter."""
    return (sys.executable, "-m", "router.cli.main", *arguments)


def gearshift(
    data_dir: Path, *arguments: str, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        command(*arguments),
        env=environ(data_dir, **variables),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@asynccontextmanager
async def served(
    data_dir: Path, *arguments: str, prefix: tuple[str, ...] = (), **variables: str
) -> AsyncIterator[Process]:
    """Start `gearshift serve` on a free port; it is killed in the end, if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *prefix,
        *command("serve", "--port", "0", *arguments),
        env=environ(data_dir, **variables),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    log: list[bytes] = []
    url = ""
    async with asyncio.timeout(30):
        while not url:
            line = await process.stderr.readline()
            assert line, b"".join(log).decode()
            log.append(line)
            found = _LISTENS.search(line)
            url = found[1].decode() if found else ""
    reading = asyncio.create_task(_read(process.stderr, log))
    running = Process(process, url, log)
    try:
        yield running
    finally:
        await running.http.aclose()
        left = [process.pid, *running.workers()] if process.returncode is None else []
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await process.wait()
        await reading


async def _read(stream: asyncio.StreamReader, log: list[bytes]) -> None:
    async for line in stream:
        log.append(line)  # noqa: PERF401  (others look at it meanwhile)
