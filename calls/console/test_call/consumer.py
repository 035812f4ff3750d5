"""A test call's WebSocket: the browser stands in for Twilio."""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django.core.signing import BadSignature, TimestampSigner

from bots.access.scope import visible
from bots.config.bot_config import BotConfig
from bots.config.text import read_json
from calls.console.test_call.tape import BrowserTape
from calls.conversation.events import CallerSpoke, DtmfReceived
from calls.db import run_in_db_thread
from calls.models import Call
from calls.recordings.local import store
from calls.recordings.recorder import Recorder
from calls.review.latency_waterfall import Stage, stages
from calls.review.tool_call_view import tool_call_view
from calls.session.active_calls import active_calls
from calls.session.consumer import NORMAL_CLOSURE, RelayConsumer
from calls.session.services import Services
from calls.session.session import CallSession
from calls.transcripts.clock import Clock
from calls.transcripts.writes import CallClosed, TransferStarted, TurnWrite, Write
from calls.transfer import Transfer, pending
from calls.turns.clip import Clip
from calls.turns.heard_text import heard_and_not
from calls.turns.recording import RecordingState
from calls.turns.turn import COLLECT_DIGITS, Turn, TurnKind
from calls.twilio import relay
from calls.twilio.relay_tokens import TOKEN_LIFETIME_SECONDS
from calls.twilio.twiml import screening_prompt

log = logging.getLogger(__name__)

# A browser's close code when its page is closed or left.
GOING_AWAY = 1001
# The page hangs up with this frame, to receive the last turn before the close.
HANG_UP = '{"type":"test.hangUp"}'
# Testing a bot is part of editing it, and it costs what a call costs.
PERMISSION = "bots.change_bot"
# The page reports with such frames what is heard.
HEARD_FRAMES = '{"type":"test.play'
# The end of a call waits so long for its recording to be stored.
STORE_SECONDS = 5.0
# The longest text that the page can have read aloud, in characters.
MAX_READ = 2000


def open_call(user: Any, call_sid: str) -> Call | None:
    """The open test call, if the user may test its bot. Reads the database."""
    if not (user.is_active and user.is_staff):
        return None
    calls = Call.objects.open().filter(call_sid=call_sid)
    return visible(calls, user, PERMISSION).first()


def call_token(call_sid: str, user: Any) -> str:
    """A token for the WebSocket's path, valid for this call and this user."""
    return _signer().sign_object([call_sid, user.pk])


def call_of(
    token: str, user: Any, *, lifetime: int | None = TOKEN_LIFETIME_SECONDS
) -> str | None:
    """The call SID in a token of this user; None if the token is not valid."""
    try:
        call_sid, user_id = _signer().unsign_object(token, max_age=lifetime)
    except (BadSignature, ValueError, TypeError):
        return None
    return str(call_sid) if user.pk is not None and user.pk == user_id else None


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="voicebot.test-call", sep=".")


class TestCallSession(CallSession):
    """A session that also sends each written turn to the page."""

    def __init__(
        self,
        call: Call,
        services: Services,
        send: Callable[[str], Awaitable[None]],
        close_socket: Callable[..., Coroutine[Any, Any, None]],
        config: BotConfig,
    ) -> None:
        self.outbox: deque[str] = deque()
        self.send_update = send
        super().__init__(call, services, self._send_in_order, close_socket, config)
        self.tape = BrowserTape(services.clips.get)
        self.clip_ids: dict[str, str] = {}  # of clips that were sent, by their paths
        self.is_stored = False

    def make_recorder(self, setup: relay.Setup) -> Recorder:
        """The browser takes Twilio's part, so that the sound stays here."""
        return self.tape

    async def handle(self, event: relay.RelayEvent) -> None:
        """Record the caller's words and keys, too."""
        match event:
            case CallerSpoke(final=True, text=text):
                self.tape.says(text, self.conversation.config.language)
            case DtmfReceived(digit):
                self.tape.presses(digit)
        await super().handle(event)

    async def close(self, status: Call.Status, reason: Call.EndReason) -> None:
        """Store the recording, too."""
        self.tape.set_state(RecordingState.OFF)
        await super().close(status, reason)
        if not self.is_stored:
            self.is_stored = True
            storing = asyncio.ensure_future(_store(self.call, self.tape, self.clock))
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(storing), STORE_SECONDS)

    def heard(self, frame: Any) -> None:
        """The page began to play something, or has played it."""
        match frame:
            case {"type": "test.played", "seconds": int() | float() as seconds}:
                self.tape.stops(float(seconds))
            case {"type": "test.plays", "clip": str(path)} if path in self.clip_ids:
                playing = self.tape.plays()
                self.tasks.start(self.tape.load(playing, self.clip_ids[path]))
            case {"type": "test.plays", "text": str(text)} if text:
                self.tape.plays(text[:MAX_READ], self.conversation.config.language)

    async def _play(self, clip: Clip, *, interruptible: bool) -> None:
        if clip.url:
            self.clip_ids[urlsplit(clip.url).path] = clip.id
        await super()._play(clip, interruptible=interruptible)

    def _write(self, write: Write) -> None:
        super()._write(write)
        match write:
            case TurnWrite(_, turn):
                self.outbox.append(turn_frame(turn))
            case CallClosed(_, _, reason):
                self.outbox.append(ended_frame(reason))
            case TransferStarted(_, transfer):
                self.outbox.append(
                    transfer_frame(Transfer.of(transfer), self.conversation.config)
                )
        self.tasks.start(self._send_updates())

    async def _send_in_order(self, frame: str) -> None:
        # The page stops reading at the relay's `end` frame.
        await self._send_updates()
        await self.send_update(frame)

    async def _send_updates(self) -> None:
        while self.outbox:
            await self.send_update(self.outbox.popleft())


class TestCallConsumer(RelayConsumer):
    """The relay's WebSocket, for an operator's browser."""

    session_class = TestCallSession
    hang_up_codes = frozenset({NORMAL_CLOSURE, GOING_AWAY})

    async def authorise(self, token: str) -> Call | None:
        """The call of this token, if the WebSocket's user made it."""
        user = self.scope["user"]
        call_sid = call_of(token, user)
        is_connected = call_sid in active_calls().sessions
        if call_sid is None or is_connected:
            return None
        call = await _open_call(user, call_sid)
        if call is None or pending(call.transfer):  # the operator decides that first
            return None
        # The reason why a transfer failed is used once.
        await Call.objects.filter(pk=call.pk).aupdate(transfer={}, relay_nonce="")
        return call

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        """Handle a frame of the relay protocol, or `test.hangUp`."""
        if text_data == HANG_UP:
            return await self._hang_up()
        session = self.session
        if text_data and text_data.startswith(HEARD_FRAMES):
            if self._admits(text_data) and isinstance(session, TestCallSession):
                session.heard(read_json(text_data, default=None))
            return None
        await super().receive(text_data, bytes_data)

    async def on_lost(self, session: CallSession) -> None:
        """Close the call: unlike Twilio, the page does not reconnect."""
        await session.close(Call.Status.FAILED, Call.EndReason.CONNECTION_LOST)

    async def _hang_up(self) -> None:
        if self.session:
            await self.session.close(
                Call.Status.COMPLETED, Call.EndReason.CALLER_HUNG_UP
            )
        # A task, so that the frames caused by the above are sent first.
        self.closing = asyncio.create_task(self.close(NORMAL_CLOSURE))


_open_call = run_in_db_thread(open_call)


@run_in_db_thread
def _store(call: Call, tape: BrowserTape, clock: Clock) -> None:
    try:
        if finished := tape.finished(clock.started_at):
            store(call, finished)
    except Exception:
        # It would end the socket's task, and the session stayed in the registry.
        log.exception("%s: the recording of a test call is lost", call.call_sid)


def turn_frame(turn: Turn) -> str:
    """A turn as the page shows it."""
    heard, not_heard = heard_and_not(turn)
    tool_call = tool_call_view(turn.tool_call, turn.latency_ms)
    return json.dumps(
        {
            "type": "test.turn",
            "index": turn.index,
            "role": turn.role,
            "consent": turn.kind is TurnKind.CONSENT,
            "filler": turn.kind is TurnKind.FILLER,
            "toolCall": tool_call.to_json() if tool_call else None,
            "working": _is_working(turn),
            "heard": heard,
            "notHeard": not_heard,
            "interrupted": turn.interrupted,
            "error": turn.error,
            "stages": [_stage(stage) for stage in stages(turn.latency_ms)],
        }
    )


def _is_working(turn: Turn) -> bool:
    """True while the caller waits for a tool; for digits, the bot waits instead."""
    return bool(
        turn.tool_call
        and turn.ended_at is None
        and turn.tool_call.name != COLLECT_DIGITS
    )


def transfer_frame(transfer: Transfer, config: BotConfig) -> str:
    """The person whom Twilio would call now, and the announcement they would hear."""
    announcement = screening_prompt(transfer, config) if transfer.announce else ""
    return json.dumps(
        {
            "type": "test.transfer",
            "name": transfer.name,
            "number": transfer.number,
            "announcement": announcement,
        }
    )


def _stage(stage: Stage) -> dict[str, Any]:
    fields = ("name", "label", "end_ms", "took_ms", "left", "width")
    return {name: getattr(stage, name) for name in fields}


def ended_frame(reason: str) -> str:
    """The reason why the call is over, in words."""
    return json.dumps({"type": "test.ended", "reason": Call.EndReason(reason).label})
