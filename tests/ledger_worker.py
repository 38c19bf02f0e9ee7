"""A worker process of its own: what tests of the ledger start, fill up and kill.

record DATA_DIR              records entries until killed, and says each id once it is recorded
serve DATA_DIR URL           the same with a drainer, said to drain; ends in good order on input
full DATA_DIR SCRIPT         records while files may grow only so much
crowd DATA_DIR               records until a small disk is full, then makes room
"""

import json
import os
import resource
import select
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from router.config.schema import Ledger
from router.ledger.local import LocalLedger
from router.ledger.place import place
from tests.ledgers import entry, files, open_spool


def record(data_dir: str) -> None:
    spool = open_spool(place(data_dir), segment_bytes=20_000)
    for number in _numbers():
        spool.record(entry(number))
        tell(f"{number:032x}")


def serve(data_dir: str, url: str) -> None:
    ledger = LocalLedger(place(data_dir, url), Ledger(drain_interval_ms=20, segment_bytes=20_000))
    ledger.start()
    drains = False
    for number in _numbers():
        ledger.record(entry(number))
        tell(f"{number:032x}")
        if not drains and ledger.state().drains:
            drains = True
            tell("drains")
        if select.select([sys.stdin], [], [], 0.001)[0]:
            break
    ledger.close()


def full(data_dir: str, script: str) -> None:
    """Steps of `script`: how much a file may grow from here on (null: any), and what to record."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    home = place(data_dir)
    spool = open_spool(home, ring=5)
    steps: list[tuple[int | None, list[int]]] = json.loads(script)
    for room, numbers in steps:
        size = max((path.stat().st_size for path in files(home.spool)), default=0)
        limit = most if room is None else size + room if room else 0
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
        for number in numbers:
            spool.record(entry(number))
        tell(msgspec.json.encode(spool.state()).decode())
    spool.close()


def tell(line: str) -> None:
    """Through the pipe, which knows no limit of size and outlives us."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _numbers() -> Iterator[int]:
    """Numbers that no other worker uses."""
    number = os.getpid() << 32
    while True:
        yield number
        number += 1


def crowd(data_dir: str) -> None:
    """Fill a small disk, say how the spool is, make room, say it again."""
    ballast = Path(data_dir) / "ballast"
    ballast.write_bytes(bytes(448 * 1024))
    home = place(data_dir)
    spool = open_spool(home, ring=1_000)
    for number in range(200):
        spool.record(entry(number))
    tell(msgspec.json.encode(spool.state()).decode())
    assert len(files(home.spool)) == 1
    ballast.unlink()
    spool.retry()
    tell(msgspec.json.encode(spool.state()).decode())


def main(task: str, *words: str) -> None:
    match task:
        case "record":
            record(*words)
        case "serve":
            serve(*words)
        case "full":
            full(*words)
        case "crowd":
            crowd(*words)


if __name__ == "__main__":
    main(*sys.argv[1:])
