"""What gearshift adds to a request, beside no proxy at all and beside LiteLLM's.

Everything runs on 127.0.0.1 in front of one mock upstream: direct, gearshift on cache hits and
misses, LiteLLM's proxy plain and with its rule-based complexity router, one worker each. All
answers are checked. Rounds are interleaved; the tables show medians with their range.

    python -m benchmarks.bench_overhead --quick --skip-litellm
"""

import argparse
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from benchmarks.overhead import litellm, measure, proc, result, summary, targets
from benchmarks.overhead.scenarios import SCENARIOS, Plan, Scenario, Sizes

RESULTS = Path("benchmarks", "results")
FULL = Plan(
    rounds=5,
    starts=3,
    fast=Sizes(json=3_000, stream=600, paced=40, single=500),
    slow=Sizes(json=200, stream=40, paced=40, single=100),
)
QUICK = Plan(
    rounds=2,
    starts=1,
    fast=Sizes(json=500, stream=100, paced=20, single=100),
    slow=Sizes(json=100, stream=20, paced=20, single=50),
)


def _parser() -> argparse.ArgumentParser:
    names = ", ".join(scenario.name for scenario in SCENARIOS)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="a few hundred requests; writes no files")
    add("--rounds", type=int, help=f"default {FULL.rounds}, quick {QUICK.rounds}")
    add("--starts", type=int, help=f"fresh starts; default {FULL.starts}, quick {QUICK.starts}")
    add("--only", default="", help=f"scenarios whose name holds one of these words: {names}")
    add("--skip-litellm", action="store_true", help="gearshift alone; ratios are not measured")
    add(
        "--litellm-venv",
        type=Path,
        default=Path(os.environ.get("LITELLM_VENV", targets.REPOSITORY / ".venv-litellm")),
        help="LiteLLM's environment, made where it is missing (LITELLM_VENV, .venv-litellm)",
    )
    add("--out", type=Path, help="where files go; default benchmarks/results, and none if --quick")
    return parser


def _plan(arguments: argparse.Namespace) -> Plan:
    plan = QUICK if arguments.quick else FULL
    rounds, starts = arguments.rounds, arguments.starts
    return replace(
        plan,
        rounds=plan.rounds if rounds is None else rounds,
        starts=plan.starts if starts is None else starts,
    )


def _chosen(arguments: argparse.Namespace) -> list[Scenario]:
    """Scenarios to run. `direct` is always one: the others are compared with it."""
    words = [word.strip().lower() for word in arguments.only.split(",")]
    return [
        scenario
        for scenario in SCENARIOS
        if scenario.name == "direct"
        or (
            any(word in scenario.name.lower() for word in words)
            and not (arguments.skip_litellm and "litellm" in scenario.target)
        )
    ]


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _proxies(
    names: set[str], upstream_port: int, venv: Path, folder: Path, stack: ExitStack
) -> list[targets.Target]:
    """The targets of `names`, configured; a Redis is started where one of them needs it."""
    found = []
    if "gearshift" in names:
        found.append(targets.gearshift("gearshift", upstream_port, folder))
    if "gearshift redis" in names:
        url = stack.enter_context(targets.redis(folder))
        found.append(targets.gearshift("gearshift redis", upstream_port, folder, redis_url=url))
    rivals = sorted(name for name in names if "litellm" in name)
    return found + [litellm.target(name, upstream_port, folder, venv) for name in rivals]


def _measure(
    plan: Plan, scenarios: Sequence[Scenario], venv: Path
) -> tuple[list[measure.Sample], list[measure.Start]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-overhead-")))
        upstream = stack.enter_context(targets.running(targets.mock(), folder))
        names = {scenario.target for scenario in scenarios}
        proxies = _proxies(names, upstream.port, venv, folder, stack)
        starts = measure.run_starts(plan, proxies, folder, _tell)
        started = {"direct": upstream}
        for target in proxies:
            started[target.name] = stack.enter_context(targets.running(target, folder))
        return measure.run_rounds(plan, scenarios, started, _tell), starts


def _others_s() -> float:
    """CPU of everything on the machine but this benchmark, once its processes have ended."""
    return proc.machine_busy_s() - proc.own_busy_s()


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print, and write the dated files."""
    given = sys.argv[1:] if argv is None else argv
    arguments = _parser().parse_args(given)
    plan, scenarios = _plan(arguments), _chosen(arguments)
    rival = None
    if any("litellm" in scenario.target for scenario in scenarios):
        rival = litellm.prepare(arguments.litellm_venv, _tell)
    machine = result.describe_machine(targets.REPOSITORY, rival)
    begun, busy_s = time.monotonic(), _others_s()
    samples, starts = _measure(plan, scenarios, arguments.litellm_venv)
    took_s, busy_s = time.monotonic() - begun, _others_s() - busy_s
    found = result.Result(
        date=datetime.now(UTC).date().isoformat(),
        command=shlex.join(["python", "-m", "benchmarks.bench_overhead", *given]),
        took_s=took_s,
        others_busy=busy_s / took_s / machine.cores,
        machine=machine,
        plan=plan,
        goals=summary.goals(samples, starts),
        rows=summary.rows(samples),
        start_rows=summary.start_rows(starts),
        samples=samples,
        starts=starts,
    )
    print(result.markdown(found))
    folder = arguments.out or (None if arguments.quick else targets.REPOSITORY / RESULTS)
    for path in result.write(found, folder) if folder else ():
        _tell(f"wrote {path}")


if __name__ == "__main__":
    main()
