"""The calls of this process: in progress, connecting or disconnected."""

import asyncio
from collections import OrderedDict
from functools import lru_cache
from time import monotonic

from django.conf import settings

from calls.models import Call
from calls.session.session import CallSession


class ExpectedCalls:
    """Calls for which Twilio will soon open a socket, or request a URL.

    Lets a socket connect while the database is unavailable. After `TTL_SECONDS` the
    socket or request went to another process, or never comes.
    """

    TTL_SECONDS = 20.0

    def __init__(self) -> None:
        self.calls: OrderedDict[str, tuple[Call, float]] = OrderedDict()

    def __len__(self) -> int:
        self._expire()
        return len(self.calls)

    def expect(self, call: Call) -> None:
        """Add a call, for `TTL_SECONDS`."""
        self._expire()
        self.calls[call.call_sid] = (call, monotonic())

    def claim(self, call_sid: str, nonce: str = "") -> Call | None:
        """Remove a call and return it; None if it is not here or has another nonce."""
        call, _ = self.calls.get(call_sid, (None, 0.0))
        if call is None or (nonce and call.relay_nonce != nonce):
            return None
        del self.calls[call_sid]
        return call

    def _expire(self) -> None:
        oldest = monotonic() - self.TTL_SECONDS
        while self.calls and next(iter(self.calls.values()))[1] < oldest:
            self.calls.popitem(last=False)


class ActiveCalls:
    """The registry of this process's calls, used from its one event loop."""

    def __init__(self) -> None:
        self.sessions: dict[str, CallSession] = {}  # in progress, by call SID
        # Answered by this process; the socket is not open yet.
        self.connecting = ExpectedCalls()
        # The socket is gone; Twilio is about to ask how the call goes on.
        self.disconnected = ExpectedCalls()
        self.is_overloaded = False  # the event loop lags: no further calls
        self.draining = False  # the process is stopping: no new calls
        self.closing = False  # nor new sockets

    @property
    def is_full(self) -> bool:
        """True if this process may take no further call."""
        count = len(self.sessions) + len(self.connecting)
        return self.is_overloaded or count >= settings.MAX_CALLS

    @property
    def is_single_process(self) -> bool:
        """True if no other process can continue a call of this one."""
        return not settings.REDIS_URL

    @property
    def is_idle(self) -> bool:
        """True if no call is here, nor expected to come back."""
        return not (self.sessions or len(self.connecting) or len(self.disconnected))

    async def release(self, session: CallSession) -> None:
        """Stop a session whose socket is gone; another session may resume the call."""
        if not session.stopping:
            self.disconnected.expect(session.call)
        await session.detach()
        self.remove(session)

    def remove(self, session: CallSession) -> None:
        """Remove a session, unless another one has replaced it."""
        call_sid = session.call.call_sid
        if self.sessions.get(call_sid) is session:
            del self.sessions[call_sid]

    async def end_all(self) -> None:
        """End the calls in progress, or leave them to other processes."""
        end = Call.Status.FAILED, Call.EndReason.SERVER_STOPPED
        await asyncio.gather(
            *(
                session.close(*end)
                if self.is_single_process or session.call.is_test
                else session.detach()
                for session in list(self.sessions.values())
            )
        )


@lru_cache(maxsize=1)
def active_calls() -> ActiveCalls:
    """The calls of this process."""
    return ActiveCalls()
