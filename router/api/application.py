"""The ASGI application: the hot path by itself, everything else through Litestar."""

from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from router.api.chat import ChatRoute, Message, Receive, Send
from router.api.failures import Failure, failure_of
from router.errors import BodyTooLarge, RequestError
from router.wire.errors import error_body

CHAT_PATH = "/v1/chat/completions"


class Application:
    """Sends each request to its handler by path; a table look-up before any framework."""

    def __init__(
        self, chat: ChatRoute, routes: list[HTTPRouteHandler], *, max_body_bytes: int
    ) -> None:
        self._chat = chat
        self._rest = Litestar(
            route_handlers=routes,
            request_max_body_size=max_body_bytes,
            exception_handlers={Exception: _on_error},
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
        else:
            await self._rest(scope, receive, send)  # type: ignore[arg-type]  # its own ASGI types


def _on_error(_request: Request[None, None, State], error: Exception) -> Response[bytes]:
    failure = _failure(error)
    return Response(
        failure.body,
        status_code=failure.status,
        headers={name.decode(): value.decode() for name, value in failure.headers},
        media_type="application/json",
    )


def _failure(error: Exception) -> Failure:
    """Litestar's own errors get OpenAI's shape too."""
    if isinstance(error, HTTPException) and not isinstance(error, RequestError):
        if error.status_code == 413:  # noqa: PLR2004  its body limit, which has no words of its own
            return failure_of(BodyTooLarge("The body is too long (`server.max_body_bytes`)."))
        body = error_body(error.detail, type="invalid_request_error", code=None)
        return Failure(status=error.status_code, headers=[], body=body)
    return failure_of(error)
