"""Stopping a process without dropping its calls."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from time import monotonic

from django.db import DatabaseError, InterfaceError

from calls.models import Call
from calls.session.active_calls import Switchboard
from calls.webhooks.open_call import close_call

LOOK_SECONDS = 0.05
# The carrier asks how to go on within about a second of losing a socket.
CALLBACK_SECONDS = 2.5
FLUSH_SECONDS = 2.0
# How long a close frame, or an answer, may take to leave.
LEAVE_SECONDS = 0.5
# Our own word for a server that restarts; the carrier asks how to go on.
SERVICE_RESTART = 4012


async def drain(
    board: Switchboard, seconds: float, stop_listening: Callable[[], Awaitable[None]]
) -> None:
    """Let calls come to their end for so long; then let them go on elsewhere.

    Where no other process could take them, their callers hear an apology.
    """
    board.draining = True
    await _until(lambda: board.is_idle, seconds)
    # A proxy takes a refused connection to another process.
    if not board.is_alone:
        await stop_listening()
    board.closing = True
    await _hand_over(board)
    if board.is_alone:
        left = [call.call_sid for call, _ in board.lost.calls.values()]
        await _until(lambda: not len(board.lost), CALLBACK_SECONDS)
        await _close(left)


async def _close(call_sids: Iterable[str]) -> None:
    """Close calls that the carrier will not ask for; without the database, later."""
    end = Call.Status.FAILED, Call.EndReason.SERVER_STOPPED
    # Whoever starts next finds that nobody carries them.
    with suppress(DatabaseError, InterfaceError, TimeoutError):
        async with asyncio.timeout(FLUSH_SECONDS):
            for call_sid in call_sids:
                await close_call(call_sid, *end)


async def _hand_over(board: Switchboard) -> None:
    """Close all sockets, once everything said in their calls is written."""
    sessions = [session for session in board.sessions.values() if not session.over]
    if not sessions:
        return
    tests = [session for session in sessions if session.call.is_test]
    end = Call.Status.FAILED, Call.EndReason.SERVER_STOPPED
    await asyncio.gather(*(session.close(*end) for session in tests))
    await asyncio.gather(*(board.let_go(session) for session in sessions))
    await board.transcripts.flush(FLUSH_SECONDS)
    for call in (session.call for session in tests):
        board.lost.take(call.call_sid)
    await asyncio.gather(
        *(session.close_socket(SERVICE_RESTART) for session in sessions),
        return_exceptions=True,
    )
    await asyncio.sleep(LEAVE_SECONDS)


async def _until(happened: Callable[[], bool], seconds: float) -> None:
    until = monotonic() + seconds
    while not happened():
        if monotonic() >= until:
            return
        await asyncio.sleep(LOOK_SECONDS)
