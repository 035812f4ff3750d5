"""The ConversationRelay WebSocket of a call: frames to events, and back."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

from autobahn.exception import Disconnected
from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer

from calls import metrics
from calls.conversation.events import CallerSpoke, DtmfReceived
from calls.models import Call, Turn
from calls.public_urls import socket_url
from calls.session.active_calls import active_calls
from calls.session.rate_limit import FrameDecision, SocketRateLimit
from calls.session.resume_event import session_config
from calls.session.services import services
from calls.session.session import CallSession
from calls.session.socket_admission import admit
from calls.trace.recording import NOT_TRACED, CallTrace, trace_of
from calls.transcripts.stored_turns import earlier_turns
from calls.transcripts.writes import TokenUsed
from calls.twilio import relay
from calls.twilio.relay_tokens import read_token
from calls.twilio.signatures import Signature, is_signed, why_refused

log = logging.getLogger(__name__)

# daphne takes 1000 and 3000-4999 only.
WRONG_CALL = 4403
NO_SETUP = 4408
SUPERSEDED = 4409
TOO_MUCH = 4429
NORMAL_CLOSURE = 1000
# Twilio's first frame is `setup`, sent at once.
SETUP_SECONDS = 10.0
# How long a resumed call waits until its earlier turns are written.
FLUSH_SECONDS = 1.0


class RelayConsumer(AsyncWebsocketConsumer):
    """The socket that Twilio opens for one call after our `<Connect>` TwiML."""

    # A call needs no group messages, so the layer's failures must not end it.
    channel_layer_alias = "none"
    session_class = CallSession
    hang_up_codes = frozenset({NORMAL_CLOSURE})

    call: Call | None = None
    earlier_turns: Sequence[Turn] = ()  # of the call's earlier sockets
    session: CallSession | None = None
    setup_timer: asyncio.TimerHandle | None = None
    closing: asyncio.Task[None] | None = None
    trace: CallTrace = NOT_TRACED

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rate_limit = SocketRateLimit()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Handle a message, without the database thread that Channels' own visits."""
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        """Accept the socket if its token admits it to an open call."""
        token = self.scope["url_route"]["kwargs"]["token"]
        self.call = None if active_calls().closing else await self.authorise(token)
        if self.call is None:
            log.warning("Relay socket refused: bad or used token, or no open call")
            metrics.REJECTED_REQUESTS.labels("socket").inc()
            return await self.close()
        # A session that has not noticed yet that its socket is gone.
        if stale := active_calls().sessions.get(self.call.call_sid):
            await active_calls().release(stale)
            self.closing = asyncio.create_task(stale.close_socket(SUPERSEDED))
            await services().transcripts.flush(FLUSH_SECONDS)
        self.call.relay_nonce = ""
        active_calls().connecting.expect(self.call)  # until its `setup` frame
        turns = await earlier_turns(self.call) if self.call.reconnects else []
        if turns is None:
            return await self._reject(self.call)
        self.earlier_turns = turns
        active_calls().disconnected.claim(self.call.call_sid)
        await self.accept()
        self.trace = trace_of(self.call.call_sid)
        self.trace.opened(self.call.settings)
        loop = asyncio.get_running_loop()
        self.setup_timer = loop.call_later(SETUP_SECONDS, self._on_no_setup)

    async def authorise(self, token: str) -> Call | None:
        """The call that this handshake is for; None if it is not valid.

        Uses the token up, so a second handshake with it fails.
        """
        call_and_nonce = read_token(token) if self._is_signed() else None
        if call_and_nonce is None:
            return None
        return await admit(
            *call_and_nonce, fallback=partial(_admit_from_memory, *call_and_nonce)
        )

    async def _reject(self, call: Call) -> None:
        """Refuse a call whose earlier turns cannot be read; Twilio then asks again.

        A session without them would greet the caller anew and overwrite them.
        """
        active_calls().connecting.claim(call.call_sid)
        active_calls().disconnected.expect(call)
        metrics.REJECTED_REQUESTS.labels("socket").inc()
        await self.close()

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        """Handle one frame. An invalid one never ends the call."""
        if not self._admits(text_data or bytes_data or ""):
            return
        self.trace.frame_in(text_data, bytes_data, self.session)
        frame = relay.parse(text_data) if text_data else None
        try:
            await self._handle(frame)
        except Exception:
            # An error of ours costs a frame, not a call.
            log.exception("%s: a frame was not handled", self._call_sid())

    async def _handle(self, frame: relay.Frame | None) -> None:
        match frame:
            case None:
                log.debug("%s: frame ignored", self._call_sid())
            case relay.Setup():
                await self._set_up(frame)
            case event if self.session and not self._is_flood(event):
                await self.session.handle(event)

    async def disconnect(self, code: int) -> None:
        """End the call if the caller hung up; else expect a reconnect."""
        if self.setup_timer:
            self.setup_timer.cancel()
        self.trace.closed(code)
        if self.session is None:
            return
        session, self.session = self.session, None
        try:
            if code in self.hang_up_codes and not session.is_failed:
                end = Call.Status.COMPLETED, Call.EndReason.CALLER_HUNG_UP
                await session.close(*end)
            else:
                await self.on_lost(session)
        finally:
            active_calls().remove(session)

    async def on_lost(self, session: CallSession) -> None:
        """The socket broke: Twilio now asks any process how the call goes on."""
        await active_calls().release(session)

    async def _set_up(self, setup: relay.Setup) -> None:
        if self.call is None or self.session:
            return
        is_taken = self.call.call_sid in active_calls().sessions
        if is_taken or setup.call_sid != self.call.call_sid:
            log.warning("%s: setup for another call, or a second", self._call_sid())
            return await self.close(WRONG_CALL)
        config = session_config(self.call, self.earlier_turns)
        self.session = self.session_class(
            self.call, services(), self._send, self.close, config
        )
        self.session.trace = self.trace
        active_calls().sessions[self.call.call_sid] = self.session
        active_calls().connecting.claim(self.call.call_sid)
        await self.session.start(setup, self.earlier_turns)

    def _admits(self, frame: str | bytes) -> bool:
        """True if the rate limit admits the frame; far above it, close the socket."""
        decision = self.rate_limit.frame(len(frame), monotonic())
        if decision is FrameDecision.CLOSE:
            dropped = self.rate_limit.dropped
            log.warning(
                "%s: closed after %d frames too many", self._call_sid(), dropped
            )
            self.closing = asyncio.create_task(self.close(TOO_MUCH))
        if decision is not FrameDecision.TAKE:
            self._count_dropped()
        return decision is FrameDecision.TAKE

    def _is_flood(self, event: relay.RelayEvent) -> bool:
        """True for a prompt or key above the rate of any caller."""
        is_prompt = isinstance(event, DtmfReceived) or (
            isinstance(event, CallerSpoke) and event.final
        )
        if not is_prompt or self.rate_limit.prompt(monotonic()):
            return False
        self._count_dropped()
        return True

    def _count_dropped(self) -> None:
        metrics.RATE_LIMITED_FRAMES.inc()
        if self.rate_limit.dropped == 1:
            log.warning("%s: too many frames, some are dropped", self._call_sid())

    def _on_no_setup(self) -> None:
        if self.session is None:
            self.closing = asyncio.create_task(self.close(NO_SETUP))

    async def _send(self, frame: str) -> None:
        self.trace.frame_out(frame)
        # If the caller has just hung up, `disconnect` comes next.
        with suppress(Disconnected):
            await self.send(text_data=frame)

    def _is_signed(self) -> bool:
        signature = Signature.of_socket(self.scope["headers"])
        if is_signed(socket_url(self.scope["path"]), {}, signature):
            return True
        log.warning("Relay socket refused: %s", why_refused(signature))
        return False

    def _call_sid(self) -> str:
        return self.call.call_sid if self.call else "unknown"


def _admit_from_memory(call_sid: str, nonce: str) -> Call | None:
    """The call with that nonce if this process has just answered it."""
    call = active_calls().connecting.claim(call_sid, nonce)
    if call:
        services().transcripts.put(TokenUsed(call.pk, nonce))
    return call
