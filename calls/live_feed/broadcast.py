"""Sends messages between calls and their viewers through the channel layer.

Never blocks a call: messages are dropped while the queue is full.
"""

import asyncio
import logging
import math
from contextlib import suppress
from time import monotonic
from typing import Any

from channels.exceptions import ChannelFull
from channels.layers import get_channel_layer

from calls.live_feed.channel_listener import RETRY_SECONDS, Message, failure_log

log = logging.getLogger(__name__)

# Groups of the channel layer: open live pages, and processes that run calls.
VIEWERS = "live"
SERVERS = "controls"
# Messages kept in memory while the layer is unavailable.
QUEUE_LIMIT = 1000
# Messages taken from the queue at once; the updates among them go out as one.
MAX_BATCH = 50
SEND_SECONDS = 2.0
# Viewers ask for the list of calls more often than this.
VIEWER_TTL = 15.0

OutgoingMessage = tuple[str, bool, Message]  # channel or group, is it a group, message


class Broadcaster:
    """The process's queue of messages to the channel layer."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[OutgoingMessage] = asyncio.Queue(QUEUE_LIMIT)
        self.task: asyncio.Task[None] | None = None
        self.watched_until = -math.inf
        self.layer_log = failure_log()

    @property
    def is_watched(self) -> bool:
        """True while a viewer may see the calls of this process."""
        return monotonic() < self.watched_until

    def renew_viewer(self) -> None:
        """Expect a viewer for the next `VIEWER_TTL` seconds."""
        self.watched_until = monotonic() + VIEWER_TTL

    def tell_viewers(self, update: Message) -> None:
        """Send an update to all viewers."""
        self._put((VIEWERS, True, update))

    def tell_servers(self, message: Message) -> None:
        """Send a message to every process that runs calls."""
        self._put((SERVERS, True, message))

    def answer(self, channel: str, message: Message) -> None:
        """Send a message to one viewer."""
        self._put((channel, False, message))

    async def aclose(self) -> None:
        """Stop, and drop the messages that were not sent."""
        if self.task:
            self.task.cancel()
            await asyncio.wait({self.task})

    def _put(self, message: OutgoingMessage) -> None:
        if self.task is None:
            self.task = asyncio.create_task(self._send_all(), name="broadcaster")
        # If it is full, viewers notice the gap, and ask for the call.
        with suppress(asyncio.QueueFull):
            self.queue.put_nowait(message)

    async def _send_all(self) -> None:
        while True:
            batch = [await self.queue.get()]
            while len(batch) < MAX_BATCH and not self.queue.empty():
                batch.append(self.queue.get_nowait())
            try:
                await self._send(batch)
            except Exception as error:  # calls go on without the layer
                self.layer_log.failed(error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.layer_log.worked()

    async def _send(self, batch: list[OutgoingMessage]) -> None:
        layer: Any = get_channel_layer()
        updates: list[Message] = []
        for index, (to, is_group, message) in enumerate(batch):
            if to == VIEWERS:
                updates.append(message)
                if index + 1 < len(batch) and batch[index + 1][0] == VIEWERS:
                    continue
                message, updates = {"type": "live.updates", "updates": updates}, []
            async with asyncio.timeout(SEND_SECONDS):
                if is_group:
                    await layer.group_send(to, message)
                    continue
                with suppress(ChannelFull):
                    await layer.send(to, message)
