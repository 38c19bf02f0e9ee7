"""`gearshift train`: making a version of the classifier."""

import platform
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version as installed
from pathlib import Path
from typing import Final

import msgspec
import rich_click as click

from classifier import artifact, distil
from classifier.card import render
from classifier.contextual import Contextual
from classifier.corpus import Example
from classifier.distil import encoder_vectors
from classifier.evaluate import Report
from classifier.evaluate import evaluate as judge
from classifier.facts import Facts, built_upon
from classifier.features import extract
from classifier.finetune import Plan, finetune
from classifier.fit import Settings
from classifier.model import Classifier
from classifier.probes import PROBES
from classifier.registry import resolve
from classifier.remote import publish
from classifier.shrink import shrink
from classifier.static import StaticEmbedder
from classifier.train import Progress, Trained, Tutor, check, trainable, version_of
from classifier.train import train as learn
from classifier.types import Prompt, Turn, Version
from router.cli.ledger import begun_ledger, read_since
from router.cli.model import DATA, REGISTRY, Data, ModelError, bar, files, plainly, steps
from router.ledger.facets import Span
from router.traffic.lessons import rows_from_ledger

STEPS: Final = 10
"""Steps of a training run, for its progress bar."""
TAUGHT: Final = (
    "; the default encoder, fine-tuned on the rows that train, taught it and is its second stage"
)
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
@click.option(
    "--finetune",
    is_flag=True,
    help="Train everything anew, and the default encoder on the data first, as teacher and second "
    "stage: an hour on two cores, minutes on a GPU; goes on where it was interrupted.",
)
@click.option(
    "--from-ledger",
    is_flag=True,
    help="Also learn from your own traffic: feedback, escalations, re-asks, a judge's labels.",
)
@click.option(
    "--since",
    default="90d",
    show_default=True,
    callback=read_since,
    metavar="T",
    help="How far back --from-ledger goes: 30d, 12h, or a day such as 2026-11-01.",
)
@REGISTRY
def train(**said: object) -> None:
    """Train a version on labelled prompts and put it into the registry.

    It builds on the version in service, which a few hundred rows move where they point. Nothing is
    promoted. What --data and --encoder take stands in docs/training-data.md.

    \b
    Example:
      gearshift train --data samples --data mine.csv
      gearshift train --from-ledger
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    options = msgspec.convert(said, _Options)
    with plainly(), steps(STEPS) as progress:
        lessons = _lessons(options.since) if options.from_ledger else []
        examples = [*options.data.read(), *lessons]
        judges = options.data.read(options.report) if options.report else []
        start = _start(options, progress)
        version, digest = _named(options, lessons, start)
        work = _work(options, examples)
        trained = learn(
            examples,
            start.base or start.embedder,
            settings=Settings(),
            version=version,
            tutor=_tutor(work, examples, start.embedder, progress) if work else None,
            progress=progress,
        )
        facts = msgspec.structs.replace(trained.facts, data=digest.hex(), encoder=start.name)
        if start.base:
            facts = built_upon(facts, start.facts, start.base.version)
        trained = msgspec.structs.replace(trained, facts=facts)
        judged = judge(trained.classifier, judges, facts) if judges else None
        _keep(options.registry / version, trained, start.embedder, judged)
        if work:
            shutil.rmtree(work, ignore_errors=True)
        publish(options.registry)
    click.echo(f"{options.registry / version}")
    if trained.kept:
        asked = ", ".join(trained.kept)
        click.echo(f"too few rows for {asked}: as in {facts.base}", err=True)
    click.echo(f"macro-F1 on held-out rows {facts.held_macro_f1:.3f}{_against(judged)}", err=True)


class _Options(msgspec.Struct, frozen=True, kw_only=True):
    data: Data
    report: tuple[Path, ...]
    encoder: str | None
    from_scratch: bool
    finetune: bool
    from_ledger: bool
    since: int
    registry: Path


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What training begins with."""

    embedder: StaticEmbedder
    base: Classifier | None = None
    facts: Facts | None = None
    """What the base learned from, where it says so."""
    name: str
    """What the card says of it."""


def _base(registry: Path) -> Start:
    """The version in service."""
    path = resolve(registry)
    base = artifact.load(path)
    facts = None
    if artifact.FACTS in artifact.read_manifest(path).files:
        facts = msgspec.json.decode(artifact.read_text(path, artifact.FACTS), type=Facts)
    if not isinstance(base.embedder, StaticEmbedder):  # what `load` makes is one
        raise TypeError(type(base.embedder))
    name = f"that of {base.version}"
    return Start(embedder=base.embedder, base=base, facts=facts, name=name)


def _start(options: _Options, progress: Progress) -> Start:
    """What was asked for. Raises ArtifactError, EncoderError and ImportError."""
    if not (options.encoder or options.from_scratch or options.finetune):
        return _base(options.registry)
    progress("distilling the encoder")
    vectors, name = encoder_vectors(options.encoder)
    embedder = StaticEmbedder.quantise(vectors.vocabulary, vectors.table)
    return Start(embedder=embedder, name=name + (TAUGHT if options.finetune else ""))


def _work(options: _Options, examples: Sequence[Example]) -> Path | None:
    """Where a fine-tuning keeps its state, beside the versions; none where none is asked for."""
    key = sha256(msgspec.msgpack.encode(trainable(examples))).hexdigest()[:8]
    return options.registry / f".finetune-{key}" if options.finetune else None


def _tutor(
    work: Path, examples: Sequence[Example], embedder: StaticEmbedder, progress: Progress
) -> Tutor:
    """The default encoder, trained on the rows that train: an hour, so what can fail is first.

    Raises TrainingError and ImportError.
    """
    check(examples)
    progress("fine-tuning the encoder")
    with bar("fine-tuning") as told:
        tuned = finetune(trainable(examples), distil.base_folder(), work, Plan(), told)
    file = work / artifact.ENCODER
    shrink(tuned, embedder.pieces.vocabulary, file)
    return Tutor(teacher=tuned.teacher, encoder=Contextual(file, embedder.pieces))


def _lessons(since_us: int) -> list[Example]:
    """What the ledger teaches. Raises LedgerError, and ModelError where that is nothing."""
    lessons = rows_from_ledger(begun_ledger(), Span(since_us=since_us))
    if not lessons:
        msg = (
            "the ledger teaches nothing yet: prompts are kept only with `ledger.store_prompts`, "
            "and something must be known of them (docs/feedback.md)"
        )
        raise ModelError(msg)
    click.echo(f"{len(lessons):,} rows from the ledger", err=True)
    return lessons


def _named(options: _Options, lessons: Sequence[Example], start: Start) -> tuple[Version, bytes]:
    """The version to be made, and the digest of its data. Raises ModelError where it is there."""
    digest = options.data.digest()
    if lessons:
        digest = sha256(digest + msgspec.msgpack.encode(lessons)).digest()
    version = version_of(digest + start.name.encode(), datetime.now(UTC).date())
    if (options.registry / version).exists():
        msg = f"{options.registry / version} is there already: the same data, code and day"
        raise ModelError(msg)
    return version, digest


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
