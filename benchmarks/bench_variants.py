"""Which classifier to serve: quality against CPU of a prompt, variant by variant, by one command.

Every variant learns from the same rows, is calibrated on the same rows and judged on the same rows:
whole sources left out of `--data` (three folds of sources, with the examples that ship among
them), by which variants are chosen; and `--val`, which only reports. What is made is kept in
`--cache`, so rows can be made one at a time and a second run is quick; what was interrupted goes
on. Everything runs in one thread. Encoders need the train extra, onnx, onnxruntime and
scikit-learn beside it; all of them together take about three hours of CPU.

    python -m benchmarks.bench_variants --data train.jsonl.gz --val val.jsonl.gz --cache DIR
"""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.overhead.result import describe_machine
from benchmarks.variants import store
from benchmarks.variants.catalogue import BASE, BY_NAME, VARIANTS
from benchmarks.variants.entries import Entry, entry
from benchmarks.variants.ground import read_ground
from benchmarks.variants.table import Result, markdown
from benchmarks.variants.workshop import Workshop
from classifier.artifact import load
from classifier.corpus import CorpusError, samples
from classifier.registry import builtin

THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
REPOSITORY: Final = Path(__file__).parents[1]


def main() -> None:
    """Make the rows that are asked for, and print the table of all that the cache has."""
    options = _options()
    if any(os.environ.get(name) != "1" for name in THREADS):  # read when numpy is first imported
        os.environ.update(dict.fromkeys(THREADS, "1"))
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.bench_variants", *sys.argv[1:]])
    try:
        store.claim(options.cache, [*options.data, *options.val, *samples()])
        ground = read_ground(options.data, options.val)
    except (CorpusError, store.StoreError) as error:
        sys.exit(str(error))
    workshop = Workshop(ground, options.cache, _note, load(builtin()))
    for name in options.only or [variant.name for variant in VARIANTS]:
        path = options.cache / "rows" / f"{name}.json"
        if path.exists() and not options.again:
            continue
        _note(name)
        store.keep_value(path, entry(workshop, name, _command(options, name), options.beside))
    rows = _rows(options.cache)
    print(markdown(rows))
    if options.out:
        _write(options.out, rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", action="append", type=Path, required=True, metavar="F")
    parser.add_argument("--val", action="append", type=Path, required=True, metavar="F")
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR")
    parser.add_argument("--only", action="append", choices=[*BY_NAME], help="one variant")
    parser.add_argument(
        "--beside", choices=[*BY_NAME], default=BASE, help=f"compare with it instead of {BASE}"
    )
    parser.add_argument("--again", action="store_true", help="judge anew what has a row already")
    parser.add_argument("--out", type=Path, metavar="NAME", help="writes NAME.json and NAME.md")
    return parser.parse_args()


def _rows(cache: Path) -> tuple[Entry, ...]:
    """The rows that the cache has, in the order of the table."""
    found = (store.kept_value(cache / "rows" / f"{one.name}.json", Entry) for one in VARIANTS)
    return tuple(row for row in found if row is not None)


def _write(out: Path, rows: Sequence[Entry]) -> None:
    result = Result(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=describe_machine(REPOSITORY, None),
        rows=tuple(rows),
    )
    store.keep_value(out.with_name(f"{out.name}.json"), result)
    out.with_name(f"{out.name}.md").write_text(markdown(rows))


def _command(options: argparse.Namespace, name: str) -> str:
    """The command that makes one row, without the folders of this machine."""
    parts = ["python", "-m", "benchmarks.bench_variants"]
    for option, paths in (("--data", options.data), ("--val", options.val)):
        parts += [word for path in paths for word in (option, path.name)]
    return shlex.join([*parts, "--cache", "FOLDER", "--only", name])


def _note(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
