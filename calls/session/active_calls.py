"""Calls of this process: in progress, expected, disconnected; and whether it drains."""

import asyncio
from collections import OrderedDict
from functools import lru_cache
from time import monotonic

from django.conf import settings

from calls.models import Call
from calls.session.session import CallSession


class ExpectedCalls:
    """Calls of which the carrier will be heard soon: a socket, or a callback.

    Saves a socket the look into the database where that is away. What has not come
    within `EXPECTED_WITHIN_SECONDS` seconds comes to another process, or not at all.
    """

    EXPECTED_WITHIN_SECONDS = 20.0

    def __init__(self) -> None:
        self.calls: OrderedDict[str, tuple[Call, float]] = OrderedDict()

    def __len__(self) -> int:
        self._expire()
        return len(self.calls)

    def expect(self, call: Call) -> None:
        """Note a call of which something is to come."""
        self._expire()
        self.calls[call.call_sid] = (call, monotonic())

    def claim(self, call_sid: str, nonce: str = "") -> Call | None:
        """The call of which it has come, if it was expected here, with that nonce."""
        call, _ = self.calls.get(call_sid, (None, 0.0))
        if call is None or (nonce and call.relay_nonce != nonce):
            return None
        del self.calls[call_sid]
        return call

    def _expire(self) -> None:
        oldest = monotonic() - self.EXPECTED_WITHIN_SECONDS
        while self.calls and next(iter(self.calls.values()))[1] < oldest:
            self.calls.popitem(last=False)


class ActiveCalls:
    """The registry of this process's calls, used from its one event loop."""

    def __init__(self) -> None:
        self.sessions: dict[str, CallSession] = {}  # in progress, by call SID
        self.connecting = ExpectedCalls()  # answered here, the socket is to come
        self.disconnected = ExpectedCalls()  # socket gone, Twilio asks how to go on
        self.draining = False  # no new calls, while the process is being stopped
        self.closing = False  # nor any socket

    @property
    def is_full(self) -> bool:
        """Whether another call would be one too many for this process."""
        return len(self.sessions) + len(self.connecting) >= settings.MAX_CALLS

    @property
    def is_single_process(self) -> bool:
        """Whether no other process could go on with a call of this one."""
        return not settings.REDIS_URL

    @property
    def is_idle(self) -> bool:
        """Whether there is no call here, and none is about to come."""
        return not (self.sessions or len(self.connecting) or len(self.disconnected))

    async def release(self, session: CallSession) -> None:
        """Stop a session whose relay is gone; its call may go on in another."""
        if not session.stopping:
            self.disconnected.expect(session.call)
        await session.detach()
        self.remove(session)

    def remove(self, session: CallSession) -> None:
        """Remove a session, unless another has taken its place."""
        call_sid = session.call.call_sid
        if self.sessions.get(call_sid) is session:
            del self.sessions[call_sid]

    async def end_all(self) -> None:
        """End the calls in progress, or leave them to another process."""
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
