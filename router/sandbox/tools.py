"""When the models call tools, and with what."""

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Final

from router.sandbox.examples import example_json
from router.sandbox.refusals import invalid
from router.sandbox.requests import Call, ChatRequest, Function, FunctionTool, Message
from router.sandbox.settings import Scenario

_WORD: Final = re.compile(r"[a-z]{4,}")


def calls_for(request: ChatRequest, scenario: Scenario) -> tuple[Call, ...]:
    """The tool calls that the model answers with; none means that it answers in text.

    Ids are Kimi's `functions.{name}:{idx}`, counted on through the whole conversation.
    Raises Refusal (400) when the scenario calls a tool that was not offered.
    """
    first = sum(len(message.tool_calls or ()) for message in request.messages)
    return tuple(
        Call(
            id=f"functions.{function.name}:{index}",
            function=Function(function.name, example_json(function.parameters)),
        )
        for index, function in enumerate(_chosen(request, scenario), first)
    )


def _chosen(request: ChatRequest, scenario: Scenario) -> Sequence[FunctionTool]:
    offered = {tool.function.name: tool.function for tool in request.tools or ()}
    choice = request.tool_choice
    if not offered or choice == "none":
        return ()
    if choice is not None and not isinstance(choice, str):
        return (offered[choice.function.name],)
    if scenario.calls and (_rounds(request.messages) < scenario.rounds or choice == "required"):
        return _named(scenario.calls, offered)
    if choice == "required":
        return _mentioned(request.last_user_text, offered) or (next(iter(offered.values())),)
    if scenario.calls or _rounds(request.messages):
        return ()
    return _mentioned(request.last_user_text, offered)


def _named(names: Sequence[str], offered: dict[str, FunctionTool]) -> Sequence[FunctionTool]:
    missing = [name for name in names if name not in offered]
    if missing:
        raise invalid(f"the directive calls {missing[0]}, which this request does not offer")
    return [offered[name] for name in names]


def _rounds(messages: Sequence[Message]) -> int:
    """How often tools were called since the last user message."""
    since = takewhile(lambda message: message.role != "user", reversed(messages))
    return sum(1 for message in since if message.tool_calls)


def _mentioned(text: str, offered: dict[str, FunctionTool]) -> Sequence[FunctionTool]:
    """The first tool of which the text says a word of its name: what a model would go by."""
    said = set(_WORD.findall(text.lower()))
    hits = (tool for name, tool in offered.items() if said & set(_WORD.findall(name.lower())))
    return tuple(hit for hit, _ in zip(hits, range(1), strict=False))
