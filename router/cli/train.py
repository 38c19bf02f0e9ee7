"""`gearshift train`: making a version of the classifier."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Final

import msgspec
import rich_click as click

from classifier import artifact
from classifier.card import render
from classifier.distil import encoder_vectors
from classifier.evaluate import Report
from classifier.evaluate import evaluate as judge
from classifier.features import extract
from classifier.fit import Settings
from classifier.model import Classifier
from classifier.probes import PROBES
from classifier.registry import resolve
from classifier.static import StaticEmbedder
from classifier.train import Progress, Trained, version_of
from classifier.train import train as learn
from classifier.types import Prompt, Turn
from router.cli.model import DATA, REGISTRY, Data, ModelError, files, plainly, steps

STEPS: Final = 10
"""Steps of a training run, for its progress bar."""
LIBRARIES: Final = ("numpy", "scipy")


@click.command()
@DATA
@click.option(
    "--report",
    multiple=True,
    callback=files,
    metavar="F",
    help="Rows that only judge the new version, for its model card.",
)
@click.option(
    "--encoder",
    metavar="NAME|DIR",
    help="A sentence-transformers model, or a static one of model2vec, instead of the default.",
)
@click.option(
    "--from-scratch",
    is_flag=True,
    help="Learn everything anew instead of building on the version in service; needs rows with "
    "measured shares, and implied by --encoder.",
)
@REGISTRY
def train(
    data: Data,
    report: tuple[Path, ...],
    encoder: str | None,
    from_scratch: bool,
    registry: Path,
) -> None:
    """Train a version on labelled prompts and put it into the registry.

    It builds on the version in service, which a few hundred rows move where they point. Nothing is
    promoted. What --data and --encoder take stands in docs/training-data.md.

    \b
    Example:
      gearshift train --data samples --data mine.csv
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    with plainly(), steps(STEPS) as progress:
        examples = data.read()
        judges = data.read(report) if report else []
        anew = encoder is not None or from_scratch
        start = _anew(encoder, progress) if anew else _base(registry)
        given = data.digest() + start.name.encode()
        version = version_of(given, datetime.now(UTC).date())
        if (registry / version).exists():
            msg = f"{registry / version} is there already: the same data, code and day"
            raise ModelError(msg)
        trained = learn(
            examples,
            start.embedder,
            settings=Settings(),
            version=version,
            base=start.base,
            progress=progress,
        )
        facts = msgspec.structs.replace(
            trained.facts,
            data=data.digest().hex(),
            encoder=start.name,
            base=start.base.version if start.base else None,
        )
        trained = msgspec.structs.replace(trained, facts=facts)
        judged = judge(trained.classifier, judges, facts) if judges else None
        _keep(registry / version, trained, start.embedder, judged)
    click.echo(f"{registry / version}")
    click.echo(f"macro-F1 on held-out rows {facts.held_macro_f1:.3f}{_against(judged)}", err=True)


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What training begins with."""

    embedder: StaticEmbedder
    base: Classifier | None
    name: str
    """What the card says of it."""


def _base(registry: Path) -> Start:
    """The version in service."""
    base = artifact.load(resolve(registry))
    if not isinstance(base.embedder, StaticEmbedder):  # what `load` makes is one
        raise TypeError(type(base.embedder))
    return Start(embedder=base.embedder, base=base, name=f"that of {base.version}")


def _anew(encoder: str | None, progress: Progress) -> Start:
    progress("distilling the encoder")
    vectors, name = encoder_vectors(encoder)
    embedder = StaticEmbedder.quantise(vectors.vocabulary, vectors.table)
    return Start(embedder=embedder, base=None, name=name)


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
            parent=trained.facts.base,
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
