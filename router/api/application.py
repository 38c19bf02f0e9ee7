"""The ASGI application: the hot path by itself, everything else through Litestar."""

from collections.abc import Sequence

from litestar import Litestar, Request, Response, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.status_codes import HTTP_200_OK

from router.api.chat import Endpoint, Message, Receive, Send
from router.api.failures import Failure, failure_of
from router.api.refusals import Refusals
from router.errors import BodyTooLarge, RequestError
from router.wire.errors import error_body

CHAT_PATH = "/v1/chat/completions"


class Application:
    """Sends each request to its handler by path; a table look-up before any framework."""

    def __init__(
        self,
        chat: Endpoint,
        routes: Sequence[HTTPRouteHandler | ASGIRouteHandler],
        refusals: Refusals,
        *,
        max_body_bytes: int,
    ) -> None:
        self._chat = chat
        self._refusals = refusals
        self._rest = Litestar(
            route_handlers=[*routes, chat_described],
            request_max_body_size=max_body_bytes,
            exception_handlers={Exception: self._on_error},
            openapi_config=OpenAPIConfig(
                title="gearshift",
                version="1",
                path="/schema",
                # The other renderers load their scripts from a CDN.
                render_plugins=[JsonRenderPlugin(path="/openapi.json"), JsonRenderPlugin(path="/")],
            ),
            logging_config=None,
        )

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        if scope["path"] == CHAT_PATH:
            await self._chat(scope, receive, send)
        elif scope["method"] == "HEAD":
            # A GET whose body the server, which goes by its own scope, leaves out.
            await self._rest({**scope, "method": "GET"}, receive, send)  # type: ignore[arg-type]
        else:
            await self._rest(scope, receive, send)  # type: ignore[arg-type]  # its own ASGI types

    def _on_error(self, request: Request[None, None, State], error: Exception) -> Response[bytes]:
        failure = _failure(error)
        if not isinstance(error, HTTPException):
            self._refusals.explain(error)
        self._refusals.note(failure, request.method, request.scope["path"])
        return Response(
            failure.body,
            status_code=failure.status,
            headers={name.decode(): value.decode() for name, value in failure.headers},
            media_type="application/json",
        )


@post(CHAT_PATH, status_code=HTTP_200_OK, media_type="application/json", summary="Chat Completions")
async def chat_described() -> bytes:
    """Answer a conversation, streamed or not, as OpenAI's API reference describes it."""
    raise NotImplementedError  # for the schema only: `Application` serves this path itself


def _failure(error: Exception) -> Failure:
    """Litestar's own errors get OpenAI's shape too."""
    if isinstance(error, HTTPException) and not isinstance(error, RequestError):
        if error.status_code == 413:  # noqa: PLR2004  its body limit, which has no words of its own
            words = "The body is too long (`server.max_body_bytes`)."
            return failure_of(BodyTooLarge(words, code="body_too_large"))
        body = error_body(error.detail, type="invalid_request_error", code=None)
        headers = [(name.encode(), value.encode()) for name, value in (error.headers or {}).items()]
        return Failure(status=error.status_code, headers=headers, body=body)
    return failure_of(error)
