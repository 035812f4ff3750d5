"""A test call's socket: the browser plays the carrier's part."""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from django.core.signing import BadSignature, TimestampSigner

from calls.db import run_in_db_thread
from calls.models import Call
from calls.review.latency_waterfall import Stage, stages
from calls.review.tool_call_view import use_of
from calls.session.active_calls import active_calls
from calls.session.consumer import NORMAL_CLOSURE, RelayConsumer
from calls.session.services import Services
from calls.session.session import CallSession
from calls.transcripts.writes import CallClosed, TransferStarted, TurnWrite, Write
from calls.transfer import Transfer, pending
from calls.turns.heard_text import heard_and_not
from calls.turns.turn import COLLECT_DIGITS, Turn, TurnKind
from calls.twilio.relay_tokens import TOKEN_LIFETIME_SECONDS
from calls.twilio.twiml import screening_prompt

# What a browser says when its page is closed or left.
GOING_AWAY = 1001
# The page hangs up with this, to be told first how much of the last words was heard.
HANG_UP = '{"type":"test.hangUp"}'
# To try a bot is part of editing it, and it costs what a call costs.
PERMISSION = "bots.change_bot"


def may_test(user: Any) -> bool:
    """Whether someone may hold test calls; reads the database."""
    return bool(user.is_active and user.is_staff and user.has_perm(PERMISSION))


def talk_token(call_sid: str, user: Any) -> str:
    """A token for the socket's path: for this call, and for who makes it."""
    return _signer().sign_object([call_sid, user.pk])


def call_of(
    token: str, user: Any, *, lifetime: int | None = TOKEN_LIFETIME_SECONDS
) -> str | None:
    """The call SID of a token that this person was given; None: it is not good."""
    try:
        call_sid, user_id = _signer().unsign_object(token, max_age=lifetime)
    except (BadSignature, ValueError, TypeError):
        return None
    return str(call_sid) if user.pk is not None and user.pk == user_id else None


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="voicebot.talk", sep=".")


class TestCallSession(CallSession):
    """A call whose page is shown each turn as it goes into the transcript."""

    def __init__(
        self,
        call: Call,
        services: Services,
        send: Callable[[str], Awaitable[None]],
        close_socket: Callable[..., Coroutine[Any, Any, None]],
    ) -> None:
        self.outbox: deque[str] = deque()
        self.send_update = send
        super().__init__(call, services, self._send_in_order, close_socket)

    def _write(self, write: Write) -> None:
        super()._write(write)
        match write:
            case TurnWrite(_, turn):
                self.outbox.append(turn_frame(turn))
            case CallClosed(_, _, reason):
                self.outbox.append(ended_frame(reason))
            case TransferStarted(_, transfer):
                self.outbox.append(transfer_frame(Transfer.of(transfer)))
        self.tasks.start(self._tell_all())

    async def _send_in_order(self, frame: str) -> None:
        # After the relay's `end` the page listens no more.
        await self._tell_all()
        await self.send_update(frame)

    async def _tell_all(self) -> None:
        while self.outbox:
            await self.send_update(self.outbox.popleft())


class TestCallConsumer(RelayConsumer):
    """The same socket as the carrier's, for an operator's browser."""

    session_class = TestCallSession
    hang_up_codes = frozenset({NORMAL_CLOSURE, GOING_AWAY})

    async def authorise(self, token: str) -> Call | None:
        """The call of this token, if it was made by who opens the socket."""
        user = self.scope["user"]
        call_sid = call_of(token, user)
        taken = call_sid is None or call_sid in active_calls().sessions
        if taken or not await _may_talk(user):
            return None
        call = await Call.objects.open().filter(call_sid=call_sid).afirst()
        if call is None or pending(call.transfer):  # the page decides on that first
            return None
        # Why the caller is back from a person is told once.
        fresh = {"transfer": {}, "relay_nonce": ""}
        await Call.objects.filter(pk=call.pk).aupdate(**fresh)
        return call

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        """Take one frame of the carrier's protocol, or the page's hanging up."""
        if text_data == HANG_UP:
            return await self._hang_up()
        await super().receive(text_data, bytes_data)

    async def on_lost(self, session: CallSession) -> None:
        """The page is gone: no carrier will ask how to go on."""
        await session.close(Call.Status.FAILED, Call.EndReason.CONNECTION_LOST)

    async def _hang_up(self) -> None:
        if self.session:
            end = Call.Status.COMPLETED, Call.EndReason.CALLER_HUNG_UP
            await self.session.close(*end)
        # A task, so that it comes after the frames that this has just caused.
        self.closing = asyncio.create_task(self.close(NORMAL_CLOSURE))


_may_talk = run_in_db_thread(may_test)


def turn_frame(turn: Turn) -> str:
    """A turn as the page shows it; how much was heard is known once it has ended."""
    said, unheard = heard_and_not(turn)
    did = use_of(turn.tool_call, turn.latency_ms)
    return json.dumps(
        {
            "type": "test.turn",
            "index": turn.index,
            "role": turn.role,
            "consent": turn.kind is TurnKind.CONSENT,
            "filler": turn.kind is TurnKind.FILLER,
            "use": did.to_json() if did else None,
            "works": _is_at_work(turn),
            "said": said,
            "unheard": unheard,
            "interrupted": turn.interrupted,
            "error": turn.error,
            "stages": [_shape(stage) for stage in stages(turn.latency_ms)],
        }
    )


def _is_at_work(turn: Turn) -> bool:
    """Whether the caller waits for a tool; what is to be typed the bot waits for."""
    return bool(
        turn.tool_call
        and turn.ended_at is None
        and turn.tool_call.name != COLLECT_DIGITS
    )


def transfer_frame(transfer: Transfer) -> str:
    """Whom the carrier would ring up now, and what they would hear."""
    announced = screening_prompt(transfer) if transfer.announce else ""
    who = {"name": transfer.name, "number": transfer.number}
    return json.dumps({"type": "test.transfer", **who, "announcement": announced})


def _shape(stage: Stage) -> dict[str, Any]:
    shown = ("name", "label", "end_ms", "took_ms", "left", "width")
    return {name: getattr(stage, name) for name in shown}


def ended_frame(reason: str) -> str:
    """Why the call is over, in words."""
    return json.dumps({"type": "test.ended", "reason": Call.EndReason(reason).label})
