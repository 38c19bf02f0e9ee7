"""`gearshift train`, `evaluate`, `models`: making, judging and listing classifiers."""

import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Final

import msgspec
import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from classifier import artifact, distil
from classifier.artifact import ArtifactError
from classifier.card import render
from classifier.corpus import CorpusError, digest, read
from classifier.distil import EncoderError, PieceVectors
from classifier.evaluate import EvaluationError, Report
from classifier.evaluate import evaluate as judge
from classifier.facts import Facts
from classifier.features import extract
from classifier.fit import Settings
from classifier.model import Classifier
from classifier.probes import PROBES
from classifier.registry import find, resolve, versions
from classifier.static import StaticEmbedder
from classifier.train import Trained, TrainingError, version_of
from classifier.train import train as learn
from classifier.types import Prompt, Turn
from router.config.load import environment
from router.errors import GearshiftError

STEPS: Final = 10
"""Steps of a training run, for its progress bar."""
LIBRARIES: Final = ("numpy", "scikit-learn", "scipy")

REGISTRY: Final = click.option(
    "--registry",
    type=click.Path(file_okay=False, path_type=Path),
    default=lambda: Path(environment().data_dir) / "registry",
    show_default="registry in GEARSHIFT_DATA_DIR",
    metavar="DIR",
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


class ModelError(GearshiftError):
    """A command on models cannot go on; the message names the file and the fix."""


@contextmanager
def plainly() -> Iterator[None]:
    """The classifier's errors as ours, which the command line tells in one line."""
    try:
        yield
    except (ArtifactError, CorpusError, EncoderError, EvaluationError, TrainingError) as error:
        raise ModelError(str(error)) from error
    except ImportError as error:
        msg = f"{error.name} is not installed: make setup EXTRAS=train"
        raise ModelError(msg) from error


def serving(registry: Path) -> Classifier:
    """The classifier in service. Raises ArtifactError."""
    return artifact.load(resolve(registry))


@click.command()
@DATA
@click.option(
    "--report",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    metavar="F",
    help="Rows that only judge the new version, for its model card.",
)
@click.option(
    "--encoder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="A static encoder as model2vec saves it, instead of distilling the default one.",
)
@REGISTRY
def train(
    data: tuple[Path, ...], report: tuple[Path, ...], encoder: Path | None, registry: Path
) -> None:
    """Train a version on labelled prompts and put it into the registry.

    Nothing is promoted: the version in service stays.

    \b
    Example:
      gearshift train --data train.jsonl.gz --report val.jsonl.gz
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    with plainly(), _progress() as progress:
        examples, judges = read(data), read(report)
        data_digest = digest(data)
        name = "default" if encoder is None else encoder.name
        version = version_of(data_digest + name.encode(), datetime.now(UTC).date())
        if (registry / version).exists():
            msg = f"{registry / version} is there already: the same data, code and day"
            raise ModelError(msg)
        progress("distilling the encoder" if encoder is None else "reading the encoder")
        vectors, name = _encoder(encoder)
        embedder = StaticEmbedder.quantise(vectors.vocabulary, vectors.table)
        trained = learn(examples, embedder, settings=Settings(), version=version, progress=progress)
        facts = msgspec.structs.replace(trained.facts, data=data_digest.hex(), encoder=name)
        trained = msgspec.structs.replace(trained, facts=facts)
        judged = judge(trained.classifier, judges, facts) if judges else None
        _keep(registry / version, trained, embedder, judged)
    click.echo(f"{registry / version}")
    click.echo(f"macro-F1 out of fold {facts.folds_macro_f1:.3f}{_against(judged)}", err=True)


def _encoder(folder: Path | None) -> tuple[PieceVectors, str]:
    """The vectors to start from, and what the card says of them."""
    if folder is None:
        return distil.distil(distil.base_folder()), f"distilled from {distil.BASE}"
    return distil.read_static(folder), folder.name


def _keep(path: Path, trained: Trained, embedder: StaticEmbedder, report: Report | None) -> None:
    version = trained.classifier.version
    facts = msgspec.json.format(msgspec.json.encode(trained.facts)).decode()
    artifact.save(
        path,
        trained.classifier,
        embedder=embedder,
        probes=probe_prompts(),
        texts={artifact.FACTS: facts, artifact.CARD: render(version, trained.facts, report)},
        libraries={"python": platform.python_version()} | {n: installed(n) for n in LIBRARIES},
    )


def probe_prompts() -> tuple[Prompt, ...]:
    """PROBES as they are scored."""
    found = (extract((Turn(role="user", text=text),)) for text in PROBES)
    return tuple(prompt for prompt in found if prompt is not None)


@click.command()
@DATA
@click.option(
    "--version", "name", metavar="V", help="A version, or its beginning; else the one in service."
)
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON.")
@REGISTRY
def evaluate(data: tuple[Path, ...], name: str | None, as_json: bool, registry: Path) -> None:
    """Judge a version on labelled prompts that it did not learn from.

    \b
    Example:
      gearshift evaluate --data val.jsonl.gz --json
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    with plainly():
        path = find(registry, name) if name else resolve(registry)
        facts = msgspec.json.decode(artifact.read_text(path, artifact.FACTS), type=Facts)
        report = judge(artifact.load(path), read(data), facts)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report)))
    else:
        Console(width=100).print(*_tables(report), sep="\n")


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


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A bar on standard error at a terminal, and nothing elsewhere."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading the data", total=STEPS)

        def begin(step: str) -> None:
            bar.update(task, description=step, advance=1)

        yield begin


def _against(report: Report | None) -> str:
    if report is None:
        return ""
    score = report.macro_f1
    return f", on the report's rows {score.value:.3f} [{score.low:.3f}, {score.high:.3f}]"


def _tables(report: Report) -> Sequence[Table | str]:
    score = report.macro_f1
    rules = ", ".join(f"{name} {value:.3f}" for name, value in report.baselines.items())
    interval = f"[{score.low:.3f}, {score.high:.3f}]"
    return (
        f"{report.version}: macro-F1 {score.value:.3f} {interval} on {report.judged:,} rows",
        f"rules that read nothing: {rules}",
        f"accuracy {report.accuracy:.3f}, calibration error {report.ece:.3f}",
        _table(
            ("truth ↓ said →", *report.confusion, "F1"),
            [
                (name, *map(str, counts.values()), f"{report.f1[name]:.3f}")
                for name, counts in report.confusion.items()
            ],
        ),
        _table(
            ("source", "rows", "labels", "accuracy", "own majority", "macro-F1"),
            [
                (
                    s.name,
                    str(s.rows),
                    str(s.labels),
                    f"{s.accuracy:.2f}",
                    f"{s.source_majority:.2f}",
                    f"{s.macro_f1:.2f}",
                )
                for s in report.sources
            ],
        ),
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(*head)
    for row in rows:
        table.add_row(*row)
    return table
