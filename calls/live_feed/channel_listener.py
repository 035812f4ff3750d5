"""A place on the channel layer that hears a group, however often the layer fails."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from channels.layers import get_channel_layer

log = logging.getLogger(__name__)

JOIN_SECONDS = 2.0
UNSUBSCRIBE_SECONDS = 1.0
# Between two attempts to join a group.
AGAIN_SECONDS = 1.0
# A membership is renewed this often: one in memory runs out after a day, and one in
# Redis may have been lost without a word.
FRESH_SECONDS = 3600.0

Message = dict[str, Any]


class Outage:
    """Says once that the layer is away, and once that it is back."""

    def __init__(self) -> None:
        self.lasts = False

    def begins(self, error: BaseException) -> None:
        """Something could not be sent or joined."""
        if not self.lasts:
            name = type(error).__name__
            log.warning("The live view is cut off (%s); calls go on without it", name)
        self.lasts = True

    def ends(self) -> None:
        """It works."""
        if self.lasts:
            log.info("The live view is back")
        self.lasts = False


class ChannelListener:
    """Takes in what is sent to a group; `joined` is told its channel's name.

    `take` must not wait: a listener that is cancelled anywhere but while it listens
    would leave its channel behind.
    """

    def __init__(
        self,
        group: str,
        take: Callable[[Message], None],
        joined: Callable[[str], None],
    ) -> None:
        self.group = group
        self.take = take
        self.joined = joined
        self.outage = Outage()

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._join_and_listen()
            except Exception as error:  # whatever the layer has, nothing else may fail
                self.outage.begins(error)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _join_and_listen(self) -> None:
        layer: Any = get_channel_layer()
        async with asyncio.timeout(JOIN_SECONDS):
            # The Redis layer keeps a channel it failed to subscribe: so knock first.
            await layer.group_send(self.group, {"type": "knock"})
            channel = await layer.new_channel()
            await layer.group_add(self.group, channel)
        self.outage.ends()
        self.joined(channel)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(FRESH_SECONDS):
                    await self._listen(layer, channel)
        finally:
            with suppress(Exception):
                async with asyncio.timeout(UNSUBSCRIBE_SECONDS):
                    await layer.group_discard(self.group, channel)

    async def _listen(self, layer: Any, channel: str) -> None:
        while True:
            message = await layer.receive(channel)
            try:
                self.take(message)
            except Exception:
                log.exception("A message of the live view was not understood")
