"""A judge: a model that labels kept prompts for training, within a budget.

It reads the redacted prompt alone: answers are not kept. What it says is feedback, and counts for
less than what a caller says.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from time import time_ns
from typing import Final

import msgspec

from classifier.types import Label
from router.config.judge import Judge
from router.config.schema import Config
from router.domain import Entry, Feedback, ModelId, PicoUsd, Usage
from router.errors import UpstreamError
from router.ports import PriceBook, UpstreamPort
from router.traffic.kept import turns_of
from router.traffic.rubric import most_tokens, question, read_answer
from router.wire.answer import parse_answer
from router.wire.tokens import estimate_usage

AT_ONCE: Final = 4
_PATIENCE: Final = 3
"""Failures in a row after which the judge is taken to be down."""
_TYPICAL_TOKENS: Final = 50


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt to be judged."""

    entry: Entry
    body: bytes
    expected: PicoUsd
    most: PicoUsd
    """With the longest answer that it may give, and a fifth more input than was estimated."""


class Unpriced(Exception):
    """What the judge costs is not known, so no budget can bound it."""


class Session:
    """One run: ends before its budget is spent, and tells every verdict as it comes."""

    def __init__(
        self,
        config: Config,
        upstream: UpstreamPort,
        prices: PriceBook,
        tell: Callable[[Feedback], None],
    ) -> None:
        self._model = ModelId(config.judge.model)
        self._upstream = upstream
        self._prices = prices
        self._tell = tell
        self._budget = int(config.judge.budget_usd * 10**12)
        self._reserved = 0
        self._in_a_row = 0
        self.spent = 0
        """Pico-USD, as billed; estimated where the host sent no usage, and the most that it may be
        where a request failed that the host was at work on."""
        self.labels: dict[Label, int] = {}
        self.unusable = 0
        """Answers that were no label."""
        self.failures: list[UpstreamError] = []
        self.left = 0
        """Cases that the budget, or a judge that is down, left undone."""

    async def run(self, cases: Sequence[Case]) -> None:
        """Judge all of `cases` that the budget allows. Never raises UpstreamError."""
        waiting = iter(cases)
        await asyncio.gather(*(self._work(waiting) for _ in range(AT_ONCE)))
        self.left += sum(1 for _ in waiting)

    async def _work(self, waiting: Iterator[Case]) -> None:
        for case in waiting:
            dear = self.spent + self._reserved + case.most > self._budget
            if dear or self._in_a_row >= _PATIENCE:
                self.left += 1
                return
            self._reserved += case.most
            try:
                await self._ask(case)
                self._in_a_row = 0
            except UpstreamError as error:
                self.failures.append(error)
                self.spent += case.most if error.worked else 0
                self._in_a_row += 1
            finally:
                self._reserved -= case.most

    async def _ask(self, case: Case) -> None:
        reply = await self._upstream.open(self._model, case.body, streamed=False)
        try:
            body = await reply.read()
        finally:
            await reply.close()
        self.spent += self._cost(case, body)
        label = read_answer(body)
        if label is None:
            self.unusable += 1
        else:
            self.labels[label] = self.labels.get(label, 0) + 1
        self._tell(  # without a label too: so that it is not asked, and paid for, again
            Feedback(
                decision_id=case.entry.id,
                at_us=time_ns() // 1000,
                label=label,
                witness="judge",
                model=self._model,
            )
        )

    def _cost(self, case: Case, body: bytes) -> int:
        answer = parse_answer(body)
        if answer is None:
            return case.expected
        usage = answer.usage
        if usage.source == "none":
            usage = estimate_usage(len(case.body) // 4, answer.output_bytes)
        return self._prices.cost(self._model, usage) or 0


def choose(
    entries: Iterable[Entry], feedback: Iterable[Feedback], judge: Judge, limit: int | None
) -> list[Entry]:
    """The entries to judge: a share of the prompts with text of which no label is known yet.

    What this judge answered with no label is not asked again; another judge may be.
    Which ones is drawn from the prompt itself: it is judged once, and a later run with a larger
    share goes on where an earlier one ended.
    """
    heard = {said.decision_id for said in feedback if said.label or said.model == judge.model}
    asked: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        if entry.prompt and not entry.facts.open_tool_loop:
            asked.setdefault(turns_of(entry), []).append(entry)
    open_cases = [
        same[-1]
        for turns, same in asked.items()
        if _draw(turns) < judge.share and not any(entry.id in heard for entry in same)
    ]
    return open_cases[:limit]


def prepare(entries: Iterable[Entry], config: Config, prices: PriceBook) -> list[Case]:
    """What to send for each of `entries`, and what it will cost. Raises Unpriced."""
    model = ModelId(config.judge.model)
    profile = config.model[model]
    cases = []
    for entry in entries:
        body, request = question(model, profile, _bounded(entry))
        tokens = request.input_tokens
        expected = prices.cost(
            model, Usage(input=tokens, output=profile.min_output_tokens or _TYPICAL_TOKENS)
        )
        most = prices.cost(model, Usage(input=tokens * 6 // 5, output=most_tokens(profile)))
        if expected is None or most is None:
            raise Unpriced
        cases.append(Case(entry=entry, body=body, expected=expected, most=most))
    return cases


def _bounded(entry: Entry) -> tuple[str, ...]:
    """The turns as they were scored: a middle that was cut stays cut."""
    context = entry.kept.context if entry.kept else ""
    return (*([context] if context else []), entry.prompt or "")


def _draw(turns: tuple[str, ...]) -> float:
    """A number in [0, 1) that the words decide."""
    digest = blake2b(msgspec.msgpack.encode(turns), digest_size=8, person=b"gearshift judge")
    return int.from_bytes(digest.digest()) / 2**64
