"""The desk beside the calls: anybody may knock at it, and it may not crowd them out.

A password costs half a second of a core to try, and a page a connection to the
database while it is made. Both are the calls' as well.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from django.http import HttpResponse

from voicebot.server.bare_handler import respond

Application = Callable[..., Awaitable[None]]

# Pages and their parts that are made at once, and passwords that are tried at once.
PAGES = 8
SIGN_INS = 1
# More who wait are told to come back; a page asks for some twenty parts.
MAX_WAITING = 100


class ConcurrencyLimit:
    """An application for so many requests at once; others wait for their turn."""

    def __init__(self, application: Application, places: int) -> None:
        self.application = application
        self.places = asyncio.Semaphore(places)
        self.waiting = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if self.waiting >= MAX_WAITING:
            return await _crowded(send)
        self.waiting += 1
        try:
            await self.places.acquire()
        finally:
            self.waiting -= 1
        try:
            await self.application(scope, receive, send)
        finally:
            self.places.release()


def finish_on_disconnect(application: Application) -> Application:
    """Finish what was begun though the client has gone.

    Django would leave the thread that works on it to itself, beside the next one's.
    """

    async def finish(scope: Any, receive: Any, send: Any) -> None:
        arrived = False

        async def received() -> Any:
            nonlocal arrived
            if arrived:
                await asyncio.get_running_loop().create_future()
            message = await receive()
            arrived = not message.get("more_body", False)
            return message

        await application(scope, received, send)

    return finish


async def _crowded(send: Any) -> None:
    words = "Too many requests at once. Try again in some seconds."
    headers = {"Content-Type": "text/plain", "Retry-After": "5"}
    await respond(HttpResponse(words, status=503, headers=headers), send)
