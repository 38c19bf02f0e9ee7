"""A simulation from end to end: read, route, add up, write."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from classifier.artifact import read_manifest
from classifier.registry import resolve
from classifier.types import LABELS, TIERS, Tier
from router.cli.simulation_answer import Simulated, check_pictures
from router.cli.simulation_bar import Tell, bar
from router.columns import Columns
from router.config.load import environment
from router.domain import ModelId
from router.prices.fitted import FILE as LENGTHS
from router.replay import daft_door
from router.replay.bad_rows import BadRows
from router.replay.daft_door import Engine
from router.replay.engine import Plan, read_parts
from router.replay.entries import Entries
from router.replay.joining import Answers
from router.replay.log import Log, open_log
from router.replay.logged import Format, LogError
from router.replay.mix import Mix
from router.replay.replay import Replay
from router.replay.routing import Terms
from router.replay.sources import Unit, shown
from router.replay.survey import Task
from router.replay.terms import default_policy, read_terms
from router.report.simulation.conclude import conclude
from router.report.simulation.fold import State, add, begin
from router.report.simulation.question import Option, Question
from router.report.simulation.reading import BadRow, Reading

STATE: Final = ".state"
"""Folder under `--out` for what a run that was broken off goes on with."""


class Order(Struct, frozen=True, kw_only=True):
    """What was asked for on the command line."""

    log: tuple[str, ...]
    form: Format | None
    policies: tuple[str, ...]
    baseline: Tier | None
    engine: Engine
    out: Path | None
    mix: Mix
    strict: bool
    fresh: bool
    registry: Path
    command: str


def simulate_log(order: Order) -> Simulated:
    """Read the log, route every request, and write the entries into the folder that was named.

    Raises LogError, ConfigError, ArtifactError.
    """
    if order.out is not None:
        check_pictures()
    place = resolve(order.registry)
    manifest = read_manifest(place)
    surroundings = environment()
    data = Path(surroundings.data_dir)
    policies = [
        read_terms(name, manifest.cutoffs, data / LENGTHS, datetime.now(UTC))
        for name in order.policies or (default_policy(surroundings.config),)
    ]
    daft_door.start(order.engine)
    with ExitStack() as stack:
        state = stack.enter_context(_state(order))
        log = open_log(order.log, order.form, state / "unpacked")
        plan = Plan(
            units=log.units,
            task=Task(
                artifact=str(place),
                verdicts=str(data / "verdicts" / f"{manifest.version}.bin"),
                rules=tuple(terms.config.policy.rule for terms in policies),
                mix=order.mix,
                secret=surroundings.cache_secret.encode(),
            ),
            engine=order.engine,
            state=str(state) if order.out else "",
        )
        run = _Run(order, policies)
        run.go(plan, stack.enter_context(bar(log.size)))
    reading = run.reading(order, log, policies, manifest.version)
    return Simulated(simulation=conclude(run.state), reading=reading)


class _Run:
    """What grows while a log goes by: sums, bad lines, the file of entries."""

    def __init__(self, order: Order, policies: list[Terms]) -> None:
        self.state: State = begin(_question(order, policies))
        self._replay = Replay(policies)
        self._answers = Answers()
        self._bad = BadRows(order.out, strict=order.strict)
        names = tuple(terms.name for terms in policies)
        self._entries = Entries(order.out, names) if order.out else None
        self._mix = order.mix
        self._drawn = self._simulated = 0

    def go(self, plan: Plan, tell: Tell) -> None:
        """Take in every part, in order. Raises LogError."""
        for unit, read in zip(plan.units, read_parts(plan), strict=True):
            before = self._bad.line(unit)
            self._bad.add(read, unit)
            part = self._answers.join(read)
            if part.rows:
                columns = self._replay.fold(part)
                self.state = add(self.state, columns)
                self._keep(columns, unit, part.told.line.astype(np.int64) + before + 1)
            self._drawn += part.drawn
            self._simulated += part.simulated
            tell(unit.bytes, part.rows)
        if self._entries is not None:
            self._entries.close()

    def reading(self, order: Order, log: Log, policies: list[Terms], version: str) -> Reading:
        """How it came about."""
        first = policies[0]
        requests = self.state.requests
        if not requests:
            raise LogError(_nothing(log, self._bad))
        return Reading(
            sources=tuple(map(shown, log.names)),
            form=", ".join(log.formats),
            rows=requests,
            bad_rows=self._bad.count,
            bad=tuple(
                BadRow(file=row.file, line=row.line, reason=row.reason) for row in self._bad.first
            ),
            simulated=self._simulated == requests,
            command=order.command,
            classifier=version,
            prices=first.prices.version,
            lengths=first.lengths.version,
            notes=tuple(self._notes(requests)),
        )

    def _notes(self, requests: int) -> Iterator[str]:
        if self._drawn:
            shares = ", ".join(
                f"{share:.0%} {name}"
                for name, share in zip(LABELS, self._mix, strict=True)
                if share
            )
            yield (
                f"{self._drawn:,} requests have no text: their labels are drawn from an assumed "
                f"mix ({shares}), and what they succeed with is unknown."
            )
        if self._replay.strangers:
            yield (
                f"{self._replay.strangers:,} requests were answered by models that the policy does "
                "not name: their lengths are taken for the reference model's."
            )
        if 0 < self._simulated < requests:
            yield f"{self._simulated:,} requests were answered by the sandbox, the others were not."
        if self._answers.left:
            yield f"{self._answers.left:,} answers belong to no request of the log."

    def _keep(self, columns: Columns, unit: Unit, lines: NDArray[np.int64]) -> None:
        if self._entries is not None:
            self._entries.add(columns, shown(unit.source.path), lines)


def _question(order: Order, policies: list[Terms]) -> Question:
    return Question(
        options=tuple(
            Option(
                name=terms.name,
                models=_first_models(terms),
                cached_ratios=_cached_ratios(terms),
            )
            for terms in policies
        ),
        baseline=order.baseline or policies[0].config.baseline,
    )


def _first_models(terms: Terms) -> tuple[str, str, str]:
    easy, medium, hard = (terms.config.models_of(tier)[0] for tier in TIERS)
    return easy, medium, hard


def _cached_ratios(terms: Terms) -> tuple[float | None, float | None, float | None]:
    easy, medium, hard = map(partial(_cached_ratio, terms), _first_models(terms))
    return easy, medium, hard


def _cached_ratio(terms: Terms, model: str) -> float | None:
    """The price of a cached input token for one of a fresh token; none where it is unknown."""
    rate = terms.prices.rate(ModelId(model), 1)
    return rate.cached / rate.input if rate is not None and rate.input else None


def _nothing(log: Log, bad: BadRows) -> str:
    """Why no request came of a log."""
    name = log.names[0] if len(log.names) == 1 else "the log"
    if not bad.count:
        return f"{name} holds no request"
    row = bad.first[0]
    return f"{name} holds no request that can be read: {row.file}:{row.line}: {row.reason}"


@contextmanager
def _state(order: Order) -> Iterator[Path]:
    """The folder of what a run goes on with; it goes when the run has come to its end."""
    if order.out is None:
        with tempfile.TemporaryDirectory(prefix="gearshift-") as name:
            yield Path(name)
        return
    folder = order.out / STATE
    try:
        if order.fresh:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LogError(f"{order.out} cannot be written: {error.strerror}") from error
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
