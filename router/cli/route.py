"""`gearshift route`: prompts in, decisions out; nothing is sent to any model."""

from pathlib import Path

import msgspec
import rich_click as click

from classifier.types import Prompt
from router.cli.classify import Said
from router.cli.model import REGISTRY, plainly, serving
from router.cli.prompts import OUTPUT, SOURCE, Asked, answer_all
from router.config.load import Options, resolve
from router.domain import Candidate, Decision, ModelId, Reason
from router.gateway.intent import facts_of, intents
from router.gateway.intent import resolve as mean
from router.policy.decision import decide
from router.policy.rules import match_rules
from router.policy.table import compile_policy
from router.sandbox.profile import sandbox_config
from router.wire.request import parse_chat


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The decision, without the verdict that stands beside it."""

    tier: str
    model: ModelId
    reason: Reason
    candidates: tuple[Candidate, ...]


class Routed(Said, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the output: what `classify` says, and the decision."""

    decision: Chosen


@click.command()
@click.argument("text", nargs=-1)
@SOURCE
@OUTPUT
@click.option("--config", metavar="F", help="Configuration file (TOML).")
@click.option("--sandbox", is_flag=True, help="Decide by the built-in sandbox's configuration.")
@REGISTRY
def route(
    text: tuple[str, ...],
    source: str | None,
    output: str,
    config: str | None,
    sandbox: bool,
    registry: Path,
) -> None:
    """Say where prompts would be sent: every TEXT, and every line of --input.

    \b
    Example:
      gearshift route --config router.toml "What is the capital of Portugal?"
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    settings = resolve(Options(config=config, sandbox=sandbox), sandbox=sandbox_config)
    known = intents(settings.config)
    longest = settings.config.server.max_messages
    with plainly():
        classifier = serving(registry)
        table = compile_policy(settings.config, classifier.cutoffs)

        def answer(asked: Asked, prompt: Prompt) -> Routed:
            request = parse_chat(asked.body, max_messages=longest)
            rules = match_rules(table.rules, "", {}, prompt.text)
            facts = facts_of(request, mean(request.model, known), rules)
            verdict = classifier.assess(prompt)
            decided = decide(verdict, facts, table)
            if not isinstance(decided, Decision):
                raise decided.error()
            chosen = Chosen(
                tier=decided.tier,
                model=decided.model,
                reason=decided.reason,
                candidates=decided.candidates,
            )
            return Routed(id=asked.id, decision=chosen, **msgspec.structs.asdict(verdict))

        answer_all(text, source, output, answer)
