"""The relay socket: frames in, frames out. Decides nothing about the conversation."""

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
from calls.session.services import services
from calls.session.session import CallSession
from calls.session.socket_admission import admit
from calls.transcripts.stored_turns import earlier_turns
from calls.transcripts.writes import TokenUsed
from calls.twilio import relay
from calls.twilio.relay_tokens import read_token
from calls.twilio.signatures import is_signed

log = logging.getLogger(__name__)

# daphne takes 1000 and 3000-4999 only.
WRONG_CALL = 4403
NO_SETUP = 4408
SUPERSEDED = 4409
TOO_MUCH = 4429
NORMAL_CLOSURE = 1000
# The carrier introduces the call with its first frame, at once.
SETUP_SECONDS = 10.0
# How long a resumed call waits for its last words to be written.
FLUSH_SECONDS = 1.0


class RelayConsumer(AsyncWebsocketConsumer):
    """One call's socket, opened by the carrier after our TwiML."""

    # A call needs no group messages, so it must not die with a channel layer.
    channel_layer_alias = "none"
    session_class = CallSession
    hang_up_codes = frozenset({NORMAL_CLOSURE})

    call: Call | None = None
    earlier_turns: Sequence[Turn] = ()  # before this socket
    session: CallSession | None = None
    setup_timer: asyncio.TimerHandle | None = None
    closing: asyncio.Task[None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rate_limit = SocketRateLimit()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Handle one message, without Channels' visit to a database thread."""
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        """Accept only whoever may carry a call that is open."""
        token = self.scope["url_route"]["kwargs"]["token"]
        self.call = None if active_calls().closing else await self.authorise(token)
        if self.call is None:
            log.warning("Relay socket refused: bad or used token, or no open call")
            metrics.REJECTED_REQUESTS.labels("socket").inc()
            return await self.close()
        # A session that has not noticed that its socket is gone.
        if stale := active_calls().sessions.get(self.call.call_sid):
            await active_calls().release(stale)
            self.closing = asyncio.create_task(stale.close_socket(SUPERSEDED))
            await services().transcripts.flush(FLUSH_SECONDS)
        self.call.relay_nonce = ""
        active_calls().connecting.expect(self.call)  # its introduction is to come
        said = await earlier_turns(self.call) if self.call.reconnects else []
        if said is None:
            return await self._reject(self.call)
        self.earlier_turns = said
        active_calls().disconnected.claim(self.call.call_sid)
        await self.accept()
        loop = asyncio.get_running_loop()
        self.setup_timer = loop.call_later(SETUP_SECONDS, self._give_up)

    async def authorise(self, token: str) -> Call | None:
        """The call that this handshake may carry, once; None: it may carry none."""
        found = read_token(token) if self._is_signed() else None
        if found is None:
            return None
        # Until it is introduced it counts as ringing: a process told to stop waits.
        return await admit(*found, fallback=partial(_admit, *found))

    async def _reject(self, call: Call) -> None:
        """Have the carrier ask again how a call goes on whose words cannot be read.

        A session that knows nothing of them would greet anew, and write over them.
        """
        active_calls().connecting.claim(call.call_sid)
        active_calls().disconnected.expect(call)
        metrics.REJECTED_REQUESTS.labels("socket").inc()
        await self.close()

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        """Take one frame; whatever it is, the call goes on."""
        if not self._admits(text_data or bytes_data or ""):
            return
        frame = relay.parse(text_data) if text_data else None
        try:
            await self._take(frame)
        except Exception:
            # An error of ours must cost a frame, not a call.
            log.exception("%s: a frame was not handled", self._call_sid())

    async def _take(self, frame: relay.Frame | None) -> None:
        match frame:
            case None:
                log.debug("%s: frame ignored", self._call_sid())
            case relay.Setup():
                await self._set_up(frame)
            case event if self.session and not self._is_flood(event):
                await self.session.handle(event)

    async def disconnect(self, code: int) -> None:
        """The socket is gone: so is the call, where it was closed in good order."""
        if self.setup_timer:
            self.setup_timer.cancel()
        if self.session is None:
            return
        session, self.session = self.session, None
        try:
            if code in self.hang_up_codes:
                end = Call.Status.COMPLETED, Call.EndReason.CALLER_HUNG_UP
                await session.close(*end)
            else:
                await self.on_lost(session)
        finally:
            active_calls().remove(session)

    async def on_lost(self, session: CallSession) -> None:
        """The socket broke; the carrier asks how to go on, and anybody may answer."""
        await active_calls().release(session)

    async def _set_up(self, setup: relay.Setup) -> None:
        if self.call is None or self.session:
            return
        taken = self.call.call_sid in active_calls().sessions
        if taken or setup.call_sid != self.call.call_sid:
            log.warning("%s: setup for another call, or a second", self._call_sid())
            return await self.close(WRONG_CALL)
        self.session = self.session_class(self.call, services(), self._send, self.close)
        active_calls().sessions[self.call.call_sid] = self.session
        active_calls().connecting.claim(self.call.call_sid)
        await self.session.start(setup, self.earlier_turns)

    def _admits(self, frame: str | bytes) -> bool:
        """Whether a frame is within what a carrier may send; far above, we hang up."""
        verdict = self.rate_limit.frame(len(frame), monotonic())
        if verdict is FrameDecision.CLOSE:
            dropped = self.rate_limit.dropped
            log.warning(
                "%s: closed after %d frames too many", self._call_sid(), dropped
            )
            self.closing = asyncio.create_task(self.close(TOO_MUCH))
        if verdict is not FrameDecision.TAKE:
            self._dropped()
        return verdict is FrameDecision.TAKE

    def _is_flood(self, event: relay.RelayEvent) -> bool:
        """Whether more is asked for than any caller could ask."""
        asks = isinstance(event, DtmfReceived) or (
            isinstance(event, CallerSpoke) and event.final
        )
        if not asks or self.rate_limit.prompt(monotonic()):
            return False
        self._dropped()
        return True

    def _dropped(self) -> None:
        metrics.RATE_LIMITED_FRAMES.inc()
        if self.rate_limit.dropped == 1:
            log.warning("%s: too many frames, some are dropped", self._call_sid())

    def _give_up(self) -> None:
        """Close a socket that never said which call it carries."""
        if self.session is None:
            self.closing = asyncio.create_task(self.close(NO_SETUP))

    async def _send(self, frame: str) -> None:
        # On a caller who has just hung up; `disconnect` is about to tell.
        with suppress(Disconnected):
            await self.send(text_data=frame)

    def _is_signed(self) -> bool:
        headers = dict(self.scope["headers"])
        signature = headers.get(b"x-twilio-signature", b"").decode("latin-1")
        return is_signed(socket_url(self.scope["path"]), {}, signature)

    def _call_sid(self) -> str:
        return self.call.call_sid if self.call else "unknown"


def _admit(call_sid: str, nonce: str) -> Call | None:
    """The call that rings here with that nonce, without asking the database."""
    call = active_calls().connecting.claim(call_sid, nonce)
    if call:
        services().transcripts.put(TokenUsed(call.pk, nonce))
    return call
