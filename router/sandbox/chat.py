"""Chat completions: from the bytes of a request to the script of its answer."""

import time
from collections import Counter
from hashlib import blake2b

import msgspec
from msgspec import UNSET, Struct

from router.sandbox.answers import Answer, compose
from router.sandbox.checks import check_request, check_window
from router.sandbox.directives import merge, read_directives
from router.sandbox.personas import Persona, persona_of
from router.sandbox.prefixes import BYTES_PER_TOKEN, PrefixCache
from router.sandbox.refusals import Refusal, invalid, model_not_found, refusal_for
from router.sandbox.replies import AnswerChoice, AnswerMessage, Chunk, Completion, UsageBlock
from router.sandbox.requests import ChatRequest
from router.sandbox.scripts import (
    Script,
    answer_events,
    answer_gateway_page,
    answer_json,
    answer_refusal,
    sabotage,
)
from router.sandbox.settings import SandboxSettings, Scenario
from router.sandbox.streams import Envelope, stream_steps
from router.sandbox.usage import count_usage, places_for, spelling_of


class _Reply(Struct, frozen=True, kw_only=True):
    """A healthy answer, before it is put into a body or a stream."""

    id: str
    created: int
    answers: tuple[Answer, ...]
    usage: UsageBlock


class Chat:
    """The models at work. Remembers prompts' prefixes, and how often a scenario was played."""

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings
        self._prefixes = PrefixCache(settings.prefix_ttl_s)
        self._played: Counter[Scenario] = Counter()

    def answer(self, body: bytes) -> Script:
        """The script of the answer to `body`, whatever it holds."""
        try:
            request = msgspec.json.decode(body, type=ChatRequest)
            return self._perform(request, self._scenario_for(request))
        except Refusal as refusal:
            return answer_refusal(refusal)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return answer_refusal(invalid(f"Invalid request: {error}"))

    def _scenario_for(self, request: ChatRequest) -> Scenario:
        wishes = (*self._settings.scenarios, *read_directives(request.last_user_text))
        return merge(wish for wish in wishes if self._applies(wish, request.model))

    def _applies(self, wish: Scenario, model: str) -> bool:
        if wish.model and wish.model != model:
            return False
        if wish.times is None:
            return True
        self._played[wish] += 1
        return self._played[wish] <= wish.times

    def _perform(self, request: ChatRequest, scenario: Scenario) -> Script:
        settings, fault = self._settings, scenario.fault
        delay_s = self._delay_s(scenario)
        if request.model in settings.retired:
            raise model_not_found(request.model)
        if fault == "html_504":
            return answer_gateway_page(after_s=delay_s)
        refusal = fault and refusal_for(
            fault, model=request.model, retry_after_s=settings.retry_after_s
        )
        if refusal:
            return answer_refusal(refusal, after_s=delay_s)
        persona = persona_of(request.model)
        check_request(request, persona, multimodal=request.model in settings.multimodal)
        reply = self._reply(request, persona, scenario)
        tell = self._stream if request.stream else self._whole
        script = tell(request, persona, scenario, reply)
        script = msgspec.structs.replace(script, head_after_s=script.head_after_s + delay_s)
        return sabotage(script, fault, stall_s=self._wait_s(scenario))

    def _reply(self, request: ChatRequest, persona: Persona, scenario: Scenario) -> _Reply:
        prompt = request.prompt
        tokens = -(-len(prompt) // BYTES_PER_TOKEN)
        check_window(tokens, request.cap, persona)
        answers = tuple(
            compose(request, persona, scenario, index) for index in range(request.count)
        )
        cached = self._prefixes.admit(request.model, prompt)
        if scenario.cached is not None:
            cached = min(scenario.cached, tokens)
        spelling = (*scenario.quirks, *spelling_of(persona))
        return _Reply(
            id=f"chatcmpl-{blake2b(prompt, digest_size=12).hexdigest()}",
            created=int(time.time()),
            answers=answers,
            usage=count_usage(answers, tokens, cached, spelling),
        )

    def _whole(
        self, request: ChatRequest, persona: Persona, scenario: Scenario, reply: _Reply
    ) -> Script:
        completion = Completion(
            id=reply.id,
            created=reply.created,
            model=request.model,
            choices=tuple(_choice(i, answer) for i, answer in enumerate(reply.answers)),
            usage=UNSET if "no_usage" in scenario.quirks else reply.usage,
        )
        thinking_s = reply.usage.completion_tokens * self._s(1 / persona.tokens_per_s)
        return answer_json(completion, after_s=self._s(persona.first_byte_s) + thinking_s)

    def _stream(
        self, request: ChatRequest, persona: Persona, scenario: Scenario, reply: _Reply
    ) -> Script:
        options, quirks = request.stream_options, scenario.quirks
        envelope = Envelope(
            head=Chunk(id=reply.id, created=reply.created, model=request.model),
            usage=reply.usage,
            places=places_for(persona, quirks, asked=bool(options and options.include_usage)),
            s_per_token=self._s(1 / persona.tokens_per_s),
            keep_alive="keep_alive" in quirks,
            done="no_done" not in quirks,
        )
        steps = stream_steps(reply.answers, envelope)
        return answer_events(steps, after_s=self._s(persona.first_byte_s))

    def _s(self, seconds: float) -> float:
        """Seconds of a real model in seconds of the sandbox."""
        return seconds / self._settings.speed if self._settings.speed else 0.0

    def _delay_s(self, scenario: Scenario) -> float:
        """Extra seconds before the first byte."""
        if scenario.fault == "stall":
            return 0.0
        slow = scenario.fault == "slow_first_byte" or scenario.delay_ms is not None
        return self._wait_s(scenario) if slow else 0.0

    def _wait_s(self, scenario: Scenario) -> float:
        """The length of the scenario's wait, bounded by the settings."""
        longest = self._settings.max_wait_s
        return longest if scenario.delay_ms is None else min(longest, scenario.delay_ms / 1_000)


def _choice(index: int, answer: Answer) -> AnswerChoice:
    return AnswerChoice(
        index=index,
        message=AnswerMessage(
            content="".join(answer.content),
            reasoning_content="".join(answer.reasoning) if answer.reasoning else UNSET,
            tool_calls=answer.calls or UNSET,
        ),
        finish_reason=answer.finish,
    )
