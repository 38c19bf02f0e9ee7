"""Macro-F1 on whole sources that training never saw, beside rules that read nothing.

The sources of the data are dealt into folds of about equal size; for each fold a model is trained
from scratch on all other sources, by the shipped training path, and judged on the fold. Rows under
a restricted licence class are judged and never trained. One fold takes about a minute.

    python -m benchmarks.bench_sources --data train.jsonl.gz [--data samples] [--folds 5]
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from classifier.artifact import load
from classifier.corpus import Example, groups, read, readable, samples
from classifier.fit import Settings
from classifier.metrics import Interval, Labels, bootstraps, macro_f1, positions
from classifier.registry import builtin
from classifier.train import train
from classifier.types import Version

RULES: Final = ("this model", "global majority", "length alone")


def deal(examples: Sequence[Example], folds: int) -> list[frozenset[str]]:
    """The sources in `folds` groups, the largest first, each to the group with the fewest rows."""
    dealt: list[set[str]] = [set() for _ in range(folds)]
    sizes = [0] * folds
    for source, rows in Counter(example.source for example in examples).most_common():
        least = sizes.index(min(sizes))
        dealt[least].add(source)
        sizes[least] += rows
    return [frozenset(sources) for sources in dealt]


def answers(examples: Sequence[Example], out: frozenset[str]) -> tuple[list[Example], list[Labels]]:
    """The judged rows of the sources `out`, and what each of RULES says of them."""
    rest = [example for example in examples if example.source not in out]
    embedder = load(builtin()).embedder  # a table that was made without any labels
    made = train(rest, embedder, settings=Settings(), version=Version("20261125-00000000"))
    judged = [example for example in examples if example.source in out and example.trusted]
    rows, asked = readable([example for example in judged if example.label])
    facts = made.facts
    said = [
        [verdict.label for verdict in made.classifier.assess_many(asked)],
        [facts.majority for _ in rows],
        [facts.length_rule.label(len(row.prompt)) for row in rows],
    ]
    return rows, [positions(labels) for labels in said]


def compare(rows: Sequence[Example], said: Sequence[Labels]) -> tuple[Interval, ...]:
    """Macro-F1 of each rule, then the model's less each other's (paired bootstrap)."""
    truth = positions([row.label for row in rows])

    def measure(chosen: Labels) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        scores = [macro_f1(truth[chosen], one[chosen]) for one in said]
        return np.array([*scores, *(scores[0] - other for other in scores[1:])])

    return bootstraps(measure, groups(rows))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", action="append", required=True, metavar="F")
    parser.add_argument("--folds", type=int, default=5)
    options = parser.parse_args()
    paths = [
        path for name in options.data for path in (samples() if name == "samples" else [Path(name)])
    ]
    examples = read(paths)
    rows: list[Example] = []
    said: list[list[Labels]] = []
    for out in deal(examples, options.folds):
        print(f"without {', '.join(sorted(out))}", file=sys.stderr)
        held, told = answers(examples, out)
        rows += held
        said.append(told)
    joined = [np.concatenate(parts) for parts in zip(*said, strict=True)]
    ours = np.array([row.provenance == "authored" for row in rows])
    for name, chosen in (("public rows", ~ours), ("our own rows", ours)):
        if chosen.any():
            kept = [row for row, keep in zip(rows, chosen.tolist(), strict=True) if keep]
            found = compare(kept, [one[chosen] for one in joined])
            print(f"{name}: {len(kept):,} with a trusted label")
            for rule, score in zip(RULES, found, strict=False):
                print(f"  {rule:16} {score:.3f}")
            for rule, margin in zip(RULES[1:], found[len(RULES) :], strict=True):
                print(f"  beyond {rule:16} {margin:+.3f}")


if __name__ == "__main__":
    main()
