"""What `model` may say."""

import msgspec
import pytest

from router.errors import ModelNotFound
from router.gateway.intent import Intent, intents, names, resolve
from router.sandbox.profile import sandbox_config

CONFIG = msgspec.structs.replace(
    sandbox_config(),
    aliases={"gpt-4o": "auto", "cheap": "auto:cheap", "smart": "hard", "small": "small-chat"},
)
KNOWN = intents(CONFIG)


@pytest.mark.parametrize(
    ("model", "intent"),
    [
        ("auto", Intent()),
        ("auto:cheap", Intent(dial="cheap")),
        ("auto:best", Intent(dial="best")),
        ("gearshift/medium", Intent(forced="medium")),
        ("kimi-k2-thinking", Intent(passthrough=CONFIG.tiers["hard"][0])),
        ("gpt-4o", Intent()),
        ("cheap", Intent(dial="cheap")),
        ("smart", Intent(forced="hard")),
        ("small", Intent(passthrough=CONFIG.tiers["easy"][0])),
    ],
)
def test_names_mean_a_dial_a_tier_or_a_model(model: str, intent: Intent) -> None:
    assert resolve(model, KNOWN) == intent


def test_only_what_is_left_to_the_router_is_scored() -> None:
    scored = {name for name in names(CONFIG) if resolve(name, KNOWN).scored}
    assert scored == {"auto", "auto:cheap", "auto:best", "gpt-4o", "cheap"}


@pytest.mark.parametrize("model", ["gpt-5", "", "hard", "AUTO", "x" * 10_000])
def test_an_unknown_name_is_told_what_would_be_understood(model: str) -> None:
    with pytest.raises(ModelNotFound, match="gearshift/easy") as caught:
        resolve(model, KNOWN)
    assert len(str(caught.value)) < 500


def test_a_misspelt_name_is_recognised() -> None:
    with pytest.raises(ModelNotFound, match=r"Did you mean `kimi-k2-thinking`\?"):
        resolve("kimi-k2-thinkin", KNOWN)


def test_every_listed_name_is_understood() -> None:
    assert all(resolve(name, KNOWN) for name in names(CONFIG))
