"""Logs as people have them, and what a simulation makes of them, without a process of its own."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from classifier.registry import builtin
from router.columns import Columns
from router.config.schema import Config
from router.policy.switching import with_switching
from router.policy.table import compile_policy
from router.prices.book import build_prices
from router.prices.lengths import Lengths
from router.replay.formats.choose import recognise
from router.replay.logged import Answered, Bad, Format, Logged
from router.replay.mix import DEFAULT
from router.replay.part import Part
from router.replay.replay import Replay
from router.replay.routing import Terms
from router.replay.sources import find, units
from router.replay.survey import Surveyor, Task
from router.replay.terms import lives

CONFIG = """
tiers = { easy = ["flash"], medium = ["instruct"], hard = ["thinking"] }

[upstream.host]
base_url = "http://127.0.0.1:8000/v1"

[model.flash]
upstream = "host"
name = "vendor/flash"
context = 30_000
modalities = ["image"]
price = { input = 0.1, output = 0.4, source = "s", date = "2026-11-01" }
output_ratio = { value = 0.5, low = 0.4, high = 0.6, source = "s" }

[model.instruct]
upstream = "host"
name = "vendor/instruct"
context = 120_000
price = { input = 0.57, output = 2.3, cached = 0.1, source = "s", date = "2026-11-01" }
output_ratio = { value = 1, low = 1, high = 1, source = "s" }

[model.thinking]
upstream = "host"
name = "vendor/thinking"
context = 200_000
max_tokens = 16_000
min_output_tokens = 2_000
price = { input = 0.6, output = 2.5, cached = 0.15, source = "s", date = "2026-11-01" }
output_ratio = { value = 4, low = 2, high = 8, source = "s" }
"""
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
EASY = "What is the capital of Portugal?"
HARD = (
    "Let p be an odd prime. Prove that the number of solutions of x^2 + y^2 + z^2 = 1 over the "
    "field with p elements is p^2 + p * (-1/p), and find the count for p = 2027."
)


def terms(config: str = CONFIG, name: str = "mine") -> Terms:
    tree = msgspec.toml.decode(config, type=Config)
    prices, lengths = build_prices(tree, NOON), Lengths.priors(tree)
    table = with_switching(compile_policy(tree), prices, lengths)
    return Terms(
        name=name,
        config=tree,
        table=table,
        prices=prices,
        lengths=lengths,
        life_s=lives(tree, prices),
    )


def exchange(text: str, *, model: str = "vendor/instruct", **said: object) -> dict[str, object]:
    """A question and its answer, as our own log format has them."""
    usage = {"prompt_tokens": 1_000, "completion_tokens": 200}
    return {
        "timestamp": "2026-11-20T12:00:00Z",
        "request": {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]},
        "response": {
            "model": model,
            "choices": [{"finish_reason": "stop", "message": {"content": "answer"}}],
            "usage": usage,
        },
    } | said


def written(path: Path, lines: Iterable[object]) -> Path:
    """`lines` as JSON, one a line; bytes as they are."""
    encoded = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    path.write_bytes(b"".join(line + b"\n" for line in encoded))
    return path


def surveyed(path: Path, *, named: Format | None = None, policies: Sequence[Terms] = ()) -> Part:
    """A small log as one part; the verdicts that were made are not kept."""
    (source,) = find([str(path)])
    form, whole = recognise(source, named)
    (unit,) = units(source, form, whole=whole)
    task = Task(
        artifact=str(builtin()),
        verdicts=str(path.with_suffix(".verdicts")),
        rules=tuple(each.config.policy.rule for each in policies or (terms(),)),
        mix=DEFAULT,
    )
    return Surveyor(task).survey(0, unit)


def replayed(path: Path, *policies: Terms) -> Columns:
    """What the policies do with a small log."""
    tried = policies or (terms(),)
    return Replay(tried).fold(surveyed(path, policies=tried))


def logged(found: Iterable[Logged | Answered | Bad]) -> Logged:
    """The one request that was read."""
    (one,) = found
    assert isinstance(one, Logged), one
    return one


def bad(found: Iterable[Logged | Answered | Bad]) -> str:
    """Why the one request could not be read."""
    (one,) = found
    assert isinstance(one, Bad), one
    return one.reason
