"""The figures of `gearshift costs` for people: a paragraph a model, readable at any width."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from router.prices.overview import ModelCosts, Overview, Range

_MICRO: Final = 1_000_000
_LENGTHS: Final = "95 % intervals of means; spread: standard deviation of one answer over its mean"


def shown(found: Overview) -> Iterator[str]:
    """Every model, and below what the lengths rest on."""
    for model in found.models:
        yield from _model(model, found)
        yield ""
    if found.rows:
        kind = "SIMULATED answers of the sandbox" if found.simulated else "billed answers"
        yield f"Lengths {found.lengths}: fitted on {found.rows:,} {kind}{_when(found)}."
    else:
        yield f"Lengths {found.lengths}: priors only; gearshift costs fit learns them from a log."
    yield f"In brackets: {_LENGTHS}."


def fitted_lines(found: Overview) -> Iterator[str]:
    """The result of a fit, a line a model."""
    for model in found.models:
        yield f"{model.model}: {_lengths(model, found)}"


def _model(model: ModelCosts, found: Overview) -> Iterator[str]:
    tiers = ", ".join(model.tiers) or "no tier"
    yield f"{model.model} ({tiers})"
    price = model.price
    if price.input is None or price.output is None or price.cached is None:
        yield f"  price      {price.source}"
    else:
        yield (
            f"  price      ${price.input:g} in, ${price.cached:g} cached, ${price.output:g} out "
            f"per million tokens ({price.source})"
        )
    life = f"{model.prefix_life_s:,} s" if model.prefix_life_s else "none"
    gains = "" if price.cached != price.input else "; cached tokens are no cheaper"
    yield f"  prefixes   kept for {life}{gains}"
    yield f"  lengths    {_lengths(model, found)}"
    if model.prior is not None:
        yield f"  prior      {_range(model.prior)} x {found.reference} ({model.prior_source})"
    if model.tokens is not None:
        yield f"  expected   {_range(model.tokens, 0)} tokens for {_which(found)}"
    if model.first_ms is not None and model.per_token_ms is not None:
        yield f"  speed      {model.first_ms:,.0f} ms + {model.per_token_ms:.1f} ms a token"


def _lengths(model: ModelCosts, found: Overview) -> str:
    if model.lengths == "unknown":
        return "unknown: no `output_ratio` and no fit, so what it would have cost is unknown"
    if model.lengths == "prior":
        few = f"{model.answers:,} answers are too few" if model.answers else "no answers"
        return f"prior; {few} in the log"
    return (
        f"fitted on {model.answers:,} answers: {_range(model.ratio)} x {found.reference}, "
        f"spread {model.own_spread or 0:.2f}, reasoning {model.reasoning_share or 0:.0%}"
    )


def _which(found: Overview) -> str:
    return "the mean request of the log" if found.rows else "a prompt without an answer"


def _range(found: Range | None, digits: int = 2) -> str:
    if found is None:
        return "unknown"
    return f"{found.value:,.{digits}f} [{found.low:,.{digits}f} to {found.high:,.{digits}f}]"


def _when(found: Overview) -> str:
    if found.since_us is None or found.until_us is None:
        return ""
    since, until = (
        datetime.fromtimestamp(at_us / _MICRO, UTC).date().isoformat()
        for at_us in (found.since_us, found.until_us)
    )
    return f" from {since} to {until}"
