"""The box in which a prompt is tried: decided as a caller's would be, and not sent."""

from time import perf_counter
from typing import Final

import msgspec

from classifier.types import Tier
from router.api.dashboard.explained import choices_table, verdict_block
from router.api.dashboard.html import Html, join, tag
from router.api.dashboard.page import DIALS
from router.api.dashboard.parts import tier_chip
from router.domain import Cost, Decision, Doubt, Facts, PicoUsd
from router.errors import BadRequest
from router.gateway.exchange import Inbound
from router.gateway.intent import Intent, facts_of
from router.gateway.live import Gateway
from router.prices.book import Book
from router.prices.forecast import forecast
from router.prices.lengths import Lengths
from router.report.explain import choices_of
from router.report.reasons import why
from router.wire.request import parse_chat

LONGEST: Final = 20_000
"""Characters of a prompt that is tried."""


class Trial:
    """Decides prompts and says what it found, as HTML."""

    def __init__(self, gateway: Gateway, prices: Book, lengths: Lengths) -> None:
        self._gateway = gateway
        self._prices = prices
        self._lengths = lengths

    async def decide(self, prompt: str, dial: str) -> Html:
        """The decision on `prompt`, told. Raises RequestError where there can be none."""
        if not prompt.strip():
            raise BadRequest("Write a prompt first.")
        if len(prompt) > LONGEST:
            raise BadRequest(f"The prompt is longer than {LONGEST:,} characters; send it by API.")
        if dial not in DIALS:
            raise BadRequest(f"The model has to be one of {', '.join(DIALS)}.")
        request = {"model": dial, "messages": [{"role": "user", "content": prompt}]}
        body = msgspec.json.encode(request)
        inbound = Inbound(body=body, headers={}, key="", started=perf_counter())
        preview = await self._gateway.preview(inbound)
        facts = facts_of(parse_chat(body, max_messages=1), Intent(), ())
        return _told(preview.decision, self._costs(preview.decision, facts), facts.input_tokens)

    def _costs(self, decision: Decision, facts: Facts) -> Cost:
        """What each tier is expected to cost, with its doubt."""
        costs: dict[Tier, PicoUsd] = {}
        doubts: dict[Tier, Doubt] = {}
        for choice in choices_of(decision, Cost()):
            model, verdict = choice.model, decision.verdict
            expected = forecast(self._prices, self._lengths, model, facts, verdict)
            if expected is not None:
                costs[choice.tier] = expected.cost
                doubts |= {choice.tier: expected.doubt} if expected.doubt else {}
        return Cost(
            easy=costs.get("easy"),
            medium=costs.get("medium"),
            hard=costs.get("hard"),
            doubts=doubts,
        )


def _told(decision: Decision, cost: Cost, input_tokens: int) -> Html:
    sentence = join(
        ["Would go to ", tag("strong", decision.model), " (", tier_chip(decision.tier), "): "]
    )
    words = (
        f"Expected costs are estimates: about {input_tokens:,} input tokens, nothing cached, and an"
        " answer as long as such answers are."
    )
    return join(
        [
            tag("h3", "Decision"),
            tag("p", sentence, f"{why(decision)}."),
            choices_table(choices_of(decision, cost), "Expected cost"),
            tag("p", words, class_="quiet"),
            verdict_block(decision.verdict),
        ]
    )
