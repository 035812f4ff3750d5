"""Listens to a group of the channel layer, and joins again after failures."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from channels.layers import get_channel_layer

from calls.logs import FailureLog

log = logging.getLogger(__name__)

JOIN_SECONDS = 2.0
UNSUBSCRIBE_SECONDS = 1.0
# Pause between two attempts to join a group.
RETRY_SECONDS = 1.0
# A membership is renewed this often: the in-memory layer drops it after a day, and
# Redis may lose it without an error.
MEMBERSHIP_SECONDS = 3600.0

Message = dict[str, Any]


def failure_log() -> FailureLog:
    """The log of one user of the layer."""
    fails = "The live view is not available, calls go on"
    return FailureLog(log, fails, "The live view is back")


class ChannelListener:
    """Passes the messages of a group to `take`, and its channel's name to `joined`.

    `take` must not block: a listener that is cancelled while it does anything but
    receive would leave its channel behind.
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
        self.layer_log = failure_log()

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._join_and_listen()
            except Exception as error:  # any failure of the layer
                self.layer_log.failed(error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _join_and_listen(self) -> None:
        layer: Any = get_channel_layer()
        async with asyncio.timeout(JOIN_SECONDS):
            # The Redis layer keeps a channel that it failed to subscribe, so a message
            # goes first that fails without leaving one.
            await layer.group_send(self.group, {"type": "knock"})
            channel = await layer.new_channel()
            await layer.group_add(self.group, channel)
        self.layer_log.worked()
        self.joined(channel)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(MEMBERSHIP_SECONDS):
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
                log.exception("A message of the live view was not handled")
