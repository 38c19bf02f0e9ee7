"""Talking to a sandbox over a real socket, as an SDK does and as bare HTTP does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import msgspec
from openai import AsyncOpenAI

from router.sandbox.serve import RunningSandbox, start
from router.sandbox.settings import SandboxSettings

THINKING = "kimi-k2-thinking"
INSTRUCT = "kimi-k2-instruct"
SMALL = "small-chat"


class Talk:
    """A running sandbox and two ways to speak to it."""

    def __init__(
        self, running: RunningSandbox, client: AsyncOpenAI, http: httpx.AsyncClient
    ) -> None:
        self.running = running
        self.client = client
        self.http = http

    async def post(self, prompt: str, *, model: str = SMALL, **fields: object) -> httpx.Response:
        """Ask for one answer; `fields` go into the body."""
        return await self.http.post("/chat/completions", json=body(prompt, model, fields))

    async def ask(self, prompt: str, *, model: str = SMALL, **fields: object) -> "Answer":
        """Ask for one answer that must be good."""
        response = await self.post(prompt, model=model, **fields)
        assert response.status_code == 200, response.text
        return msgspec.json.decode(response.content, type=Answer)

    async def stream(self, prompt: str, *, model: str = SMALL, **fields: object) -> "Stream":
        """Ask for a stream and read it to its end, however it ends."""
        lines: list[str] = []
        cut = False
        wanted = body(prompt, model, {"stream": True, **fields})
        async with self.http.stream("POST", "/chat/completions", json=wanted) as response:
            assert response.status_code == 200, (await response.aread()).decode()
            try:
                async for line in response.aiter_lines():
                    lines.append(line)  # noqa: PERF401  (what came before a cut is kept)
            except httpx.RemoteProtocolError:
                cut = True
        return Stream([line for line in lines if line], cut=cut)


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """`usage` as it stood in an answer; absent fields are none."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int | None = None
    prompt_tokens_details: dict[str, int] | None = None
    completion_tokens_details: dict[str, int] | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message, or the delta of one."""

    role: str | None = None
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[dict[str, object]] | None = None


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A choice of an answer or of a chunk."""

    index: int
    message: Message = Message()
    delta: Message = Message()
    finish_reason: str | None
    usage: Usage | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer in one piece, or a chunk of a stream."""

    id: str
    object: str
    model: str
    system_fingerprint: str
    choices: list[Choice]
    usage: Usage | None = None

    @property
    def message(self) -> Message:
        """The message of the only choice."""
        return self.choices[0].message


class Stream:
    """The lines of a stream, and what they say."""

    def __init__(self, lines: list[str], *, cut: bool) -> None:
        self.lines = lines
        self.cut = cut
        """The connection ended inside the body."""

    @property
    def done(self) -> bool:
        """The last line says so."""
        return self.lines[-1:] == ["data: [DONE]"]

    @property
    def chunks(self) -> list[Answer]:
        """Every event that is a chunk. Raises where one is not JSON."""
        events = (line.removeprefix("data: ") for line in self.lines if line.startswith("data: "))
        return [msgspec.json.decode(event, type=Answer) for event in events if event != "[DONE]"]

    @property
    def deltas(self) -> list[Message]:
        """What every choice of every chunk adds."""
        return [choice.delta for chunk in self.chunks for choice in chunk.choices]

    @property
    def content(self) -> str:
        """The whole text."""
        return "".join(delta.content or "" for delta in self.deltas)

    @property
    def reasoning(self) -> str:
        """The whole reasoning."""
        return "".join(delta.reasoning_content or "" for delta in self.deltas)

    @property
    def finish(self) -> list[str]:
        """Every finish_reason."""
        reasons = (choice.finish_reason for chunk in self.chunks for choice in chunk.choices)
        return [reason for reason in reasons if reason is not None]


def body(prompt: str, model: str, fields: dict[str, object]) -> dict[str, object]:
    """A request's body; `messages` among the fields replace the prompt."""
    return {"model": model, "messages": [{"role": "user", "content": prompt}], **fields}


@asynccontextmanager
async def talking(settings: SandboxSettings | None = None) -> AsyncIterator[Talk]:
    """A sandbox for the length of a block."""
    running = await start(settings or SandboxSettings())
    client = AsyncOpenAI(base_url=running.base_url, api_key="sandbox", max_retries=0)
    try:
        async with client, httpx.AsyncClient(base_url=running.base_url, timeout=30) as http:
            yield Talk(running, client, http)
    finally:
        await running.stop()
