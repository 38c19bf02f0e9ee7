"""What the commands on models share: their options, the model in service, errors in one line."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
import rich_click as click
from msgspec import structs
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from classifier import artifact
from classifier.artifact import ArtifactError
from classifier.corpus import CorpusError, Example, digest, load, samples
from classifier.distil import EncoderError
from classifier.evaluate import EvaluationError
from classifier.formats import FileError, distinct, find
from classifier.guarantee import TargetError
from classifier.history import RegistryError
from classifier.model import Classifier
from classifier.outcomes import Models, models_of
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


SAMPLES: Final = "samples"
"""The name of the prompts that ship, where a file is asked for."""
REGISTRY: Final = click.option(
    "--registry",
    type=_Registry(),
    default="",
    show_default="GEARSHIFT_REGISTRY, else registry in GEARSHIFT_DATA_DIR",
    metavar="DIR|URL",
    help="Where trained versions are kept; the built-in one is always there.",
)
Command: TypeAlias = Callable[..., None]


class ModelError(GearshiftError):
    """A command on models cannot go on; the message names the file and the fix."""


_PLAIN: Final = (
    ArtifactError,
    CorpusError,
    EncoderError,
    EvaluationError,
    PromotionError,
    RegistryError,
    TargetError,
    TrainingError,
)


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """The rows that a command was given, and how to read them."""

    paths: tuple[Path, ...]
    models: Models
    skip_bad: bool

    @property
    def shipped(self) -> bool:
        """Whether they are the prompts that ship, and nothing else."""
        return self.paths == tuple(samples())

    def read(self, paths: Sequence[Path] = ()) -> list[Example]:
        """The rows, or those of `paths`; what is odd is told on standard error.

        Raises CorpusError.
        """
        reading = load(paths or self.paths, self.models, skip_bad=self.skip_bad)
        for note in reading.notes:
            click.echo(note, err=True)
        if reading.skipped:
            rows = "row was" if reading.skipped == 1 else "rows were"
            click.echo(f"{reading.skipped} bad {rows} skipped", err=True)
        return list(reading.examples)

    def digest(self) -> bytes:
        """Over the files, and over what decides how they are read. Raises CorpusError."""
        how = msgspec.json.encode((sorted(self.models.items()), self.skip_bad))
        plain = not self.models and not self.skip_bad
        return digest(self.paths) if plain else sha256(digest(self.paths) + how).digest()


def files(_: click.Context, option: click.Parameter, names: Sequence[str]) -> tuple[Path, ...]:
    """Files, globs and folders as files, `samples` as the prompts that ship; for an option."""
    try:
        found = [shipped() if name == SAMPLES else find([name]) for name in names]
        return distinct([path for several in found for path in several])
    except FileError as error:
        raise ModelError(f"{option.opts[0]}: {error}") from error


def shipped() -> Sequence[Path]:
    """The rows that ship. Raises FileError where this installation is without."""
    paths = samples()
    if not paths:
        raise FileError("the prompts that ship with gearshift are not here: name a file")
    return paths


def DATA(command: Command) -> Command:  # noqa: N802 (an option like its neighbours)
    """`--data`, `--models` and `--skip-bad`, which the command gets as one `data`."""

    @click.option(
        "--data",
        "paths",
        multiple=True,
        default=(SAMPLES,),
        show_default="the prompts that ship with gearshift",
        callback=files,
        metavar="F",
        help="Labelled prompts: JSONL, CSV, TSV, Parquet; files, globs, folders, or `samples`.",
    )
    @click.option(
        "--models",
        multiple=True,
        callback=_models,
        metavar="TIER=M,M",
        help="Whose outcomes in the data speak for a tier: easy=model-a,model-c.",
    )
    @click.option("--skip-bad", is_flag=True, help="Leave bad rows out instead of refusing all.")
    @wraps(command)
    def given(paths: tuple[Path, ...], models: Models, skip_bad: bool, **others: object) -> None:
        command(data=Data(paths=paths, models=models, skip_bad=skip_bad), **others)

    return given


def _models(_: click.Context, option: click.Parameter, given: Sequence[str]) -> Models:
    try:
        return models_of(given)
    except ValueError as error:
        raise ModelError(f"{option.opts[0]} {error}") from error


@contextmanager
def plainly() -> Iterator[None]:
    """The classifier's errors as ours, which the command line tells in one line."""
    try:
        yield
    except _PLAIN as error:
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


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar of long work on standard error, with the time left; nothing where nobody looks."""
    console = Console(stderr=True)
    seen = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    columns = (*seen, TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, of: shown.update(task, completed=done, total=of)
