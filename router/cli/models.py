"""`gearshift models`: the versions of the classifier."""

from pathlib import Path

import rich_click as click

from classifier import artifact
from classifier.registry import find, versions
from router.cli.model import REGISTRY, plainly


@click.group()
def models() -> None:
    """Versions of the classifier: those trained here, and the built-in one.

    \b
    Example:
      gearshift models list
      gearshift models show builtin
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)


@models.command("list")
@REGISTRY
def list_models(registry: Path) -> None:
    """Every version, oldest first; the one in service is marked, and what is damaged.

    \b
    Example:
      gearshift models list
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    for listed in versions(registry):
        marks = ["built-in"] * listed.builtin + ["in service"] * listed.serving
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
