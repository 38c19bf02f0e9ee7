"""What docs/evaluation.md says of constants is so."""

import re

import pytest

from classifier import noise
from classifier.judge import frontier, labels, lacking, reliability, robustness, slices
from classifier.metrics import ROUNDS, SIMULATIONS
from classifier.routellm import SETS
from classifier.types import LABELS
from router.prices.tiers import TYPICAL
from tests.house.tree import ROOT

PAGE = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
WORDS = re.sub(r"\s+", " ", PAGE)


def test_the_table_of_costs_is_the_one_that_counts() -> None:
    rows = dict(re.findall(r"^\| (\w+) \| (\d \| \d \| \d \| \d) \|$", PAGE, re.MULTILINE))
    told = [[float(cost) for cost in rows[label].split(" | ")] for label in LABELS]
    assert told == [list(row) for row in labels.COSTS]


@pytest.mark.parametrize(
    "said",
    [
        f"{ROUNDS:,} bootstrap resamples",
        f"{SIMULATIONS} simulations",
        f"finds {lacking.RECALL:.0%}".replace("%", " %"),
        f"keeps {frontier.KEPT:.0%}".replace("%", " %"),
        f"Up to {robustness.MOST_ROWS:,} prompts",
        f"{noise.TYPO_SHARE:.0%} of the letters".replace("%", " %"),
        f"at least {slices.POOLED_ROWS} rows",
        ",".join(f"{cost:g}" for cost in frontier.COSTS),
        f"{TYPICAL.input:,} tokens in and {TYPICAL.output} out",
    ],
)
def test_numbers_are_those_of_the_code(said: str) -> None:
    assert said in WORDS


def test_every_noise_and_every_set_is_named() -> None:
    assert all(f"| {name} |" in PAGE for name in noise.NOISES)
    assert all(f"`{name}`" in PAGE for name in SETS)
    assert reliability.BINS == 10
    assert "ten equally full bins" in WORDS
