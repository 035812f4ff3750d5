"""Stops a process without dropping its calls."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from time import monotonic

from calls.db import DatabaseUnavailable, database_deadline
from calls.models import Call
from calls.session.active_calls import active_calls
from calls.session.services import services
from calls.webhooks.open_call import close_call

POLL_SECONDS = 0.05
# Within about a second of losing a socket, Twilio requests the <Connect> action URL.
CALLBACK_SECONDS = 2.5
FLUSH_SECONDS = 2.0
# How long a close frame, or a response, may take to leave.
CLOSE_FRAME_SECONDS = 0.5
# Our own close code; Twilio then requests the action URL.
SERVICE_RESTART = 4012


async def drain(seconds: float, stop_listening: Callable[[], Awaitable[None]]) -> None:
    """Let calls end by themselves for `seconds`, then leave them to other processes.

    If there is no other process, their callers hear an apology.
    """
    active_calls().draining = True
    await _until(lambda: active_calls().is_idle, seconds)
    # A proxy sends refused connections to another process.
    if not active_calls().is_single_process:
        await stop_listening()
    active_calls().closing = True
    await _release_calls()
    if active_calls().is_single_process:
        left = [call.call_sid for call, _ in active_calls().disconnected.calls.values()]
        await _until(lambda: not len(active_calls().disconnected), CALLBACK_SECONDS)
        await _close(left)


async def _close(call_sids: Iterable[str]) -> None:
    """Close calls whose action URL Twilio has not requested."""
    end = Call.Status.FAILED, Call.EndReason.SERVER_STOPPED
    # If the database is unavailable, the next process's reaper closes them.
    with suppress(DatabaseUnavailable):
        async with database_deadline(FLUSH_SECONDS):
            for call_sid in call_sids:
                await close_call(call_sid, *end)


async def _release_calls() -> None:
    """Close all sockets, after writing everything said in their calls."""
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


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = monotonic() + seconds
    while not condition():
        if monotonic() >= deadline:
            return
        await asyncio.sleep(POLL_SECONDS)
