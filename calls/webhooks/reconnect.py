"""How a call goes on whose relay was lost: TwiML for whoever asks, in any process."""

import logging
from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from bots.config.phrasebook import phrasebook
from calls import metrics
from calls.db import DatabaseUnavailable, database_deadline, run_in_db_thread
from calls.models import Call
from calls.session.active_calls import active_calls
from calls.session.services import services
from calls.session.variables import fill_for_call, first_available_target
from calls.transcripts.stored_turns import load_turns
from calls.transfer import pending
from calls.twilio import twiml
from calls.twilio.relay_tokens import new_nonce
from calls.webhooks.connect import OUT_OF_ORDER, final_transfer_document, relay_twiml
from calls.webhooks.open_call import close_call
from calls.webhooks.reconnect_decision import (
    MAX_RECONNECTS,
    ReconnectDecision,
    RelayState,
    decide,
)
from calls.webhooks.signed_requests import DATABASE_SECONDS
from calls.webhooks.transfer import dial_target

log = logging.getLogger(__name__)

# Time limit for writing what this process knows of the call.
FLUSH_SECONDS = 2.0

for decision in ReconnectDecision:
    metrics.RELAY_DISCONNECTS.labels(decision)  # zero is a figure too


def is_lost(form: Mapping[str, str]) -> bool:
    """Whether the carrier reports a failed session of a call that is still on."""
    failed = form.get("SessionStatus") == "failed"
    return failed and form.get("CallStatus") == "in-progress" and "CallSid" in form


async def reconnect(call_sid: str, session_id: str) -> str:
    """The TwiML for a call whose relay failed; the same however often it is asked."""
    # This may come before the socket's end has been noticed here.
    if session := active_calls().sessions.get(call_sid):
        await active_calls().release(session)
    await services().transcripts.flush(FLUSH_SECONDS)
    can_go_on = not (active_calls().closing and active_calls().is_single_process)
    try:
        async with database_deadline(DATABASE_SECONDS):
            found, call = await issue_relay_token(
                call_sid, session_id, can_go_on=can_go_on
            )
            metrics.RELAY_DISCONNECTS.labels(found).inc()
            return await _answer(found, call)
    except DatabaseUnavailable as error:
        log.error("%s: cannot go on, no database: %s", call_sid, error)
        return twiml.say_and_hang_up(OUT_OF_ORDER)
    finally:
        # Only now: a process that is being stopped waits for what is awaited.
        active_calls().disconnected.claim(call_sid)


async def _answer(found: ReconnectDecision, call: Call | None) -> str:
    if call is None:
        return twiml.hang_up()
    log.warning("%s: the relay was lost: %s", call.call_sid, found)
    match found:
        case ReconnectDecision.RECONNECT | ReconnectDecision.REPEAT:
            return relay_twiml(call)
        case ReconnectDecision.TRANSFER:
            return await dial_target(call.call_sid)
        case ReconnectDecision.GIVE_UP:
            return await _give_up(call)
    return twiml.hang_up() if call.status in Call.OVER else twiml.empty_response()


async def _give_up(call: Call) -> str:
    """Apologise, and put the caller through where somebody is there for it."""
    profile = await load_turns(call)
    sorry = phrasebook(profile.language).line_lost
    if person := first_available_target(profile, timezone.now()):
        await close_call(
            call.call_sid, Call.Status.COMPLETED, Call.EndReason.TRANSFERRED
        )
        words = f"{sorry} {fill_for_call(call, profile, profile.transfer_notice)}"
        return final_transfer_document(call, person, words, profile.language)
    reason = Call.EndReason.CONNECTION_LOST
    if active_calls().closing:
        reason = Call.EndReason.SERVER_STOPPED
    await close_call(call.call_sid, Call.Status.FAILED, reason)
    words = f"{sorry} {fill_for_call(call, profile, profile.goodbye_message)}"
    return twiml.say_and_hang_up(words, profile.language)


@run_in_db_thread
@transaction.atomic
def issue_relay_token(
    call_sid: str, session_id: str, *, can_go_on: bool = True
) -> tuple[ReconnectDecision, Call | None]:
    """What becomes of a call whose relay failed; a fresh one may be offered by now."""
    # Two reports at once must not be answered with two relays.
    call = Call.objects.select_for_update().filter(call_sid=call_sid).first()
    if call is None:
        return ReconnectDecision.IGNORE, None
    standing = RelayState(
        is_open=call.status not in Call.OVER,
        reconnects=call.reconnects - call.failed_transfers
        if can_go_on
        else MAX_RECONNECTS,
        lost=call.failed_relay_sessions,
        has_open_token=bool(call.relay_nonce),
        is_transferring=pending(call.transfer) is not None,
    )
    found = decide(standing, session_id)
    if standing.is_open and found not in (
        ReconnectDecision.REPEAT,
        ReconnectDecision.IGNORE,
    ):
        if session_id and session_id not in call.failed_relay_sessions:
            call.failed_relay_sessions = [*call.failed_relay_sessions, session_id]
        if found is ReconnectDecision.RECONNECT:
            call.reconnects += 1
            call.relay_nonce = new_nonce()
        call.save(update_fields=["failed_relay_sessions", "reconnects", "relay_nonce"])
    return found, call
