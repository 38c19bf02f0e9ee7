"""`gearshift check`: configuration, canaries, and one short question to every model."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import rich_click as click

from classifier.artifact import Manifest, read_manifest
from classifier.registry import folder_of
from classifier.types import TIERS
from router.cache.spend_memory import MemorySpend
from router.config.load import Options, Settings, effective, exposure_error, resolve
from router.config.schema import Config, Cutoffs, Policy
from router.domain import ModelId
from router.errors import ConfigError, UpstreamError
from router.follow import load_first, registry_of
from router.gateway.canaries import unreached_tiers
from router.gateway.spending import Spending
from router.hosts import missing_models
from router.prices.book import build_prices
from router.prices.fitted import FILE
from router.prices.lengths import Lengths
from router.sandbox.profile import sandbox_config, with_base_url
from router.sandbox.serve import start
from router.sandbox.settings import SandboxSettings
from router.upstream.client import HttpUpstream
from router.wire.answer import parse_answer

_LEAST_TOKENS: Final = 16


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    what: str
    wrong: str | None = None
    """Why it is not right; none when it is."""


@click.command()
@click.option("--config", metavar="F", help="Configuration file (TOML).")
@click.option("--sandbox", is_flag=True, help="Check the built-in sandbox.")
@click.option("--offline", is_flag=True, help="Send nothing to any upstream.")
@click.option("--show", is_flag=True, help="Print the effective configuration, without secrets.")
def check(config: str | None, sandbox: bool, offline: bool, show: bool) -> None:
    """Validate the configuration, run the canaries, try every model with one short request.

    The short requests are billed by the providers as any other: a fraction of a cent each.

    \b
    Example:
      gearshift check --config router.toml
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    settings = resolve(Options(config=config, sandbox=sandbox), sandbox=sandbox_config)
    if show:
        click.echo(effective(settings.config))
    findings = [*look_here(settings), *([] if offline else asyncio.run(look_there(settings)))]
    for finding in findings:
        mark = "ok  " if finding.wrong is None else "FAIL"
        click.echo(f"{mark} {finding.what}{f': {finding.wrong}' if finding.wrong else ''}")
    wrong = sum(finding.wrong is not None for finding in findings)
    if wrong:
        raise click.ClickException(f"{wrong} of {len(findings)} checks failed")


def look_here(settings: Settings) -> Iterator[Finding]:
    """What can be told without a network."""
    config = settings.config
    yield Finding(what=f"configuration from {settings.origin}")
    yield Finding(what="exposure", wrong=exposure_error(config, settings.environment))
    yield lengths_in_use(settings)
    registry = registry_of(settings.environment)
    loaded = asyncio.run(load_first(registry, config))
    yield Finding(what=f"classifier {loaded.classifier.version}", wrong=loaded.trouble)
    made = read_manifest(folder_of(registry, loaded.name))
    yield cutoffs_in_use(config.policy, loaded.table.cutoffs["auto"], made)
    yield from callers(config)
    unreached = unreached_tiers(loaded.classifier, loaded.table)
    for tier in TIERS:
        wrong = "no canary prompt is sent there by this policy" if tier in unreached else None
        yield Finding(what=f"tier {tier} can be reached", wrong=wrong)


def lengths_in_use(settings: Settings) -> Finding:
    """What counterfactual costs rest on: a fit, or priors alone."""
    what = "output lengths"
    try:
        lengths = Lengths.load(Path(settings.environment.data_dir) / FILE, settings.config)
    except ConfigError as error:
        return Finding(what=what, wrong=str(error))
    if lengths.fit is None:
        return Finding(what=f"{what}: the priors of the profiles (gearshift costs fit)")
    rows = sum(level.rows for level in lengths.fit.levels.values())
    return Finding(what=f"{what}: fitted on {rows:,} answers, version {lengths.version}")


def callers(config: Config) -> Iterator[Finding]:
    """What is set up for callers: keys, budgets that can be counted, a shadow."""
    for key in config.key:
        yield Finding(what=f"key {key.name}{f', until {key.expires}' if key.expires else ''}")
    if config.limited:
        prices = build_prices(config, datetime.now(UTC))
        unpriced = Spending(config, prices, MemorySpend()).unpriced
        wrong = f"these have no price, and count nothing: {', '.join(unpriced)}"
        yield Finding(what="budgets count every model", wrong=wrong if unpriced else None)
    watched = [key.name for key in config.key if key.shadow]
    if config.shadow.enabled or watched:
        whose = "every key that does not say otherwise" if config.shadow.enabled else watched
        named = whose if isinstance(whose, str) else ", ".join(whose)
        yield Finding(what=f"shadow: decisions are only recorded, for {named}")


def cutoffs_in_use(policy: Policy, auto: Cutoffs, made: Manifest) -> Finding:
    """Which cut-offs `auto` has, where they come from and what they keep."""
    what = f"cut-offs of auto: easy {auto.easy:g}, medium {auto.medium:g}"
    idle = "" if policy.by == "success" else '; not in use, as `policy.by` is "label"'
    if policy.auto is not None:
        return Finding(what=f"{what}, from the configuration{idle}")
    if "auto" not in made.cutoffs:
        return Finding(what=f"{what}, placeholders: gearshift calibrate chooses better ones{idle}")
    kept = made.guarantee
    promise = f" ({kept.target}, delta {kept.delta:g}, {kept.day})" if kept else ""
    other = kept is not None and kept.needs_info_tier != policy.needs_info_tier
    return Finding(
        what=f"{what}, from classifier {made.version}{promise}{idle}",
        wrong="they were chosen for another `policy.needs_info_tier`: gearshift calibrate"
        if other and not idle
        else None,
    )


async def look_there(settings: Settings) -> list[Finding]:
    """What the hosts say: the models that they list, and one answer of each tier's models."""
    sandbox = await start(SandboxSettings(speed=0)) if settings.sandbox else None
    config = (
        settings.config if sandbox is None else with_base_url(settings.config, sandbox.base_url)
    )
    upstream = HttpUpstream(config, settings.environment.upstream_keys)
    try:
        listed = [await _list(config, upstream, name) for name in config.upstream]
        answers = [
            await _ask(config, upstream, model, tier)
            for tier in TIERS
            for model in config.tiers[tier]
        ]
    finally:
        await upstream.close()
        if sandbox is not None:
            await sandbox.stop()
    return [*listed, *answers]


async def _list(config: Config, upstream: HttpUpstream, name: str) -> Finding:
    what = f"upstream {name} lists its models"
    try:
        missing = missing_models(config, name, await upstream.list_models(name))
    except UpstreamError as error:
        return Finding(what=what, wrong=str(error))
    return Finding(what=what, wrong="; ".join(missing) or None)


async def _ask(config: Config, upstream: HttpUpstream, model: ModelId, tier: str) -> Finding:
    """One short question, with as small a cap as the model can live with."""
    profile = config.model[model]
    body = {
        "model": profile.name,
        "messages": [{"role": "user", "content": "Say OK."}],
        "max_tokens": max(_LEAST_TOKENS, profile.min_output_tokens),
        **profile.defaults,
    }
    what = f"tier {tier}: {model} answers"
    try:
        reply = await upstream.open(model, msgspec.json.encode(body), streamed=False)
        try:
            answer = parse_answer(await reply.read())
        finally:
            await reply.close()
    except UpstreamError as error:
        return Finding(what=what, wrong=str(error))
    # With so small a cap a model that thinks may say nothing, but it says why it ended.
    sound = answer is not None and (answer.output_bytes or answer.finish)
    return Finding(what=what, wrong=None if sound else "its answer is no chat completion")
