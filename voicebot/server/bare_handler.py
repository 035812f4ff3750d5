"""Django without middleware, for what the carrier asks of us.

Its requests carry a signature or an unguessable id, no session and no cookies, and
middleware would halve how many of them a process can serve.
"""

from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpResponse

from calls.metrics import CLIP_REQUESTS

Application = Callable[..., Awaitable[None]]

# A callback of the carrier has 2 KB, and the words we hand over with `end`.
MAX_BYTES = 64 * 1024


class BareHandler(ASGIHandler):
    """The same URLs and views, with nothing around them.

    Neither with Django's signals around a request: they start a thread for each, which
    costs more than most answers. Database work is done in `calls.db`.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, unless it is larger than the carrier's."""
        body, message = BytesIO(), {"more_body": True}
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body.write(message.get("body", b""))
            if body.tell() > MAX_BYTES:
                return await respond(HttpResponse(status=413), send)
        body.seek(0)
        made: tuple[Any, Any] = self.create_request(scope, body)
        request, refused = made
        await respond(refused or await self.get_response_async(request), send)

    def load_middleware(self, is_async: bool = False) -> None:
        """Wrap the views in error handling only."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = convert_exception_to_response(
            self._get_response_async  # type: ignore[attr-defined]
        )


class ClipHandler(BareHandler):
    """For downloads of clips."""

    async def get_response_async(self, request: Any) -> Any:
        """Look for the clip; count what came of it."""
        response = await super().get_response_async(request)
        CLIP_REQUESTS.labels(str(response.status_code)).inc()
        return response


async def respond(response: Any, send: Any) -> None:
    """Send a whole response."""
    headers = [
        (name.encode("ascii").lower(), value.encode("latin-1"))
        for name, value in response.items()
    ]
    status = response.status_code
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})


def by_path(
    chosen: dict[tuple[str, ...], Application], others: Application
) -> Application:
    """Send requests to the application whose path prefixes they begin with."""

    async def route(scope: dict[str, Any], receive: Any, send: Any) -> None:
        for prefixes, application in chosen.items():
            if scope["path"].startswith(prefixes):
                return await application(scope, receive, send)
        return await others(scope, receive, send)

    return route
