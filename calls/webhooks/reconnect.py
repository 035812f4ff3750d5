"""How a call goes on whose relay was lost: TwiML for whoever asks, in any process."""

import asyncio
import logging
from collections.abc import Mapping

from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from bots.config.phrasebook import phrasebook
from calls import metrics
from calls.db import in_any_thread
from calls.models import Call
from calls.session.active_calls import switchboard
from calls.session.variables import filled, whoever_is_there
from calls.transcripts.stored_turns import spoken
from calls.transfer import pending
from calls.twilio import twiml
from calls.twilio.relay_tokens import new_nonce
from calls.webhooks.connect import OUT_OF_ORDER, farewell_document, offer
from calls.webhooks.open_call import close_call
from calls.webhooks.reconnect_decision import MAX_RECONNECTS, Standing, Verdict, verdict
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


@in_any_thread
@transaction.atomic
def offer_relay(
    call_sid: str, session_id: str, *, can_go_on: bool = True
) -> tuple[Verdict, Call | None]:
    """What becomes of a call whose relay failed; a fresh one may be offered by now."""
    # Two reports at once must not be answered with two relays.
    call = Call.objects.select_for_update().filter(call_sid=call_sid).first()
    if call is None:
        return Verdict.IGNORE, None
    standing = Standing(
        is_open=call.status not in Call.OVER,
        reconnects=call.reconnects - call.returns if can_go_on else MAX_RECONNECTS,
        lost=call.lost_sessions,
        has_offer=bool(call.relay_nonce),
        leaves=pending(call.transfer) is not None,
    )
    found = verdict(standing, session_id)
    if standing.is_open and found not in (Verdict.REPEAT, Verdict.IGNORE):
        if session_id and session_id not in call.lost_sessions:
            call.lost_sessions = [*call.lost_sessions, session_id]
        if found is Verdict.RECONNECT:
            call.reconnects += 1
            call.relay_nonce = new_nonce()
        call.save(update_fields=["lost_sessions", "reconnects", "relay_nonce"])
    return found, call
