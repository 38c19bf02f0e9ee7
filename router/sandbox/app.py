"""The sandbox: an upstream of our own, as a plain ASGI application."""

import asyncio
import hmac
from collections import deque
from collections.abc import Mapping

from msgspec import Struct

from router.sandbox.chat import Chat
from router.sandbox.refusals import Refusal, refusal_for
from router.sandbox.replies import ModelCard, ModelList
from router.sandbox.scripts import Script, answer_json, answer_refusal
from router.sandbox.settings import SandboxSettings
from router.sandbox.stage import Message, Receive, Send, play, read_body


class Received(Struct, frozen=True, kw_only=True):
    """A request as it came in, for tests that ask what an upstream gets to see."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Sandbox:
    """The application. Everything it answers says that it is simulated."""

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings
        self._chat = Chat(settings)
        self._released = asyncio.Event()
        self._received: deque[Received] = deque(maxlen=settings.keep_requests)

    @property
    def received(self) -> tuple[Received, ...]:
        """The last requests, oldest first; as many as the settings keep."""
        return tuple(self._received)

    def release(self) -> None:
        """Wait no more: stalls end, and streams under way finish at once."""
        self._released.set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            request = Received(
                method=scope["method"],
                path=scope["path"],
                headers={
                    name.decode("latin-1"): v.decode("latin-1") for name, v in scope["headers"]
                },
                body=await read_body(receive),
            )
            self._received.append(request)
            await play(self._answer(request), receive, send, self._released)

    def _answer(self, request: Received) -> Script:
        """Find the endpoint by the end of the path: hosts differ in what they put before it."""
        if not self._knows(request.headers):
            refusal = refusal_for("auth", model="", retry_after_s=0)
            return answer_refusal(refusal) if refusal else _nowhere(request)
        if request.method == "POST" and request.path.endswith("/chat/completions"):
            return self._chat.answer(request.body)
        if request.method == "GET" and request.path.endswith("/models"):
            listed = (m for m in self._settings.models if m not in self._settings.retired)
            return answer_json(ModelList(data=tuple(ModelCard(id=model) for model in listed)))
        return _nowhere(request)

    def _knows(self, headers: Mapping[str, str]) -> bool:
        shown = headers.get("authorization", "").removeprefix("Bearer ")
        wanted = self._settings.api_key
        return not wanted or hmac.compare_digest(shown.encode(), wanted.encode())


def create_sandbox(settings: SandboxSettings | None = None) -> Sandbox:
    """Make a sandbox; without settings, a healthy one that answers as fast as it can."""
    return Sandbox(settings or SandboxSettings())


def _nowhere(request: Received) -> Script:
    message = f"The sandbox has nothing at {request.method} {request.path}"
    return answer_refusal(Refusal(404, "resource_not_found_error", message))


async def _live(receive: Receive, send: Send) -> None:
    """Answer a server's lifespan messages: there is nothing to open and nothing to close."""
    for phase in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{phase}.complete"})
