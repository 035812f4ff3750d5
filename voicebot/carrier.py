"""Django without middleware, for what the carrier asks of us.

Its requests carry a signature or an unguessable id, no session and no cookies, and
middleware would halve how many of them a process can serve.
"""

from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.exception import convert_exception_to_response

Application = Callable[..., Awaitable[None]]


class CarrierHandler(ASGIHandler):
    """The same URLs and views, with nothing around them."""

    def load_middleware(self, is_async: bool = False) -> None:
        """Wrap the views in error handling only."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = convert_exception_to_response(
            self._get_response_async  # type: ignore[attr-defined]
        )


class ClipHandler(CarrierHandler):
    """For downloads of clips: no body to read and no database to tidy up after.

    Django's signals around a request start a thread for each, which costs more than
    serving the clip.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        request = self.request_class(scope, BytesIO())
        response: Any = await self.get_response_async(request)
        headers = [
            (name.encode("ascii").lower(), value.encode("latin-1"))
            for name, value in response.items()
        ]
        status = response.status_code
        await send(
            {"type": "http.response.start", "status": status, "headers": headers}
        )
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
