"""`gearshift train`: making a version of the classifier."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Final

import msgspec
import rich_click as click

from classifier import artifact, distil
from classifier.card import render
from classifier.corpus import digest, read
from classifier.distil import PieceVectors
from classifier.evaluate import Report
from classifier.evaluate import evaluate as judge
from classifier.features import extract
from classifier.fit import Settings
from classifier.probes import PROBES
from classifier.static import StaticEmbedder
from classifier.train import Trained, version_of
from classifier.train import train as learn
from classifier.types import Prompt, Turn
from router.cli.model import DATA, REGISTRY, ModelError, plainly, steps

STEPS: Final = 10
"""Steps of a training run, for its progress bar."""
LIBRARIES: Final = ("numpy", "scipy")


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
    with plainly(), steps(STEPS) as progress:
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
    click.echo(f"macro-F1 on held-out rows {facts.held_macro_f1:.3f}{_against(judged)}", err=True)


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
        origin=artifact.Origin(
            libraries={"python": platform.python_version()} | {n: installed(n) for n in LIBRARIES},
            data=trained.facts.data,
            metrics={"held_macro_f1": trained.facts.held_macro_f1},
        ),
    )


def probe_prompts() -> tuple[Prompt, ...]:
    """PROBES as they are scored."""
    found = (extract((Turn(role="user", text=text),)) for text in PROBES)
    return tuple(prompt for prompt in found if prompt is not None)


def _against(report: Report | None) -> str:
    if report is None:
        return ""
    score = report.macro_f1
    return f", on the report's rows {score.value:.3f} [{score.low:.3f}, {score.high:.3f}]"
