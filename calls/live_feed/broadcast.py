"""What calls tell their viewers: off the call's path, dropped where it would wait."""

import asyncio
import logging
import math
from contextlib import suppress
from time import monotonic
from typing import Any

from channels.exceptions import ChannelFull
from channels.layers import get_channel_layer

from calls.live_feed.channel_listener import AGAIN_SECONDS, Message, Outage

log = logging.getLogger(__name__)

# The groups of the channel layer: who watches calls, and who has calls to be watched.
VIEWERS = "live"
SERVERS = "controls"
# What an outage of the layer may cost in memory, in messages.
QUEUE_LIMIT = 1000
# News that waited together travel together.
BUNDLE = 50
SEND_SECONDS = 2.0
# A viewer who is there says so more often than this.
VIEWER_TTL = 15.0

OutgoingMessage = tuple[str, bool, Message]  # to whom, whether that is a group, what


class Broadcaster:
    """The process's way to the channel layer; nobody who uses it waits for it."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[OutgoingMessage] = asyncio.Queue(QUEUE_LIMIT)
        self.task: asyncio.Task[None] | None = None
        self.watched_until = -math.inf
        self.outage = Outage()

    @property
    def is_watched(self) -> bool:
        """Whether anybody looks at the calls of this process."""
        return monotonic() < self.watched_until

    def renew_viewer(self) -> None:
        """Somebody looks, and will say so again."""
        self.watched_until = monotonic() + VIEWER_TTL

    def tell_viewers(self, news: Message) -> None:
        """Pass on what happened in a call."""
        self._put((VIEWERS, True, news))

    def tell_servers(self, message: Message) -> None:
        """Ask every process that has calls for something."""
        self._put((SERVERS, True, message))

    def answer(self, channel: str, message: Message) -> None:
        """Tell one viewer something."""
        self._put((channel, False, message))

    async def aclose(self) -> None:
        """Stop; what was not sent is lost."""
        if self.task:
            self.task.cancel()
            await asyncio.wait({self.task})

    def _put(self, letter: OutgoingMessage) -> None:
        if self.task is None:
            self.task = asyncio.create_task(self._send_all(), name="broadcaster")
        with suppress(asyncio.QueueFull):  # viewers notice what is missing, and ask
            self.queue.put_nowait(letter)

    async def _send_all(self) -> None:
        while True:
            letters = [await self.queue.get()]
            while len(letters) < BUNDLE and not self.queue.empty():
                letters.append(self.queue.get_nowait())
            try:
                await self._send(letters)
            except Exception as error:  # the layer's trouble must stay the viewers'
                self.outage.begins(error)
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                self.outage.ends()

    async def _send(self, letters: list[OutgoingMessage]) -> None:
        layer: Any = get_channel_layer()
        news: list[Message] = []
        for place, (to, is_group, message) in enumerate(letters):
            if to == VIEWERS:
                news.append(message)
                if place + 1 < len(letters) and letters[place + 1][0] == VIEWERS:
                    continue
                message, news = {"type": "live.news", "news": news}, []
            async with asyncio.timeout(SEND_SECONDS):
                if is_group:
                    await layer.group_send(to, message)
                    continue
                with suppress(ChannelFull):
                    await layer.send(to, message)
