"""What the figures rest on: what moves them, how sure they are, what is missing."""

from typing import Final

from classifier.pages.tables import Section, Table
from router.report.said import UNKNOWN, money, percent
from router.report.simulation.answer import Outcome, Part, Simulation
from router.report.simulation.reading import Reading

SHOWN: Final = 20
"""Bad lines on a page."""

_ESTIMATED: Final = (
    "No model was called. Input is counted or estimated, output follows from how much each model "
    "writes, quality and time are expectations. Sums go over requests that have a price, "
    "comparisons over those that have one both ways."
)


def sensitivity(outcome: Outcome) -> Section:
    """One thing changed at a time."""
    return Section(
        title="What would move the result",
        words=(
            "One thing is changed at a time, over the requests that are compared with the "
            "baseline; decisions stay as they are."
        ),
        tables=(
            Table(
                caption=f"If … were otherwise ({outcome.name})",
                head=("change", "cost, $", "baseline, $", "saving, $", "saving, %"),
                rows=tuple(
                    (
                        change.name,
                        money(change.cost_usd),
                        money(change.baseline_cost_usd),
                        money(change.saving_usd),
                        percent(change.saving_pct),
                    )
                    for change in outcome.sensitivity
                ),
            ),
        ),
    )


def doubts(simulation: Simulation) -> Section:
    """What an interval is made of."""
    rows = [
        (f"{what} of {one.name}", *_part(part))
        for one in simulation.policies
        for what, part in (("cost", one.cost_doubt), ("saving", one.saving_doubt))
        if part
    ]
    return Section(
        title="How sure this is",
        words=(
            "Three things are unsure. Other conversations of the same kind would cost something "
            f"else: {simulation.question.rounds:,} bootstrap replicates draw conversations anew. "
            "How much each model writes at all is known within a range only, wrong for all "
            "requests alike. And what it would have written to each request scatters, which evens "
            "out. The last column is what to hold against a ledger of these very requests."
        ),
        tables=(
            Table(
                caption="Half the width of the 95 % interval that each would give alone, $",
                head=("figure", "other conversations", "how much models write", "single answers",
                      "these very requests"),
                rows=tuple(rows),
            ),
        ),
    )  # fmt: skip


def gaps(simulation: Simulation, reading: Reading) -> Section:
    """What is estimated, and what could not be priced or read."""
    unpriced = [
        (f"{one.name}: {reason}", f"{count:,}")
        for one in simulation.policies
        for reason, count in one.unpriced.items()
    ]
    bad = [(f"{row.file}, line {row.line:,}", row.reason) for row in reading.bad[:SHOWN]]
    more = f", the first {len(bad)}" if reading.bad_rows > len(bad) else ""
    return Section(
        title="What is estimated, and what is left out",
        words=" ".join(
            (
                _ESTIMATED,
                *reading.notes,
            )
        ),
        tables=(
            Table(
                caption="Requests without a price",
                head=("why", "requests"),
                rows=tuple(unpriced),
            ),
            Table(
                caption=f"{reading.bad_rows:,} of {reading.rows + reading.bad_rows:,} lines could "
                f"not be read{more}",
                head=("where", "why"),
                rows=tuple(bad),
            ),
        ),
    )


def again(simulation: Simulation, reading: Reading) -> Section:
    """How to get the same figures."""
    said = {
        "command": reading.command,
        "logs": ", ".join(reading.sources),
        "format": reading.form,
        "classifier": reading.classifier,
        "prices": reading.prices,
        "output lengths": reading.lengths,
        "bootstrap": (
            f"{simulation.question.rounds:,} replicates, seed {simulation.question.seed}"
        ),
    }
    return Section(
        title="To do it again",
        words="The same log, versions and seed give the same figures on any machine.",
        tables=(
            Table(
                caption="How this came about",
                head=("what", "value"),
                rows=tuple((name, value) for name, value in said.items() if value),
            ),
        ),
    )


def _part(part: Part) -> tuple[str, ...]:
    return (
        UNKNOWN if part.resampling_usd is None else f"± {money(part.resampling_usd)}",
        f"± {money(part.shared_usd)}",
        f"± {money(part.own_usd)}",
        f"± {money(part.these_requests_usd)}",
    )
