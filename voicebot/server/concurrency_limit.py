"""Concurrency limits for pages and sign-ins, so that they never slow down calls.

Checking a password takes half a second of a core, and a page a database connection.
Anybody can request both, and calls need both.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

from django.http import HttpResponse

from voicebot.security import client_of_scope
from voicebot.server.bare_handler import respond

Application = Callable[..., Awaitable[None]]

# Pages and static files, and sign-ins, that are processed at once.
PAGES = 8
SIGN_INS = 1
# Requests above this get a 503; a page loads some twenty files.
MAX_WAITING = 100
# Sign-ins from one address that wait for the one in progress.
MAX_WAITING_OF_CLIENT = 4


class ConcurrencyLimit:
    """Passes a limited number of requests at once to an application; others wait."""

    def __init__(self, application: Application, limit: int) -> None:
        self.application = application
        self.semaphore = asyncio.Semaphore(limit)
        self.waiting = 0
        self.works: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if self.waiting >= MAX_WAITING:
            return await _too_many(send)
        self.waiting += 1
        try:
            await self.semaphore.acquire()
        finally:
            self.waiting -= 1
        # A task of its own: daphne cancels this one soon after the client has left.
        work = asyncio.create_task(self._work(scope, receive, send))
        self.works.add(work)
        work.add_done_callback(self.works.discard)
        return await asyncio.shield(work)

    async def _work(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer in a place, which is free once nothing is left but sending."""
        with ExitStack() as place:
            place.callback(self.semaphore.release)

            async def sent(message: Any) -> None:
                place.close()
                await send(message)

            await self.application(scope, receive, sent)


class OnePerClient:
    """Passes one request of each client at a time, so that none fills the queue."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.requests: Counter[str] = Counter()
        self.locks: dict[str, asyncio.Lock] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        client = client_of_scope(scope) or ""
        if self.requests[client] > MAX_WAITING_OF_CLIENT:
            return await _too_many(send)
        self.requests[client] += 1
        lock = self.locks.setdefault(client, asyncio.Lock())
        try:
            async with lock:
                await self.application(scope, receive, send)
        finally:
            self.requests[client] -= 1
            if not self.requests[client]:
                del self.requests[client], self.locks[client]


def by_method(
    method: str, application: Application, others: Application
) -> Application:
    """Route the requests of one method."""

    async def route(scope: Any, receive: Any, send: Any) -> None:
        chosen = application if scope["method"] == method else others
        await chosen(scope, receive, send)

    return route


async def _too_many(send: Any) -> None:
    text = "Too many requests at once. Try again in a few seconds."
    headers = {"Content-Type": "text/plain", "Retry-After": "5"}
    await respond(HttpResponse(text, status=503, headers=headers), send)
