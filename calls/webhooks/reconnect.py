"""How a call goes on whose relay was lost: TwiML for whoever asks, in any process."""

import asyncio
import logging
from collections.abc import Mapping

from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from bots.config.phrasebook import phrasebook
from calls import metrics
from calls.models import Call
from calls.session.active_calls import switchboard
from calls.session.variables import filled, whoever_is_there
from calls.transcripts.stored_turns import spoken
from calls.twilio import twiml
from calls.webhooks.connect import OUT_OF_ORDER, farewell_document, offer
from calls.webhooks.open_call import close_call, offer_relay
from calls.webhooks.reconnect_decision import Verdict
from calls.webhooks.transfer import ring_up

log = logging.getLogger(__name__)

# The carrier waits fifteen seconds for an answer, and the caller with it.
DATABASE_SECONDS = 5.0
# How long what this process knows of a call may take to be written.
FLUSH_SECONDS = 2.0


def is_lost(form: Mapping[str, str]) -> bool:
    """Whether the carrier reports a failed session of a call that is still on."""
    failed = form.get("SessionStatus") == "failed"
    return failed and form.get("CallStatus") == "in-progress" and "CallSid" in form


async def reconnect(call_sid: str, session_id: str) -> str:
    """The TwiML for a call whose relay failed; the same however often it is asked."""
    board = switchboard()
    # This may come before the socket's end has been noticed here.
    if session := board.sessions.get(call_sid):
        await board.let_go(session)
    await board.transcripts.flush(FLUSH_SECONDS)
    can_go_on = not (board.closing and board.is_alone)
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            found, call = await offer_relay(call_sid, session_id, can_go_on=can_go_on)
            metrics.SESSIONS_LOST.labels(found).inc()
            return await _answer(found, call)
    except (DatabaseError, InterfaceError, TimeoutError) as error:
        log.error("%s: cannot go on, no database: %s", call_sid, type(error).__name__)
        metrics.trouble("database")
        return twiml.say_and_hang_up(OUT_OF_ORDER)
    finally:
        # Only now: a process that is being stopped waits for what is awaited.
        board.lost.take(call_sid)


async def _answer(found: Verdict, call: Call | None) -> str:
    if call is None:
        return twiml.hang_up()
    log.warning("%s: the relay was lost: %s", call.call_sid, found)
    match found:
        case Verdict.RECONNECT | Verdict.REPEAT:
            return offer(call)
        case Verdict.PUT_THROUGH:
            return await ring_up(call.call_sid)
        case Verdict.GIVE_UP:
            return await _give_up(call)
    return twiml.hang_up() if call.status in Call.OVER else twiml.nothing()


async def _give_up(call: Call) -> str:
    """Apologise, and put the caller through where somebody is there for it."""
    profile = await spoken(call)
    sorry = phrasebook(profile.language).line_lost
    if person := whoever_is_there(profile, timezone.now()):
        await close_call(
            call.call_sid, Call.Status.COMPLETED, Call.EndReason.TRANSFERRED
        )
        words = f"{sorry} {filled(call, profile, profile.transfer_notice)}"
        return farewell_document(call, person, words, profile.language)
    reason = Call.EndReason.CONNECTION_LOST
    if switchboard().closing:
        reason = Call.EndReason.SERVER_STOPPED
    await close_call(call.call_sid, Call.Status.FAILED, reason)
    words = f"{sorry} {filled(call, profile, profile.goodbye)}"
    return twiml.say_and_hang_up(words, profile.language)
