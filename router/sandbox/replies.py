"""The OpenAI shapes that the sandbox writes."""

from typing import Final, Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType

from router.sandbox.requests import Call

FINGERPRINT: Final = "gearshift-sandbox"
Finish: TypeAlias = Literal["stop", "length", "tool_calls"]


class CachedTokens(Struct, frozen=True):
    """`prompt_tokens_details`."""

    cached_tokens: int


class ReasoningTokens(Struct, frozen=True):
    """`completion_tokens_details`."""

    reasoning_tokens: int


class UsageBlock(Struct, frozen=True, kw_only=True):
    """`usage`, with the cached count in the places where hosts put it."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int | UnsetType = UNSET
    prompt_tokens_details: CachedTokens | UnsetType = UNSET
    completion_tokens_details: ReasoningTokens | UnsetType = UNSET


class FunctionDelta(Struct, frozen=True, omit_defaults=True):
    """A piece of a function call; the name comes with the first."""

    arguments: str
    name: str | None = None


class CallDelta(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A piece of a tool call; the id comes with the first."""

    index: int
    id: str | None = None
    type: str | None = None
    function: FunctionDelta


class Delta(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one chunk adds to the message."""

    role: str | None = None
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: tuple[CallDelta, ...] = ()


class ChunkChoice(Struct, frozen=True, kw_only=True):
    """One choice in a chunk."""

    index: int
    delta: Delta
    finish_reason: Finish | None = None
    usage: UsageBlock | UnsetType = UNSET


class Chunk(Struct, frozen=True, kw_only=True):
    """One event of a stream."""

    id: str
    object: str = "chat.completion.chunk"
    created: int
    model: str
    system_fingerprint: str = FINGERPRINT
    choices: tuple[ChunkChoice, ...] = ()
    usage: UsageBlock | UnsetType = UNSET


class AnswerMessage(Struct, frozen=True, kw_only=True):
    """The message of an answer in one piece."""

    role: str = "assistant"
    content: str
    reasoning_content: str | UnsetType = UNSET
    tool_calls: tuple[Call, ...] | UnsetType = UNSET


class AnswerChoice(Struct, frozen=True, kw_only=True):
    """One choice of an answer in one piece."""

    index: int
    message: AnswerMessage
    finish_reason: Finish


class Completion(Struct, frozen=True, kw_only=True):
    """An answer in one piece."""

    id: str
    object: str = "chat.completion"
    created: int
    model: str
    system_fingerprint: str = FINGERPRINT
    choices: tuple[AnswerChoice, ...]
    usage: UsageBlock | UnsetType = UNSET


class ModelCard(Struct, frozen=True, kw_only=True):
    """One entry of `/v1/models`."""

    id: str
    object: str = "model"
    created: int = 0
    owned_by: str = FINGERPRINT


class ModelList(Struct, frozen=True, kw_only=True):
    """`/v1/models`."""

    object: str = "list"
    data: tuple[ModelCard, ...]


class ErrorBody(Struct, frozen=True):
    """What went wrong, in Kimi's words."""

    type: str
    message: str


class ErrorAnswer(Struct, frozen=True):
    """The body of every refusal."""

    error: ErrorBody
