"""What the commands on models share: their options, the model in service, errors in one line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import rich_click as click
from msgspec import structs
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from classifier import artifact
from classifier.artifact import ArtifactError
from classifier.corpus import CorpusError
from classifier.distil import EncoderError
from classifier.evaluate import EvaluationError
from classifier.history import RegistryError
from classifier.model import Classifier
from classifier.promotion import PromotionError
from classifier.registry import resolve
from classifier.remote import refresh
from classifier.train import TrainingError
from router.config.load import environment
from router.errors import GearshiftError
from router.follow import registry_of


class _Registry(click.ParamType[Path]):
    """A registry's place, as the folder to work in; what lies behind a URL is brought there."""

    name = "registry"

    def convert(
        self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """Raises ConfigError or ModelError where it cannot be used."""
        said = structs.replace(environment(), **({"registry": str(value)} if value else {}))
        folder = registry_of(said)
        if folder.is_file():
            raise ModelError(f"the registry {folder} is a file; name a folder")
        with plainly():
            for fault in refresh(folder):
                click.echo(f"gearshift: left out: {fault}", err=True)
        return folder


REGISTRY: Final = click.option(
    "--registry",
    type=_Registry(),
    default="",
    show_default="GEARSHIFT_REGISTRY, else registry in GEARSHIFT_DATA_DIR",
    metavar="DIR|URL",
    help="Where trained versions are kept; the built-in one is always there.",
)
DATA: Final = click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    required=True,
    metavar="F",
    help="Labelled prompts, JSONL or JSONL.gz; may be given several times.",
)


_FAULTS: Final = (
    ArtifactError,
    CorpusError,
    EncoderError,
    EvaluationError,
    PromotionError,
    RegistryError,
    TrainingError,
)


class ModelError(GearshiftError):
    """A command on models cannot go on; the message names the file and the fix."""


@contextmanager
def plainly() -> Iterator[None]:
    """The classifier's errors as ours, which the command line tells in one line."""
    try:
        yield
    except _FAULTS as error:
        raise ModelError(str(error)) from error
    except ImportError as error:
        msg = f"{error.name} is not installed: make setup EXTRAS=train"
        raise ModelError(msg) from error


def serving(registry: Path) -> Classifier:
    """The classifier in service. Raises ArtifactError."""
    return artifact.load(resolve(registry))


@contextmanager
def steps(total: int) -> Iterator[Callable[[str], None]]:
    """A bar on standard error at a terminal, and nothing elsewhere."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading the data", total=total)

        def begin(step: str) -> None:
            bar.update(task, description=step, advance=1)

        yield begin
