"""The dated result: what was measured, on what, with which command; as JSON and as Markdown."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from benchmarks.overhead import proc, tables
from benchmarks.overhead.measure import Sample, Start
from benchmarks.overhead.scenarios import Plan
from benchmarks.overhead.summary import Goal, Row, StartRow

_NOTES = """\
Medians over rounds, with the lowest and the highest round. Ratios and differences are taken within
a round. CPU is user and system time of the proxy's whole process tree until it is at rest again,
so that logging, accounting and ledger are in it. Added latency is at 1 connection, answers in one
piece; paced streams are 20 at a time, 50 chunks 20 ms apart; all else is at 10 connections. Redis's
own CPU is not in the Redis row. LiteLLM runs without keys, database and access log."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where and with what it was measured."""

    processor: str
    cores: int
    system: str
    python: str
    gearshift: str
    litellm: str | None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    date: str
    command: str
    took_s: float
    others_busy: float
    """Share of the machine's cores that other work took meanwhile; it slows everything here."""
    machine: Machine
    plan: Plan
    goals: list[Goal]
    rows: list[Row]
    start_rows: list[StartRow]
    samples: list[Sample]
    starts: list[Start]


def _gearshift_version(repository: Path) -> str:
    """The installed version, and the commit where there is one."""
    try:
        number = version("gearshift")
    except PackageNotFoundError:
        number = "from source"
    command = ["git", "-C", str(repository), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return f"{number} ({commit})" if commit else number


def describe_machine(repository: Path, litellm: str | None) -> Machine:
    """The machine as it is now."""
    return Machine(
        processor=proc.processor(),
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        gearshift=_gearshift_version(repository),
        litellm=litellm,
    )


def markdown(result: Result) -> str:
    """The page for readers."""
    machine, plan = result.machine, result.plan
    fast, slow = plan.fast, plan.slow
    facts = f"""\
- {machine.processor}, {machine.cores} cores, {machine.system}, Python {machine.python};
  other work took {result.others_busy:.0%} of the machine meanwhile
- gearshift {machine.gearshift}, LiteLLM {machine.litellm or "not run"}, one worker each
- {plan.rounds} rounds of {fast.json} answers in one piece, {fast.stream} streams, {fast.paced}
  paced streams, {fast.single} answers at one connection (LiteLLM: {slow.json}, {slow.stream},
  {slow.paced}, {slow.single}); {plan.starts} starts; {result.took_s / 60:.0f} minutes
- `{result.command}`"""
    parts = (
        f"# Overhead, {result.date}",
        facts,
        tables.goal_table(result.goals),
        tables.scenario_table(result.rows),
        tables.start_table(result.start_rows),
        _NOTES,
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def write(result: Result, folder: Path) -> list[Path]:
    """Write `DATE-overhead.json` and `.md` into `folder`; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {"json": msgspec.json.format(msgspec.json.encode(result)).decode() + "\n"}
    pages["md"] = markdown(result)
    paths = []
    for ending, text in pages.items():
        path = folder / f"{result.date}-overhead.{ending}"
        path.write_text(text)
        paths.append(path)
    return paths
