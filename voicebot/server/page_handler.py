"""Django for pages: a request runs to its end whatever its client does.

When a client leaves, Django cancels the view but cannot stop its thread. daphne cancels
what is left ten seconds later, and the thread's database connection would be lost.
"""

import asyncio
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import close_old_connections


class PageHandler(ASGIHandler):
    """Hides from Django that a client left, until a response is sent."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, unless its client left while it waited for a place."""
        messages = [await receive()]
        while messages[-1].get("more_body"):
            messages.append(await receive())
        leaving = asyncio.ensure_future(receive())
        await asyncio.sleep(0)  # receives what was queued

        async def received() -> Any:
            if messages:
                return messages.pop(0)
            return await asyncio.get_running_loop().create_future()

        async def sent(message: Any) -> None:
            if leaving.done():
                # Django takes it for the disconnect: it ends the response properly.
                raise asyncio.CancelledError
            await send(message)

        try:
            if not leaving.done():
                await super().__call__(scope, received, sent)
        finally:
            leaving.cancel()

    async def run_get_response(self, request: Any) -> Any:
        """Make the response; the client may be slow, so no connection stays open."""
        response = await super().run_get_response(request)
        await sync_to_async(close_old_connections)()
        return response
