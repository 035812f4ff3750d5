"""The relay socket: frames in, frames out. Decides nothing about the conversation."""

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import Any

from autobahn.exception import Disconnected
from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError, InterfaceError

from calls import relay
from calls.models import Call
from calls.session import CallSession
from calls.signatures import call_of_token, is_signed, socket_url
from calls.switchboard import switchboard

log = logging.getLogger(__name__)

# daphne takes 1000 and 3000-4999 only.
WRONG_CALL = 4403
NO_SETUP = 4408
NORMAL_CLOSURE = 1000
# The carrier introduces the call with its first frame, at once.
SETUP_SECONDS = 10.0


class RelayConsumer(AsyncWebsocketConsumer):
    """One call's socket, opened by the carrier after our TwiML."""

    # A call needs no group messages, so it must not die with a channel layer.
    channel_layer_alias = "none"

    call: Call | None = None
    session: CallSession | None = None
    patience: asyncio.TimerHandle | None = None
    closing: asyncio.Task[None] | None = None

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Handle one message, without Channels' visit to a database thread."""
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        """Accept only a signed handshake with the token of a call that is open."""
        call_sid = call_of_token(self.scope["url_route"]["kwargs"]["token"])
        if call_sid is None or not self._is_signed():
            log.warning("Relay socket refused: bad token or signature")
            return await self.close()
        self.call = await _find_call(call_sid)
        if self.call is None or call_sid in switchboard().sessions:
            log.warning("%s: relay socket refused, the call is over or taken", call_sid)
            return await self.close()
        await self.accept()
        loop = asyncio.get_running_loop()
        self.patience = loop.call_later(SETUP_SECONDS, self._give_up)

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        """Take one frame; whatever it is, the call goes on."""
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
            case relay.CarrierError(code):
                log.warning("%s: carrier error %s", self._call_sid(), code)
            case _ if self.session:
                await self.session.handle(frame)

    async def disconnect(self, code: int) -> None:
        """The socket is gone: so is the call, as far as we know."""
        if self.patience:
            self.patience.cancel()
        if self.session is None:
            return
        session, self.session = self.session, None
        if code == NORMAL_CLOSURE:
            end = Call.Status.COMPLETED, Call.EndReason.CALLER_HUNG_UP
        else:
            end = Call.Status.FAILED, Call.EndReason.CONNECTION_LOST
        try:
            await session.close(*end)
        finally:
            del switchboard().sessions[self._call_sid()]

    async def _set_up(self, setup: relay.Setup) -> None:
        if self.call is None or self.session:
            return
        taken = self.call.call_sid in switchboard().sessions
        if taken or setup.call_sid != self.call.call_sid:
            log.warning("%s: setup for another call, or a second", self._call_sid())
            return await self.close(WRONG_CALL)
        self.session = CallSession(self.call, switchboard(), self._send, self.close)
        switchboard().sessions[self.call.call_sid] = self.session
        await self.session.connected()

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


async def _find_call(call_sid: str) -> Call | None:
    """The open call of a token: as this process answered it, else from the database."""
    if call := switchboard().ringing.take(call_sid):
        return call
    try:
        return await _find_open_call(call_sid)
    except (DatabaseError, InterfaceError) as error:
        log.error("%s: the database cannot be read: %s", call_sid, type(error).__name__)
        return None


# Any free thread: all sockets of a process otherwise share a single one.
@partial(database_sync_to_async, thread_sensitive=False)
def _find_open_call(call_sid: str) -> Call | None:
    return Call.objects.open().filter(call_sid=call_sid).first()
