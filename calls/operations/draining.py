"""Stopping a process without dropping its calls."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from time import monotonic

from django.db import DatabaseError, InterfaceError

from calls.models import Call
from calls.session.active_calls import active_calls
from calls.session.services import services
from calls.webhooks.open_call import close_call

POLL_SECONDS = 0.05
# The carrier asks how to go on within about a second of losing a socket.
CALLBACK_SECONDS = 2.5
FLUSH_SECONDS = 2.0
# How long a close frame, or an answer, may take to leave.
CLOSE_FRAME_SECONDS = 0.5
# Our own word for a server that restarts; the carrier asks how to go on.
SERVICE_RESTART = 4012


async def drain(seconds: float, stop_listening: Callable[[], Awaitable[None]]) -> None:
    """Let calls come to their end for so long; then let them go on elsewhere.

    Where no other process could take them, their callers hear an apology.
    """
    active_calls().draining = True
    await _until(lambda: active_calls().is_idle, seconds)
    # A proxy takes a refused connection to another process.
    if not active_calls().is_single_process:
        await stop_listening()
    active_calls().closing = True
    await _hand_over()
    if active_calls().is_single_process:
        left = [call.call_sid for call, _ in active_calls().disconnected.calls.values()]
        await _until(lambda: not len(active_calls().disconnected), CALLBACK_SECONDS)
        await _close(left)


async def _close(call_sids: Iterable[str]) -> None:
    """Close calls that the carrier will not ask for; without the database, later."""
    end = Call.Status.FAILED, Call.EndReason.SERVER_STOPPED
    # Whoever starts next finds that nobody carries them.
    with suppress(DatabaseError, InterfaceError, TimeoutError):
        async with asyncio.timeout(FLUSH_SECONDS):
            for call_sid in call_sids:
                await close_call(call_sid, *end)


async def _hand_over() -> None:
    """Close all sockets, once everything said in their calls is written."""
    sessions = [
        session for session in active_calls().sessions.values() if not session.over
    ]
    if not sessions:
        return
    tests = [session for session in sessions if session.call.is_test]
    end = Call.Status.FAILED, Call.EndReason.SERVER_STOPPED
    await asyncio.gather(*(session.close(*end) for session in tests))
    await asyncio.gather(*(active_calls().release(session) for session in sessions))
    await services().transcripts.flush(FLUSH_SECONDS)
    for call in (session.call for session in tests):
        active_calls().disconnected.claim(call.call_sid)
    await asyncio.gather(
        *(session.close_socket(SERVICE_RESTART) for session in sessions),
        return_exceptions=True,
    )
    await asyncio.sleep(CLOSE_FRAME_SECONDS)


async def _until(happened: Callable[[], bool], seconds: float) -> None:
    until = monotonic() + seconds
    while not happened():
        if monotonic() >= until:
            return
        await asyncio.sleep(POLL_SECONDS)
