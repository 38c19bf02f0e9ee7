"""The OpenAI shapes that the sandbox reads.

Written apart from the router's own on purpose: a misreading shared by both sides would be
invisible to every test that puts one in front of the other.
"""

import msgspec
from msgspec import Struct


class Part(Struct, frozen=True):
    """One part of a message's content; what is not text is only counted and refused."""

    type: str
    text: str = ""


class Function(Struct, frozen=True):
    """A function as a call names it."""

    name: str
    arguments: str


class Call(Struct, frozen=True, kw_only=True):
    """A tool call of an assistant message."""

    id: str
    type: str = "function"
    function: Function


class Message(Struct, frozen=True, kw_only=True):
    """One message of a request."""

    role: str
    content: str | list[Part] | None = None
    reasoning_content: str | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: str | None = None

    @property
    def parts(self) -> list[Part]:
        """The content as parts, whichever way it was sent."""
        if isinstance(self.content, str):
            return [Part("text", self.content)]
        return self.content or []

    @property
    def text(self) -> str:
        """The text of all parts."""
        return "\n".join(part.text for part in self.parts)

    @property
    def written(self) -> bytes:
        """All that the message says, as a chat template would write it."""
        calls = (
            f"{call.function.name} {call.function.arguments}" for call in self.tool_calls or ()
        )
        said = (self.role, self.reasoning_content, self.text, *calls, self.tool_call_id)
        return "\n".join(filter(None, said)).encode()


class FunctionTool(Struct, frozen=True):
    """A function that the caller offers."""

    name: str
    description: str = ""
    parameters: msgspec.Raw = msgspec.Raw(b"{}")


class Tool(Struct, frozen=True):
    """One entry of `tools`."""

    function: FunctionTool


class ChosenFunction(Struct, frozen=True):
    """The function inside a `tool_choice`."""

    name: str


class ToolChoice(Struct, frozen=True):
    """A `tool_choice` that names a function."""

    function: ChosenFunction


class StreamOptions(Struct, frozen=True):
    """`stream_options`."""

    include_usage: bool = False


class Thinking(Struct, frozen=True):
    """`thinking`, by which newer Kimi models can be told not to."""

    type: str = "enabled"


class JsonSchema(Struct, frozen=True):
    """`response_format.json_schema`."""

    schema: msgspec.Raw = msgspec.Raw(b"{}")


class ResponseFormat(Struct, frozen=True):
    """`response_format`."""

    type: str
    json_schema: JsonSchema = JsonSchema()


class ChatRequest(Struct, frozen=True, kw_only=True):
    """The body of a chat completion, as far as the sandbox cares."""

    model: str
    messages: list[Message]
    tools: list[Tool] | None = None
    tool_choice: str | ToolChoice | None = None
    response_format: ResponseFormat | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    n: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    thinking: Thinking | None = None

    @property
    def cap(self) -> int | None:
        """The cap on output tokens, by its newer name or its older one."""
        if self.max_completion_tokens is not None:
            return self.max_completion_tokens
        return self.max_tokens

    @property
    def count(self) -> int:
        """How many answers are asked for."""
        return 1 if self.n is None else self.n

    @property
    def prompt(self) -> bytes:
        """Tools, then messages, as one run of bytes: what is counted, cached and answered."""
        tools = (tool.function for tool in self.tools or ())
        return b"\n".join(
            (
                *(f"{t.name}\n{t.description}\n".encode() + bytes(t.parameters) for t in tools),
                *(message.written for message in self.messages),
            )
        )

    @property
    def last_user_text(self) -> str:
        """The text of the last user message: where directives are looked for."""
        return next((m.text for m in reversed(self.messages) if m.role == "user"), "")
