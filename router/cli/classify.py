"""`gearshift classify`: prompts in, verdicts out, one JSON object each."""

from pathlib import Path

import msgspec
import rich_click as click

from classifier.model import Explanation
from classifier.types import Label, Probabilities, Prompt, Success, Version
from router.cli.model import REGISTRY, plainly, serving
from router.cli.prompts import OUTPUT, SOURCE, Asked, Id, answer_all


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the output: the id, and the verdict's own fields."""

    id: Id
    label: Label
    probabilities: Probabilities
    success: Success
    difficulty: float
    confidence: float
    truncated: bool
    model_version: Version
    explanation: Explanation | None = None


@click.command()
@click.argument("text", nargs=-1)
@SOURCE
@OUTPUT
@click.option("--explain", is_flag=True, help="Say what each answer rests on.")
@REGISTRY
def classify(
    text: tuple[str, ...], source: str | None, output: str, explain: bool, registry: Path
) -> None:
    """Say how hard prompts are: every TEXT, and every line of --input.

    \b
    Example:
      gearshift classify "What is the capital of Portugal?"
      gearshift classify --input prompts.jsonl --output verdicts.jsonl
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    with plainly():
        classifier = serving(registry)

        def answer(asked: Asked, prompt: Prompt) -> Said:
            return Said(
                id=asked.id,
                explanation=classifier.explain(prompt) if explain else None,
                **msgspec.structs.asdict(classifier.assess(prompt)),
            )

        answer_all(text, source, output, answer)
