"""`gearshift drift`: whether the traffic is still what it was."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import rich_click as click

from classifier import artifact
from classifier.facts import Facts, label_counts
from classifier.registry import resolve
from router.cli.ledger import begun_ledger, read_since
from router.cli.model import REGISTRY, plainly, serving
from router.divergence import NOTICE
from router.errors import GearshiftError
from router.ledger.facets import Span
from router.ledger.store import Store
from router.report.since import ACCEPTED, since_us
from router.traffic.drift import Drift, EmbeddingShift, Shift, recorded
from router.traffic.windows import drift_between, drift_from

_MODEL: Final = "model"


@click.command()
@click.option(
    "--since", default="7d", show_default=True, callback=read_since, help=f"Start: {ACCEPTED}."
)
@click.option(
    "--against",
    default="30d",
    show_default=True,
    help="What came in that time before; a date; or `model`: what the classifier learned from.",
)
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON.")
@REGISTRY
def drift(since: int, against: str, as_json: bool, registry: Path) -> None:
    """Compare the requests since a moment with those before, and say whether that is an alarm.

    The exit code is 0 also for an alarm: ask for JSON and read `alarm`.

    \b
    Example:
      gearshift drift --since 7d --against 30d
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    store = Store(begun_ledger())
    now = Span(since_us=since, until_us=time.time_ns() // 1_000)
    try:
        with plainly():
            found = _compare(store, now, against, registry)
    finally:
        store.close()
    _check(found)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)))
    else:
        click.echo("\n".join(_lines(found)))


def _compare(store: Store, now: Span, against: str, registry: Path) -> Drift:
    if against == _MODEL:
        path = resolve(registry)
        facts = msgspec.json.decode(artifact.read_text(path, artifact.FACTS), type=Facts)
        version = artifact.read_manifest(path).version
        return drift_from(store, now, recorded(label_counts(facts)), version)
    before = Span(since_us=_start(against, now.since_us or 0), until_us=now.since_us)
    return drift_between(store, now, before, serving(registry).embedder)


def _start(against: str, end_us: int) -> int:
    try:
        start = since_us(against, end_us)
    except ValueError as error:
        message = f"--against: {error}, or `{_MODEL}`"
        raise GearshiftError(message) from error
    if start >= end_us:
        raise GearshiftError("--against begins after --since: there is nothing in between")
    return start


def _check(found: Drift) -> None:
    """Raises GearshiftError where there is nothing to compare."""
    if not found.now.requests:
        raise GearshiftError("no request since then has a verdict: take an earlier --since")
    if not found.before.requests:
        message = "no request before then has a verdict: take a longer --against, or `model`"
        raise GearshiftError(message)


def _lines(found: Drift) -> Iterator[str]:
    if found.alarm:
        yield f"ALARM: {', '.join(found.alarms)} drifted from {found.against}"
    else:
        yield f"No alarm: nothing drifted far from {found.against}"
    yield f"{found.now.requests:,} requests now, {found.before.requests:,} before"
    versions = sorted({*found.now.versions, *found.before.versions})
    if len(versions) > 1:
        yield f"the classifier changed meanwhile ({', '.join(versions)}): verdicts moved with it"
    yield from _shift("labels", found.labels)
    yield from _shift("confidence", found.confidence)
    means = (found.before.mean_confidence, found.now.mean_confidence)
    if None not in means:
        yield f"  mean {means[0]:.3f} before, {means[1]:.3f} now"
    yield from _shift("lengths", found.lengths)
    yield _embedding(found.embedding)


def _shift(name: str, shift: Shift | None) -> Iterator[str]:
    if shift is None:
        yield f"{name}: not known of both sides"
        return
    state = "ALARM" if shift.alarm else "moved a little" if shift.psi >= NOTICE else "steady"
    chance = "" if shift.by_chance is None else f" (chance alone: up to {shift.by_chance:.3f})"
    yield f"{name}: PSI {shift.psi:.3f}{chance}, {state}"
    for cell, now in shift.now.items():
        yield f"  {cell:<12}{shift.before[cell]:7.1%} before {now:7.1%} now"


def _embedding(shift: EmbeddingShift | None) -> str:
    if shift is None:
        return "embedding: not known of both sides; it needs kept prompts (`ledger.store_prompts`)"
    state = "ALARM" if shift.alarm else "steady"
    texts = f"{shift.texts_now:,} prompts now, {shift.texts_before:,} before"
    return f"embedding: moved {shift.share:.3f} (p = {shift.p_value:.4f}), {state}; {texts}"
