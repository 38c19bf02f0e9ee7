"""The configuration that the router runs with when the sandbox is its upstream."""

from typing import Final

import msgspec

from router.config.schema import Config, Model, OutputRatio, Price, Upstream
from router.domain import ModelId
from router.sandbox.personas import INSTRUCT, SMALL, THINKING, Persona

UPSTREAM: Final = "sandbox"
_PLACEHOLDER_URL: Final = "http://127.0.0.1:0/v1"
_PRICES_READ: Final = "2026-11-23"
_DEPARTURE: Final = 1.1
"""Factor by which the mean of real requests may depart from the law, either way."""


def sandbox_config() -> Config:
    """Three tiers played by the sandbox, with the prices of what it plays.

    The address is a placeholder until `with_base_url` puts the real one in.
    """
    small, instruct, thinking = (
        ModelId(name) for name in ("small-chat", "kimi-k2-instruct", "kimi-k2-thinking")
    )
    return Config(
        simulated=True,
        tiers={"easy": (small,), "medium": (instruct,), "hard": (thinking,)},
        model={small: _small(small), instruct: _instruct(instruct), thinking: _thinking(thinking)},
        upstream={UPSTREAM: Upstream(base_url=_PLACEHOLDER_URL)},
    )


def with_base_url(config: Config, url: str) -> Config:
    """`config` with its sandbox at `url`."""
    upstream = msgspec.structs.replace(config.upstream[UPSTREAM], base_url=url)
    return msgspec.structs.replace(config, upstream={**config.upstream, UPSTREAM: upstream})


def _small(name: str) -> Model:
    return Model(
        upstream=UPSTREAM,
        name=name,
        context=SMALL.context,
        price=_price(0.10, 0.40, None, "of the order of a small hosted model"),
        output_ratio=_output_ratio(SMALL),
    )


def _instruct(name: str) -> Model:
    return Model(
        upstream=UPSTREAM,
        name=name,
        context=INSTRUCT.context,
        temperature=0.6,
        temperature_max=1.0,
        price=_price(0.57, 2.30, None, "list price of Kimi K2 Instruct at Novita"),
        output_ratio=_output_ratio(INSTRUCT),
    )


def _thinking(name: str) -> Model:
    return Model(
        upstream=UPSTREAM,
        name=name,
        context=THINKING.context,
        reasoning=True,
        max_tokens=16_000,
        min_output_tokens=2_000,
        temperature=1.0,
        temperature_max=1.0,
        price=_price(0.60, 2.50, 0.15, "list price of Kimi K2 Thinking at Novita"),
        output_ratio=_output_ratio(THINKING),
    )


def _price(input_: float, output: float, cached: float | None, what: str) -> Price:
    return Price(
        input=input_, output=output, cached=cached, source=f"simulated: {what}", date=_PRICES_READ
    )


def _output_ratio(persona: Persona) -> OutputRatio:
    """Output of `persona` for one token of Instruct's, from the sandbox's own length model.

    That law is known, so the range is narrow: answers that a schema, a call or a cap shapes depart
    from it. Instruct is the reference and has none.
    """
    value = persona.output_tokens / INSTRUCT.output_tokens
    factor = 1.0 if persona is INSTRUCT else _DEPARTURE
    return OutputRatio(
        value=round(value, 3),
        low=round(value / factor, 3),
        high=round(value * factor, 3),
        source="simulated: the sandbox's own length model, relative to kimi-k2-instruct",
    )
