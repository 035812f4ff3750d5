"""One request to Inworld, outside of calls: for pages of the admin and console."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from django.conf import settings

from bots.inworld.api_key import KEY_LACKS_PERMISSION, KEY_REFUSED, lacks_key
from bots.inworld.client import Inworld
from bots.inworld.errors import (
    BadCredentials,
    InworldError,
    InworldRejected,
    InworldTimeout,
    InworldUnavailable,
    RateLimited,
)

Answer = TypeVar("Answer")


def ask_once(
    question: Callable[[Inworld], Awaitable[Answer]], seconds: float
) -> Answer:
    """Ask with a client of its own, for at most `seconds`.

    For a thread without a running loop: the loop of its own keeps a long answer from
    delaying calls. Raises only `InworldError`s.
    """

    async def ask() -> Answer:
        inworld = Inworld(settings.INWORLD_BASE_URL, settings.INWORLD_API_KEY)
        try:
            async with asyncio.timeout(seconds):
                return await question(inworld)
        except TimeoutError as error:
            raise InworldTimeout(f"Nothing came within {seconds:g} seconds") from error
        finally:
            await inworld.aclose()

    return asyncio.run(ask())


def operator_message(error: InworldError) -> str:
    """The problem in words for an operator, and a remedy."""
    match error:
        case BadCredentials() if lacks_key():
            return "INWORLD_API_KEY is not set. Put a key from Inworld's portal there."
        case BadCredentials(status=403):
            return KEY_LACKS_PERMISSION
        case BadCredentials():
            return KEY_REFUSED
        case RateLimited():
            return (
                "Inworld gets too many requests at the moment. Try again soon. If this "
                "happens often, set INWORLD_MAX_CONCURRENCY to the number of "
                "generations that your Inworld plan allows at once."
            )
        case InworldTimeout():
            return "Inworld did not answer in time. Try again in a moment."
        case InworldUnavailable():
            return "Inworld cannot be reached from this server at the moment."
        case InworldRejected(status=status) if status >= 500:
            return "Inworld has a problem at the moment. Try again later."
        case InworldRejected(message=message):
            return f"Inworld refuses this: {message}"
    return str(error)
