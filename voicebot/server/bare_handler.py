"""Django without middleware, for Twilio's requests and health checks.

They carry a signature, a token or an unguessable id, no session and no cookies.
Middleware would halve the number of them that a process can serve.
"""

import asyncio
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpResponse

from calls.metrics import CLIP_REQUESTS
from calls.turns.clip_ids import REPLACED

Application = Callable[..., Awaitable[None]]

# A callback of Twilio has 2 KB, and the handoff data of our `end` frame.
MAX_BYTES = 64 * 1024


class BareHandler(ASGIHandler):
    """The same URLs and views without middleware and without Django's request signals.

    The signals start a thread for each request, which costs more than most responses.
    Database work of these views runs in the threads of `calls.db`.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request; 413 if it is larger than any of Twilio's."""
        body, message = BytesIO(), {"more_body": True}
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body.write(message.get("body", b""))
            if body.tell() > MAX_BYTES:
                return await respond(HttpResponse(status=413), send)
        body.seek(0)
        created: tuple[Any, Any] = self.create_request(scope, body)
        request, error = created
        response = error or await self.get_response_async(request)
        if response.streaming:
            return await respond_in_pieces(response, receive, send)
        await respond(response, send)

    def load_middleware(self, is_async: bool = False) -> None:
        """Wrap the views in error handling only."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = convert_exception_to_response(
            self._get_response_async  # type: ignore[attr-defined]
        )


class ClipHandler(BareHandler):
    """Answers and counts downloads of clips."""

    async def get_response_async(self, request: Any) -> Any:
        """Answer a download, and count its status, or why the clip was replaced."""
        response = await super().get_response_async(request)
        status = response.headers.get(REPLACED, str(response.status_code))
        CLIP_REQUESTS.labels(status).inc()
        return response


async def respond(response: Any, send: Any) -> None:
    """Send a response in one piece."""
    await send(_start(response))
    await send({"type": "http.response.body", "body": response.content})


async def respond_in_pieces(response: Any, receive: Any, send: Any) -> None:
    """Send a response as it is made, until the client leaves."""
    leaving = asyncio.ensure_future(receive())  # nothing else is received any more
    sending = asyncio.ensure_future(_send_pieces(response, send))
    try:
        await asyncio.wait([leaving, sending], return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        sending.cancel()
        await asyncio.wait([leaving, sending])
    if not sending.cancelled():
        sending.result()


async def _send_pieces(response: Any, send: Any) -> None:
    await send(_start(response))
    async for piece in response.streaming_content:
        body = {"type": "http.response.body", "body": piece, "more_body": True}
        await send(body)
    await send({"type": "http.response.body", "body": b""})


def _start(response: Any) -> dict[str, Any]:
    headers = [
        (name.encode("ascii").lower(), value.encode("latin-1"))
        for name, value in response.items()
    ]
    status = response.status_code
    return {"type": "http.response.start", "status": status, "headers": headers}


def by_path(
    routes: dict[tuple[str, ...], Application], default: Application
) -> Application:
    """Route requests by the prefixes of their paths."""

    async def route(scope: dict[str, Any], receive: Any, send: Any) -> None:
        for prefixes, application in routes.items():
            if scope["path"].startswith(prefixes):
                return await application(scope, receive, send)
        return await default(scope, receive, send)

    return route
