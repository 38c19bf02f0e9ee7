"""`gearshift explain`: why one request went where it went, and what came of it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import rich_click as click
from rich.console import Console, RenderableType
from rich.text import Text

from classifier.types import LABELS, Verdict
from router.cli.ledger import begun_ledger
from router.cli.table import table
from router.domain import DecisionId
from router.errors import LedgerError
from router.ledger.store import Store
from router.report.explain import Choice, Explanation, Try, document
from router.report.explain import explain as explain_entry

_CHOICE: Final = ("tier", "model", "cost", "95 %", "")
_TRY: Final = ("attempt", "status", "ms", "in", "cached", "out", "cost", "")


@click.command()
@click.argument("id")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def explain(id: str, *, as_json: bool) -> None:  # noqa: A002  (what the argument is called)
    """Say why the request with decision ID went where it went, and what each tier costs.

    ID is the header x-gearshift-decision of the answer, and the id in the log.

    \b
    Example:
      gearshift explain 00064a1f9c3b5d7e8f00112233445566
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    wanted = id.strip()
    home = begun_ledger()
    store = Store(home)
    try:
        found = store.find([DecisionId(wanted)])
    finally:
        store.close()
    if not found:
        message = f"no decision {wanted[:64]!r} is in the ledger {home.name}"
        raise LedgerError(message)
    told = explain_entry(found[0])
    if as_json:
        click.echo(document(told), nl=False)
    else:
        Console().print(*_lines(told), sep="\n")


def _lines(told: Explanation) -> Iterator[RenderableType]:
    yield Text(f"{told.id} at {told.at}", style="bold")
    if told.simulated:
        yield Text("SIMULATED: the sandbox answered; none of this is real money", style="yellow")
    yield Text(_shown(told.summary))
    if told.prompt is not None:
        yield Text(f"prompt: {_shown(told.prompt)}")
    if told.verdict is not None:
        yield Text(_said(told.verdict))
    yield Text(f"seen: {_shown('; '.join(told.facts))}")
    yield table(_CHOICE, [_choice(choice) for choice in told.choices])
    if told.attempts:
        yield table(_TRY, [_try(attempt) for attempt in told.attempts])
    stages = ", ".join(f"{name} {value:,.1f}" for name, value in told.timings_ms.items())
    yield Text(f"milliseconds: {stages or 'none measured'}")
    estimated = " (estimated, not billed)" if told.estimated else ""
    yield Text(f"cost: {_amount(told.cost_usd)}{estimated}")


def _said(verdict: Verdict) -> str:
    shares = ", ".join(f"{name} {getattr(verdict.probabilities, name):.1%}" for name in LABELS)
    return (
        f"verdict: {verdict.label} with {verdict.confidence:.1%} ({shares}); "
        f"difficulty {verdict.difficulty:.2f}; model {verdict.model_version}"
    )


def _choice(choice: Choice) -> tuple[str, ...]:
    low, high = choice.cost_usd_low, choice.cost_usd_high
    interval = "" if low is None or high is None else f"{_amount(low)} to {_amount(high)}"
    name = f"{choice.tier} *" if choice.taken else choice.tier
    return name, _shown(choice.model), _amount(choice.cost_usd), interval, choice.words


def _try(attempt: Try) -> tuple[str, ...]:
    used = attempt.usage
    return (
        _shown(attempt.model),
        str(attempt.status or "-"),
        f"{attempt.duration_ms:,.0f}",
        f"{used.input:,}",
        f"{used.cached:,}",
        f"{used.output:,}",
        _amount(attempt.cost_usd),
        attempt.words,
    )


def _amount(usd: Decimal | None) -> str:
    return "unknown" if usd is None else f"${usd:,.6f}"


def _shown(text: str) -> str:
    """What callers wrote: nothing that a terminal would obey."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "\ufffd" for sign in text)
