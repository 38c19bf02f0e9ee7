"""The presets that ship: each can be served from as it stands, and says where its numbers are."""

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from classifier.types import TIERS, Tier
from router.config.load import DEFAULT_PRESET, load
from router.config.presets import preset_names, preset_path
from router.config.schema import Config
from router.domain import Decision, Facts, ModelId, Usage
from router.errors import ConfigError
from router.policy.decision import decide
from router.policy.table import compile_policy
from router.prices.book import build_prices
from router.prices.listed import quote_listed
from router.prices.rates import quote_price

ROOT = Path(__file__).parents[2]
KEYS = {
    "k2": {"NOVITA_API_KEY"},
    "kimi": {"MOONSHOT_API_KEY"},
    "ollama": {""},
    "openrouter": {"OPENROUTER_API_KEY"},
    "vllm": {""},
}
PRICED = ("k2", "kimi", "ollama", "openrouter")
READ = datetime(2026, 11, 23, tzinfo=UTC)

every_preset = pytest.mark.parametrize("name", KEYS)


def preset(name: str) -> Config:
    return load(preset_path(name))


def test_these_are_the_presets_and_the_default_is_one_of_them() -> None:
    assert preset_names() == tuple(KEYS)
    assert DEFAULT_PRESET in KEYS


def test_a_preset_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(ConfigError, match="k2, kimi, ollama, openrouter, vllm"):
        preset_path("gpt")


def test_presets_travel_in_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["deploy/presets"] == "router/presets"


@every_preset
def test_it_loads_strictly_and_asks_for_one_key_at_most(name: str) -> None:
    assert {upstream.key_env for upstream in preset(name).upstream.values()} == KEYS[name]


@every_preset
def test_every_upstream_and_every_model_in_it_is_used(name: str) -> None:
    config = preset(name)
    assert {model.upstream for model in config.model.values()} == set(config.upstream)
    assert {model for tier in TIERS for model in config.tiers[tier]} == set(config.model)


@every_preset
@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_answers_an_everyday_request_with_tools(name: str, tier: Tier) -> None:
    facts = Facts(input_tokens=6_000, capabilities=("tools",), forced=tier)
    decision = decide(None, facts, compile_policy(preset(name)))
    assert isinstance(decision, Decision)
    assert decision.model == preset(name).tiers[tier][0]


@every_preset
def test_every_price_has_its_page_and_a_day_that_has_been(name: str) -> None:
    for model in preset(name).model.values():
        if model.price is not None:
            assert model.price.source
            assert date(2026, 1, 1) <= date.fromisoformat(model.price.date) <= date.today()  # noqa: DTZ011 # a day of a file


@pytest.mark.parametrize("name", PRICED)
def test_every_model_of_a_priced_preset_has_a_price(name: str) -> None:
    assert all(model.price is not None for model in preset(name).model.values())


@pytest.mark.parametrize("name", ["k2", "kimi", "openrouter"])
def test_prices_are_those_of_the_list_they_were_compared_with(name: str) -> None:
    config = preset(name)
    for model in config.model.values():
        assert model.price is not None
        listed = quote_listed(config.upstream[model.upstream].base_url, model.name, READ)
        assert listed.rates == quote_price(model.price).rates, model.name


def test_what_self_hosted_tokens_cost_is_unknown_until_the_operator_says() -> None:
    config = preset("vllm")
    book = build_prices(config, READ)
    assert all(book.cost(model, Usage(input=1)) is None for model in config.model)


def test_local_tokens_are_free() -> None:
    config = preset("ollama")
    book = build_prices(config, READ)
    usage = Usage(input=1_000, output=1_000)
    assert [book.cost(model, usage) for model in config.model] == [0, 0, 0]


@every_preset
def test_lengths_are_stated_for_every_model_against_one_reference(name: str) -> None:
    config = preset(name)
    ratios = {model: profile.output_ratio for model, profile in config.model.items()}
    assert all(ratio is not None and ratio.source for ratio in ratios.values())
    assert 1.0 in {ratio.value for ratio in ratios.values() if ratio is not None}


@every_preset
def test_a_thinking_model_has_room_to_think(name: str) -> None:
    for model in preset(name).model.values():
        assert (model.min_output_tokens > 0) == model.reasoning


@pytest.mark.parametrize("name", ["k2", "openrouter"])
def test_k2_is_sent_what_it_was_calibrated_at(name: str) -> None:
    thinking = preset(name).model[ModelId("kimi-k2-thinking")]
    assert (thinking.temperature, thinking.temperature_max) == (1.0, 1.0)
    assert (thinking.max_tokens, thinking.min_output_tokens) == (16_000, 2_000)
    (instruct,) = (preset(name).model[model] for model in preset(name).tiers["medium"])
    assert (instruct.temperature, instruct.reasoning) == (0.6, False)


def test_kimi_of_its_maker_has_fixed_sampling_and_its_switches() -> None:
    models = preset("kimi").model
    assert all(model.fixed_sampling for model in models.values())
    assert models[ModelId("kimi-k2.6-direct")].defaults == {"thinking": {"type": "disabled"}}
    assert models[ModelId("kimi-k2.6")].tool_choice == ("auto", "none")
    assert models[ModelId("kimi-k3")].defaults == {"reasoning_effort": "high"}
