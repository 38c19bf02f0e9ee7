"""Rows as Markdown."""

from collections.abc import Iterable, Sequence

from benchmarks.overhead.summary import Figure, Goal, Row, StartRow

_COLUMNS = (
    "",
    "CPU s per 1,000 answers",
    "CPU s per 1,000 streams",
    "CPU s per 1,000 paced streams",
    "requests/s",
    "added latency, ms",
    "added first byte, ms",
)
_VERDICTS = {True: "yes", False: "**no**", None: "not measured"}


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *lines))


def _cell(value: Figure | None, digits: int = 2) -> str:
    return value.text(digits) if value else "-"


def scenario_table(rows: Iterable[Row]) -> str:
    """What each scenario costs."""
    lines = (
        (
            row.scenario,
            _cell(row.cpu_json),
            _cell(row.cpu_stream),
            _cell(row.cpu_paced),
            _cell(row.requests_per_s, 0),
            _cell(row.added_latency_ms),
            _cell(row.added_first_byte_ms),
        )
        for row in rows
    )
    return _table(_COLUMNS, lines)


def start_table(rows: Iterable[StartRow]) -> str:
    """Starts and memory."""
    lines = ((row.target, row.first_answer_s.text(), row.rss_mb.text(0)) for row in rows)
    return _table(("", "start to first answer, s", "RSS after 1,000 requests, MB"), lines)


def goal_table(goals: Iterable[Goal]) -> str:
    """Figures to reach, and whether they are."""
    lines = (
        (
            goal.what,
            f"{goal.sense} {goal.limit:g} {goal.unit}",
            _cell(goal.measured, 1 if goal.unit in {"times", "MB"} else 2),
            _VERDICTS[goal.reached],
        )
        for goal in goals
    )
    return _table(("figure", "to reach", "measured", "reached"), lines)
