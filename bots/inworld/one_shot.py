"""One question to Inworld from a page of the desk, apart from every call."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from django.conf import settings

from bots.inworld.api_key import lacks_key
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


def ask(question: Callable[[Inworld], Awaitable[Answer]], seconds: float) -> Answer:
    """Put the question with a client of its own and wait `seconds` at most.

    For a thread without a running loop. Its own loop, so that reading a long answer
    holds up none of the calls. Raises only `InworldError`s.
    """

    async def asked() -> Answer:
        inworld = Inworld(settings.INWORLD_BASE_URL, settings.INWORLD_API_KEY)
        try:
            async with asyncio.timeout(seconds):
                return await question(inworld)
        except TimeoutError as error:
            raise InworldTimeout(f"Nothing came within {seconds:g} seconds") from error
        finally:
            await inworld.aclose()

    return asyncio.run(asked())


def operator_message(error: InworldError) -> str:
    """Tell an operator what went wrong, and what to do about it."""
    match error:
        case BadCredentials() if lacks_key():
            return "INWORLD_API_KEY is not set. Put a key from Inworld's portal there."
        case BadCredentials():
            return (
                "Inworld refuses INWORLD_API_KEY. Copy it again from Inworld's portal."
            )
        case RateLimited():
            return "Inworld is asked too much at once just now. Try again in a moment."
        case InworldTimeout():
            return "Inworld did not answer in time. Try again in a moment."
        case InworldUnavailable():
            return "Inworld cannot be reached from this server at the moment."
        case InworldRejected(status=status) if status >= 500:
            return "Inworld has trouble of its own at the moment. Try again later."
        case InworldRejected(message=message):
            return f"Inworld refuses this: {message}"
    return str(error)
