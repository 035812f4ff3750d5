"""Django without middleware, for what the carrier asks of us.

Its requests carry a signature or an unguessable id, no session and no cookies, and
middleware would halve how many of them a process can serve.
"""

from collections.abc import Awaitable, Callable
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


def by_path(
    prefixes: tuple[str, ...], chosen: Application, others: Application
) -> Application:
    """Send requests whose path begins with one of `prefixes` to `chosen`."""

    async def route(scope: dict[str, Any], receive: Any, send: Any) -> None:
        application = chosen if scope["path"].startswith(prefixes) else others
        await application(scope, receive, send)

    return route
