"""The built-in configuration: sound, priced, and true to what the sandbox plays."""

import msgspec
import pytest

from classifier.types import TIERS
from router.config.checks import faults
from router.config.schema import Config
from router.domain import ModelId
from router.sandbox.answers import compose
from router.sandbox.personas import persona_of
from router.sandbox.profile import sandbox_config, with_base_url
from router.sandbox.requests import ChatRequest, Message
from router.sandbox.settings import SandboxSettings, Scenario

URL = "http://127.0.0.1:9999/v1"


def test_it_is_sound_once_it_has_an_address() -> None:
    config = with_base_url(sandbox_config(), URL)
    assert list(faults(config)) == []
    assert [upstream.base_url for upstream in config.upstream.values()] == [URL]
    assert msgspec.convert(msgspec.to_builtins(config), Config) == config


def test_without_an_address_it_cannot_be_used_by_accident() -> None:
    assert any("base_url" in fault for fault in faults(sandbox_config()))


def test_it_says_that_it_is_simulated_wherever_money_comes_from() -> None:
    config = sandbox_config()
    assert config.simulated
    for model in config.model.values():
        assert model.price is not None
        assert model.price.source.startswith("simulated: ")
        assert model.output_ratio is not None
        assert model.output_ratio.source.startswith("simulated: ")


def test_its_models_are_those_that_the_sandbox_lists_and_plays() -> None:
    config = sandbox_config()
    names = {config.model[config.models_of(tier)[0]].name for tier in TIERS}
    assert names == set(SandboxSettings().models)
    for model in config.model.values():
        assert model.context == persona_of(model.name).context
        assert model.reasoning == persona_of(model.name).thinking


def mean_output(model: str) -> float:
    """Mean tokens of output over the same prompts for every model."""
    prompts = [f"Question number {number}" for number in range(400)]
    requests = [
        ChatRequest(model=model, messages=[Message(role="user", content=prompt)])
        for prompt in prompts
    ]
    answers = [compose(request, persona_of(model), Scenario()) for request in requests]
    return sum(answer.tokens for answer in answers) / len(answers)


@pytest.mark.parametrize("name", ["small-chat", "kimi-k2-thinking"])
def test_its_output_ratios_are_those_of_the_answers(name: str) -> None:
    ratio = sandbox_config().model[ModelId(name)].output_ratio
    assert ratio is not None
    measured = mean_output(name) / mean_output("kimi-k2-instruct")
    assert measured == pytest.approx(ratio.value, rel=0.15)
    assert ratio.low < measured < ratio.high
