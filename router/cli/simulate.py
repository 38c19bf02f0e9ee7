"""`gearshift simulate`: what a log would have cost under a policy; no model is called."""

import shlex
import sys
from pathlib import Path

import msgspec
import rich_click as click

from classifier.types import TIERS, Tier
from router.cli.model import REGISTRY, plainly
from router.cli.simulation import Order, simulate_log
from router.replay.daft_door import ENGINES, Engine
from router.replay.logged import FORMATS, Format
from router.replay.mix import DEFAULT, parse_mix
from router.replay.sources import shown


class _Options(msgspec.Struct, frozen=True, kw_only=True):
    log: tuple[str, ...]
    form: Format | None
    policy: tuple[str, ...]
    baseline: Tier | None
    engine: Engine
    out: Path | None
    mix: str | None
    strict: bool
    fresh: bool
    as_json: bool
    registry: Path


@click.command()
@click.argument("log", nargs=-1, required=True)
@click.option("--format", "form", type=click.Choice(FORMATS), help="Its format.  [recognised]")
@click.option(
    "--policy",
    multiple=True,
    metavar="F|PRESET",
    help="Configuration whose policy, models and prices are tried; several are compared.  "
    "[GEARSHIFT_CONFIG, else the default preset]",
)
@click.option(
    "--baseline", type=click.Choice(TIERS), help="Compare with it.  [configured, or hard]"
)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="local",
    show_default=True,
    help="Where it runs: this machine, or the Ray cluster that RAY_ADDRESS names.",
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the reports."
)
@click.option(
    "--mix",
    metavar="L=S,…",
    help="Shares of labels for logs without text.  [easy=.6,medium=.3,hard=.1]",
)
@click.option("--strict", is_flag=True, help="Stop at the first bad line.")
@click.option("--fresh", is_flag=True, help="Start over, whatever an earlier run left in --out.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@REGISTRY
def simulate(**said: object) -> None:
    """Say what LOG would have cost: a file, glob, folder or URL; plain, gz or zst.

    Reads exchanges, OpenAI batch files, gearshift's ledger, LiteLLM's, Langfuse's and
    OpenTelemetry's exports, conversations, prompts, and traces of lengths: docs/simulate.md.

    \b
    Example:
      gearshift simulate data/logs/conversations.jsonl --out sim
      gearshift simulate 'logs/*.jsonl.gz' --policy k2 --policy mine.toml --out sim
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    options = msgspec.convert(said, _Options)
    order = Order(
        log=options.log,
        form=options.form,
        policies=options.policy,
        baseline=options.baseline,
        engine=options.engine,
        out=options.out,
        mix=DEFAULT if options.mix is None else parse_mix(options.mix),
        strict=options.strict,
        fresh=options.fresh,
        registry=options.registry,
        command=shlex.join(["gearshift", *map(shown, sys.argv[1:])]),
    )
    try:
        with plainly():
            answer = simulate_log(order)
    except KeyboardInterrupt:
        if options.out is not None:
            click.echo("broken off; the same command goes on where it was", err=True)
        raise
    answer.show(as_json=options.as_json, out=options.out)
