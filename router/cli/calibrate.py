"""`gearshift calibrate`: cut-offs that keep a target, as a version of the classifier."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import rich_click as click

from classifier import artifact
from classifier.guarantee import Choice, Terms, choose, parse_target
from classifier.held import held_out
from classifier.promise import with_promise
from classifier.registry import find, resolve
from classifier.remote import publish
from classifier.train import version_of
from classifier.types import Guarantee, Version
from router.cli.amount import Amount
from router.cli.model import DATA, REGISTRY, Data, ModelError, plainly
from router.config.load import Options, environment, load
from router.config.load import resolve as resolve_settings
from router.config.schema import Config, Policy
from router.prices.book import build_prices
from router.prices.fitted import FILE
from router.prices.lengths import Lengths
from router.prices.tiers import tier_costs
from router.sandbox.profile import sandbox_config


@click.command()
@click.option(
    "--target",
    "aim",
    metavar="T",
    required=True,
    help='What to keep: "hard-miss<=5%", "spend<=40%" or "quality>=98%".',
)
@DATA
@click.option(
    "--version", "name", metavar="V", help="A version, or its beginning; else the one in service."
)
@click.option(
    "--delta",
    type=Amount(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    metavar="P",
    help="Chance that the target is not kept.",
)
@REGISTRY
@click.option("--config", metavar="F", help="Configuration file (TOML): prices, needs_info_tier.")
def calibrate(
    aim: str,
    data: Data,
    name: str | None,
    delta: float,
    registry: Path,
    config: str | None,
) -> None:
    """Choose the cut-offs that keep a target, and put them into the registry as a new version.

    The model is the same, and nothing is promoted. Only rows are used that no version's heads were
    fitted on: a tenth of the data.

    \b
    Example:
      gearshift calibrate --target "hard-miss<=5%" --data mine.jsonl
      gearshift models promote V
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    with plainly():
        target, settings = parse_target(aim), configuration(config)
        today = datetime.now(UTC)
        costs = None
        if target.kind == "spend":
            prices = build_prices(settings, today)
            costs = tier_costs(settings, prices, lengths_of(settings))
        terms = Terms(
            target=target,
            delta=delta,
            needs_info_tier=settings.policy.needs_info_tier,
            costs=costs,
        )
        parent = find(registry, name) if name else resolve(registry)
        choice = choose(held_out(artifact.load(parent), data.read()), terms)
        path = keep(registry, parent, choice, kept(terms, choice, today.date()), data.digest())
        publish(registry)
    click.echo(f"{path}")
    for line in summary(choice, terms, settings.policy):
        click.echo(line, err=True)


def configuration(path: str | None) -> Config:
    """The configuration whose policy is calibrated; no key is needed. Raises ConfigError."""
    path = path or environment().config
    return load(path) if path else resolve_settings(Options(), sandbox=sandbox_config).config


def lengths_of(settings: Config) -> Lengths:
    """The output lengths of this data directory. Raises ConfigError for a broken file."""
    return Lengths.load(Path(environment().data_dir) / FILE, settings)


def kept(terms: Terms, choice: Choice, day: date) -> Guarantee:
    """What the new version's manifest says of its target."""
    return Guarantee(
        target=str(terms.target),
        delta=terms.delta,
        rows=choice.rows,
        value=choice.value,
        bound=choice.bound,
        day=day.isoformat(),
        needs_info_tier=terms.needs_info_tier,
        costs=terms.costs,
    )


def keep(registry: Path, parent: Path, choice: Choice, guarantee: Guarantee, data: bytes) -> Path:
    """Write the new version; its folder. Raises ModelError, ArtifactError."""
    before = artifact.read_manifest(parent).version
    version = name_of(before, guarantee, data)
    path = registry / version
    if path.exists():
        raise ModelError(f"{path} is there already: the same model, target, data and day")
    card = artifact.read_text(parent, artifact.CARD)
    artifact.derive(
        path,
        parent,
        version=version,
        cutoffs={"auto": choice.cutoffs},
        guarantee=guarantee,
        card=with_promise(
            card, parent=before, version=version, cutoffs=choice.cutoffs, guarantee=guarantee
        ),
    )
    return path


def name_of(parent: Version, guarantee: Guarantee, data: bytes) -> Version:
    """The new version's name: a digest of its parent, its target and the rows."""
    said = msgspec.json.encode((parent, guarantee))
    return version_of(said + data, date.fromisoformat(guarantee.day))


def summary(choice: Choice, terms: Terms, policy: Policy) -> Iterator[str]:
    """What was chosen, what it does, and what is still to be done, for people."""
    cutoffs = choice.cutoffs
    yield (
        f"{terms.target} is kept by easy {cutoffs.easy:g}, medium {cutoffs.medium:g}: "
        f"{choice.value:.1%} on {choice.rows:,} held-out rows, bound {choice.bound:.1%}"
    )
    easy, medium, hard = choice.shares
    yield f"they send {easy:.0%} to easy, {medium:.0%} to medium, {hard:.0%} to hard"
    if policy.by != "success":
        yield 'they apply once `policy.by` is "success"'
    if policy.auto is not None:
        yield "the configuration's own `policy.auto` goes before them; take it out"
