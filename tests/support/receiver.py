"""A receiver of webhooks about calls: a real server in the test's event loop."""

import asyncio
import hashlib
import hmac
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

SECRET = "webhook-secret-of-the-tests"
HANG = 0  # instead of a status: never answer


@dataclass(frozen=True, slots=True)
class Delivery:
    """One received webhook."""

    headers: dict[str, str]
    body: bytes

    @property
    def call(self) -> Any:
        return json.loads(self.body)

    @property
    def is_signed(self) -> bool:
        """Check the signature as the documentation describes."""
        timestamp = self.headers["X-Voicebot-Timestamp"]
        signed = f"{timestamp}.".encode() + self.body
        expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(
            f"v1={expected}", self.headers["X-Voicebot-Signature"]
        )


class Receiver:
    """Answers with the given statuses, then with 204."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = deque(statuses)
        self.deliveries: list[Delivery] = []
        self.arrived = asyncio.Event()
        self.answers = asyncio.Event()  # while it is cleared, answers wait
        self.answers.set()
        self.url = ""

    async def until(self, count: int, seconds: float = 20) -> list[Delivery]:
        """Wait until `count` webhooks have arrived."""
        async with asyncio.timeout(seconds):
            while len(self.deliveries) < count:
                self.arrived.clear()
                await self.arrived.wait()
        return self.deliveries

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.deliveries.append(Delivery(dict(request.headers), body))
        self.arrived.set()
        await self.answers.wait()
        status = self.statuses.popleft() if self.statuses else 204
        if status == HANG:
            await asyncio.Event().wait()
        return web.Response(status=status)


@asynccontextmanager
async def receiving(*statuses: int) -> AsyncIterator[Receiver]:
    """Run a receiver until the block ends."""
    receiver, app = Receiver(*statuses), web.Application()
    app.router.add_post("/calls", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"http://127.0.0.1:{port}/calls"
    try:
        yield receiver
    finally:
        await runner.cleanup()
