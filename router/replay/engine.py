"""Parts of a log in its order, read and scored by many processes; nothing grows with the log.

What was read is kept in a state folder as it comes, so a run that was broken off goes on where it
was. Verdicts are kept beyond the run: the next one scores only what it has not met.
"""

import os
from collections.abc import Callable, Generator, Iterator
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct

from classifier.artifact import ArtifactError
from router.replay import daft_door
from router.replay.daft_door import Engine
from router.replay.logged import LogError
from router.replay.part import Part, pack, unpack
from router.replay.sources import Unit
from router.replay.survey import Surveyor, Task
from router.replay.verdicts import Verdicts, keep

ROUND: Final = 128
"""Units of one query, 2 GB of log: what is read ahead of the fold waits in memory, and no more than
a round is."""
_KEEP_AT: Final = 500_000
"""Verdicts that wait before they are written down."""
_GOOD: Final = b"+"
_FAILED: Final = b"-"


class Plan(Struct, frozen=True, kw_only=True):
    """What is to be read, and how."""

    units: tuple[Unit, ...]
    task: Task
    engine: Engine = "local"
    state: str = ""
    """Folder for the parts of a run that may be broken off; empty: it starts over then."""


class _Job(Struct, frozen=True):
    number: int
    unit: Unit


def read_parts(plan: Plan) -> Generator[Part, None, None]:
    """The parts of the log, in order. Raises LogError.

    Those that an earlier run left in the state folder are taken from there.
    """
    kept = _Kept(plan)
    fresh = _Fresh(Path(plan.task.verdicts))
    try:
        for part in _in_order(plan, kept):
            fresh.add(part)
            yield part
    finally:
        fresh.write()


def processes() -> int:
    """How many processes read: one for each core that this one may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_order(plan: Plan, kept: "_Kept") -> Iterator[Part]:
    jobs = [_Job(number, unit) for number, unit in enumerate(plan.units)]
    # Looked up once: what another run keeps meanwhile must not shift what arrives for whom.
    there = {job.number for job in jobs if kept.has(job)}
    work = _Made(plan.task)
    arrived = _rounds(work, (job for job in jobs if job.number not in there))
    for job in jobs:
        if job.number in there:
            yield kept.get(job)
        else:
            data = next(arrived)
            kept.put(job, data)
            yield unpack(data)


def _rounds(work: "_Made", missing: Iterator[_Job]) -> Iterator[bytes]:
    """What processes make of the jobs, a round at a time."""
    while jobs := [msgspec.msgpack.encode(job) for job in islice(missing, ROUND)]:
        for said in daft_door.run(work, jobs, processes()):
            if said[:1] == _FAILED:
                raise LogError(said[1:].decode())
            yield said[1:]


class _Made:
    """Makes the worker of a process; travels there itself."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def __call__(self) -> Callable[[bytes], bytes]:
        """Raises nothing: what is wrong is told by the worker's answers."""
        surveyor: Surveyor | None = None

        def work(job: bytes) -> bytes:
            nonlocal surveyor
            asked = msgspec.msgpack.decode(job, type=_Job)
            try:
                surveyor = surveyor or Surveyor(self._task)
                return _GOOD + pack(surveyor.survey(asked.number, asked.unit))
            except (LogError, ArtifactError) as error:
                return _FAILED + str(error).encode()

        return work


class _Kept:
    """Parts that were read, as files of a state folder."""

    def __init__(self, plan: Plan) -> None:
        self._folder = Path(plan.state) if plan.state else None
        self._salt = msgspec.msgpack.encode(plan.task)

    def has(self, job: _Job) -> bool:
        """Whether an earlier run left it."""
        path = self._path(job)
        return path is not None and path.exists()

    def get(self, job: _Job) -> Part:
        """What an earlier run left. Raises LogError where that cannot be read."""
        path = self._path(job)
        try:
            return unpack(b"" if path is None else path.read_bytes())
        except (OSError, ValueError, KeyError, TypeError) as error:
            msg = f"{path} of an earlier run is damaged: delete it, and it is read anew"
            raise LogError(msg) from error

    def put(self, job: _Job, data: bytes) -> None:
        """Keep it, whole or not at all. Raises LogError."""
        path = self._path(job)
        if path is None:
            return
        draft = path.with_suffix(f".{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(data)
            draft.replace(path)
        except OSError as error:
            raise LogError(f"{path.parent} cannot be written: {error.strerror}") from error

    def _path(self, job: _Job) -> Path | None:
        """Named by all that its content follows from: another file or task is another name."""
        if self._folder is None:
            return None
        said = self._salt + msgspec.msgpack.encode(job)
        return self._folder / f"{blake2b(said, digest_size=12).hexdigest()}.unit"


class _Fresh:
    """Verdicts of this run that no file has yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[Verdicts] = []
        self._count = 0

    def add(self, part: Part) -> None:
        """Take the verdicts that were made for `part`."""
        judged = part.judged
        rows = judged.fresh.astype(bool)
        if not rows.any():
            return
        self._waiting.append(
            Verdicts(
                key=judged.key[rows, 0],
                rest=judged.key[rows, 1],
                scores=judged.scores[rows],
                label=judged.label[rows],
            )
        )
        self._count += int(rows.sum())
        if self._count >= _KEEP_AT:
            self.write()

    def write(self) -> None:
        """Put them into the file. A disk that refuses costs the next run time, and nothing else."""
        if not self._waiting:
            return
        names = Verdicts.__struct_fields__
        joined = {n: np.concatenate([getattr(one, n) for one in self._waiting]) for n in names}
        self._waiting, self._count = [], 0
        try:
            keep(self._path, Verdicts(**joined))
        except OSError:
            return
