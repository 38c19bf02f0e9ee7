"""What docs/budgets.md and docs/shadow.md show can be copied, and what they say of limits is so."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from router.cache.spend_shared import SLOT_S
from router.config.checks import faults
from router.config.schema import Config
from router.config.shape import shape
from router.gateway.counting import AGAIN, PAUSE_S
from router.gateway.spending import UNCAPPED
from tests.house.test_docs import fenced
from tests.house.tree import ROOT

BUDGETS, SHADOW = Path("docs/budgets.md"), Path("docs/shadow.md")
Table = dict[str, Any]


def base() -> Table:
    """The example of the configuration page, which the others build on."""
    blocks = fenced(Path("docs/configuration.md"), "toml")
    return tomllib.loads("\n".join(reversed(blocks)))


def with_block(block: str) -> Config:
    """That example with the tables of a block in it."""
    whole = base()
    for name, table in tomllib.loads(block).items():
        if name == "tiers" or not isinstance(table, dict):
            whole[name] = table
        else:
            whole[name] = {**whole.get(name, {}), **table}
    return shape(whole)


@pytest.mark.parametrize("page", [BUDGETS, SHADOW], ids=str)
def test_every_table_that_is_shown_is_sound(page: Path) -> None:
    blocks = fenced(page, "toml")
    assert blocks
    for block in blocks:
        assert list(faults(with_block(block))) == []


def test_the_walk_through_is_a_shadow_in_front_of_another_host() -> None:
    (block,) = fenced(SHADOW, "toml")
    config = with_block(block)
    assert config.shadow.enabled
    assert config.upstream[config.shadow.upstream].base_url.startswith("https://api.openai.com")


def test_the_budgets_that_are_shown_are_counted() -> None:
    keyed, both = map(with_block, fenced(BUDGETS, "toml"))
    assert keyed.key[0].budget.monthly.hard_usd == 80
    assert (both.budget.monthly.soft_usd, both.key[0].budget.daily.hard_usd) == (400, 5)


@pytest.mark.parametrize(
    "said",
    [
        f"else {UNCAPPED:,} tokens",
        "free again after half an hour at most",
        "at most a second behind the others",
        "asked again every five seconds",
    ],
)
def test_what_is_said_of_limits_is_so(said: str) -> None:
    words = re.sub(r"\s+", " ", (ROOT / BUDGETS).read_text(encoding="utf-8"))
    assert said in words
    assert (PAUSE_S, PAUSE_S * AGAIN, 2 * SLOT_S) == (1, 5, 1_800)
