"""`gearshift models`: the versions of the classifier, and which of them serves."""

from pathlib import Path

import msgspec
import rich_click as click
from rich.console import Console
from rich.table import Table

from classifier import artifact, history
from classifier.artifact import ArtifactError
from classifier.history import HISTORY, SHIPPED, Event
from classifier.model import Classifier
from classifier.promotion import MARGIN, Comparison, PromotionError, compare
from classifier.registry import PROMOTED, find, folder_of, promoted, resolve, two_stage, versions
from classifier.registry import promote as put_into_service
from classifier.registry import rollback as go_back
from classifier.remote import publish
from router.cache.notice import announce
from router.cli.amount import Amount
from router.cli.model import DATA, REGISTRY, Data, ModelError, plainly
from router.cli.table import table
from router.config.load import environment


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What `promote --json` prints."""

    promoted: bool
    forced: bool
    refusal: str | None
    """Why it was not promoted, or would not have been without `--force`."""
    comparison: Comparison | None


@click.group()
def models() -> None:
    """Versions of the classifier: those trained here, and the built-in one.

    \b
    Example:
      gearshift models list
      gearshift models show builtin
      gearshift models promote 20261123 --data labelled.jsonl
      gearshift models rollback
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)


@models.command("list")
@REGISTRY
def list_models(registry: Path) -> None:
    """Every version, oldest first; the one in service is marked, and what is damaged.

    \b
    Example:
      gearshift models list
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    with plainly():
        since = _since(history.read(registry), promoted(registry))
    for listed in versions(registry):
        marks = ["built-in"] * listed.builtin + ["two-stage"] * (listed.path == two_stage())
        marks += [f"in service{since}"] * listed.serving
        marks += [f"damaged: {listed.damage}"] if listed.damage else []
        click.echo("  ".join([listed.version, ", ".join(marks)]).rstrip())


@models.command("show")
@click.argument("name", metavar="V")
@REGISTRY
def show_model(name: str, registry: Path) -> None:
    """The model card of a version, after its files were verified.

    \b
    Example:
      gearshift models show builtin
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    with plainly():
        path = find(registry, name)
        artifact.load(path)
        click.echo(artifact.read_text(path, artifact.CARD))


@models.command("promote")
@click.argument("name", metavar="V")
@DATA
@click.option(
    "--margin",
    type=Amount(0, 1),
    default=MARGIN,
    show_default=True,
    help="Loss that is put up with, in any figure.",
)
@click.option("--force", is_flag=True, help="Promote whatever the comparison says; it is recorded.")
@click.option("--json", "as_json", is_flag=True, help="The comparison as JSON.")
@REGISTRY
def promote_model(
    name: str, data: Data, margin: float, force: bool, as_json: bool, registry: Path
) -> None:
    """Let a version serve, unless it is worse than the one in service.

    Both answer the rows of --data that are kept for promotions (one in ten, never trained on).
    Running services follow by themselves.

    \b
    Example:
      gearshift models promote 20261123 --data labelled.jsonl
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    with plainly():
        path = find(registry, name)
        challenger = artifact.load(path)
        if path == _serving(registry):
            click.echo(f"{challenger.version} is in service already", err=True)
            return
        comparison, refusal = _compare(registry, challenger, data, margin)
        goes = force or refusal is None
        told = Told(
            promoted=goes,
            forced=goes and refusal is not None,
            refusal=refusal,
            comparison=comparison,
        )
        _tell(told, as_json)
        if not goes:
            raise ModelError(f"{challenger.version} is not promoted: {refusal} (--force does it)")
        if told.forced:
            click.echo(f"forced, although {refusal}", err=True)
        raw = msgspec.json.encode(comparison)
        _spread(registry, put_into_service(registry, path, comparison=raw, forced=told.forced))


@models.command("rollback")
@REGISTRY
def rollback_models(registry: Path) -> None:
    """Let the version serve again that served before; once more goes one further back.

    \b
    Example:
      gearshift models rollback
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    with plainly():
        _spread(registry, go_back(registry))


def _serving(registry: Path) -> Path | None:
    """The folder of the version in service; none where it is not there."""
    try:
        return resolve(registry)
    except ArtifactError:
        return None


def _compare(
    registry: Path, challenger: Classifier, data: Data, margin: float
) -> tuple[Comparison | None, str | None]:
    """The comparison, where there can be one, and why it refuses or cannot be made."""
    try:
        champion = artifact.load(resolve(registry))
    except ArtifactError as error:
        return None, f"the version in service cannot be compared with: {error}"
    try:
        comparison = compare(data.read(), champion, challenger, margin)
    except PromotionError as error:
        return None, f"cannot tell: {error}"
    lost = None
    if champion.cutoffs and not challenger.cutoffs:
        lost = (
            "the version in service has cut-offs and this one has none: "
            f"gearshift calibrate --version {challenger.version} makes a version that has"
        )
    return comparison, comparison.refusal or lost


def _spread(registry: Path, event: Event) -> None:
    """Let everyone know: the registry's origin, and the instances that listen at Redis."""
    publish(registry, HISTORY, PROMOTED)
    version = event.version
    if version in SHIPPED:
        version = f"the built-in {artifact.read_manifest(folder_of(None, version)).version}"
    said = [f"{version} serves from now on"]
    url = environment().redis_url
    if url and announce(url, event.version) is None:
        said.append("Redis could not be told; instances will see it when they look next")
    click.echo("; ".join(said), err=True)


def _since(events: list[Event], serving: str) -> str:
    """Since when the version in service serves, and how it came to that; empty if unknown."""
    if not events or events[-1].version != serving:
        return ""
    event = events[-1]
    how = "rolled back to" if event.action == "rollback" else "promoted"
    return f" since {event.at:%Y-%m-%d %H:%M} UTC ({how}{', forced' if event.forced else ''})"


def _tell(told: Told, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(told)))
        return
    if told.comparison is None:
        return
    one = told.comparison
    console = Console(width=100)
    console.print(
        f"{one.challenger} challenges {one.champion} on {one.rows:,} rows in {one.groups:,} groups,"
        f" margin {one.margin:g}",
        highlight=False,
    )
    console.print(_table(one))
    if one.doubts:
        console.print(f"cannot tell on so few rows: {', '.join(one.doubts)}", highlight=False)


def _table(comparison: Comparison) -> Table:
    rows = [
        (
            one.name,
            f"{one.rows:,}",
            f"{one.champion:.3f}",
            f"{one.challenger:.3f}",
            f"{one.difference:+.3f}",
            one.outcome,
        )
        for one in comparison.figures
    ]
    return table(("", "rows", "champion", "challenger", "difference", ""), rows)
