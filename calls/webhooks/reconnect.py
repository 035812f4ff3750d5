"""Answers Twilio's report that a relay session failed; any process can answer."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from time import monotonic

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from bots.config.bot_config import BotConfig
from calls import metrics
from calls.db import DatabaseUnavailable, database_deadline, run_in_db_thread
from calls.models import Call
from calls.session.active_calls import active_calls
from calls.session.services import services
from calls.session.session import CallSession
from calls.session.variables import fill_for_call, first_available_target
from calls.transcripts.stored_turns import current_config
from calls.transfer import pending
from calls.twilio import twiml
from calls.twilio.relay_errors import ErrorKind, SessionError, explain
from calls.twilio.relay_tokens import new_nonce
from calls.webhooks.connect import (
    OUT_OF_ORDER,
    final_transfer_document,
    relay_twiml,
)
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
# Twilio's closing of a socket may arrive later than its next request.
SOCKET_CLOSE_SECONDS = 1.0
POLL_SECONDS = 0.1
# Two beats of the heartbeat: a call without one was in a process that died.
ALIVE = timedelta(seconds=60)
# The end of a call that an error of a certain kind ends.
END_BY_ERROR = {
    ErrorKind.SETTINGS: (Call.Status.FAILED, Call.EndReason.SETTINGS_REFUSED),
    ErrorKind.TIME_LIMIT: (Call.Status.COMPLETED, Call.EndReason.TIME_LIMIT),
    ErrorKind.CALL_LIMIT: (Call.Status.FAILED, Call.EndReason.BUSY),
}
NO_ERROR = SessionError()
# Fields of the call that a report changes.
ERROR_FIELDS = ["twilio_error_code", "twilio_error_message", "settings_refused_at"]
CHANGED_FIELDS = ["failed_relay_sessions", "reconnects", "relay_nonce", *ERROR_FIELDS]

for decision in ReconnectDecision:
    metrics.RELAY_DISCONNECTS.labels(decision)  # export zeros from the start


def is_lost(form: Mapping[str, str]) -> bool:
    """True if Twilio reports a failed session of a call that is still in progress."""
    failed = form.get("SessionStatus") == "failed"
    return failed and form.get("CallStatus") == "in-progress" and "CallSid" in form


async def reconnect(
    call_sid: str, session_id: str, error: SessionError = NO_ERROR
) -> str:
    """TwiML for a call whose session failed; a repeated report gets the same answer."""
    # The report may arrive before this process notices that the socket closed.
    if session := active_calls().sessions.get(call_sid):
        if await _goes_on(session, session_id):
            return _ignored(call_sid)
        await active_calls().release(session)
    elif not session_id and await _goes_on_elsewhere(call_sid):
        return _ignored(call_sid)
    await services().transcripts.flush(FLUSH_SECONDS)
    can_go_on = not (active_calls().closing and active_calls().is_single_process)
    try:
        async with database_deadline(DATABASE_SECONDS):
            decision, call = await issue_relay_token(
                call_sid, session_id, error, can_go_on=can_go_on
            )
            metrics.RELAY_DISCONNECTS.labels(decision).inc()
            if call is None:
                return twiml.hang_up()
            log_error(call_sid, error, decision)
            return await _answer(decision, call, error.kind)
    except DatabaseUnavailable as failure:
        log.error("%s: cannot go on, no database: %s", call_sid, failure)
        return twiml.say_and_hang_up(OUT_OF_ORDER)
    finally:
        # Not earlier: a process that shuts down waits for these calls.
        active_calls().disconnected.claim(call_sid)


async def _goes_on(session: CallSession, lost: str) -> bool:
    """True if a request about an earlier session must not end this one.

    Twilio closes a call's socket before it starts the call again. A socket that stays
    open shows that somebody repeats a signed request.
    """
    if lost:
        return lost in session.call.failed_relay_sessions
    with suppress(TimeoutError):
        await asyncio.wait_for(session.closed.wait(), SOCKET_CLOSE_SECONDS)
    return not session.closed.is_set()


async def _goes_on_elsewhere(call_sid: str) -> bool:
    """True if the call's socket stays open in another process."""
    if active_calls().is_single_process:
        return False
    until = monotonic() + SOCKET_CLOSE_SECONDS
    while await run_in_db_thread(_is_connected)(call_sid):
        if monotonic() > until:
            return True
        await asyncio.sleep(POLL_SECONDS)
    return False


def _is_connected(call_sid: str) -> bool:
    """True if no process has lost the call's socket, and its own process is alive."""
    calls = Call.objects.open().filter(call_sid=call_sid)
    calls = calls.filter(last_seen_at__gt=Now() - ALIVE)
    return calls.filter(disconnected_at=None).exists()


def _ignored(call_sid: str) -> str:
    log.warning("%s: an old request came again and is ignored", call_sid)
    return twiml.hang_up()


def log_error(call_sid: str, error: SessionError, decision: str) -> None:
    """Log the code in plain words, but not Twilio's message: it may quote the call."""
    entry = explain(error.code)
    log.warning(
        "%s: the relay session failed (error %s, %s), next step: %s. %s %s",
        *(call_sid, error.code or "-", entry.kind, decision),
        *(entry.meaning, entry.remedy),
    )


async def _answer(decision: ReconnectDecision, call: Call, error: ErrorKind) -> str:
    match decision:
        case (
            ReconnectDecision.RECONNECT
            | ReconnectDecision.REDUCE
            | ReconnectDecision.REPEAT
        ):
            return await relay_twiml(call)
        case ReconnectDecision.TRANSFER:
            return await dial_target(call.call_sid)
        case ReconnectDecision.GIVE_UP:
            return await _give_up(call, error)
        case ReconnectDecision.END:
            return await _end(call, error)
    return twiml.hang_up() if call.status in Call.OVER else twiml.empty_response()


async def _end(call: Call, error: ErrorKind) -> str:
    """Say goodbye."""
    config = await current_config(call)
    await close_call(call.call_sid, *END_BY_ERROR[error])
    message = fill_for_call(call, config, config.goodbye_message)
    return twiml.say_and_hang_up(message, config.language, _voice(call, config))


async def _give_up(call: Call, error: ErrorKind) -> str:
    """Apologise, then transfer the caller if a target is available, or hang up."""
    config = await current_config(call)
    is_busy = error is ErrorKind.CALL_LIMIT
    apology = config.busy_message if is_busy else config.line_lost
    if target := first_available_target(config, timezone.now()):
        await close_call(
            call.call_sid, Call.Status.COMPLETED, Call.EndReason.TRANSFERRED
        )
        message = fill_for_call(call, config, f"{apology} {config.transfer_notice}")
        voice = _voice(call, config)
        return await final_transfer_document(
            call, target, message, config.language, voice
        )
    await close_call(call.call_sid, *_end_of(error))
    message = fill_for_call(call, config, f"{apology} {config.goodbye_message}")
    return twiml.say_and_hang_up(message, config.language, _voice(call, config))


def _voice(call: Call, config: BotConfig) -> str:
    """The bot's backup voice, unless it may be the setting that Twilio refused."""
    return "" if call.settings_refused_at else config.twilio_voice


def _end_of(error: ErrorKind) -> tuple[Call.Status, Call.EndReason]:
    reason = Call.EndReason.CONNECTION_LOST
    if active_calls().closing:
        reason = Call.EndReason.SERVER_STOPPED
    return END_BY_ERROR.get(error, (Call.Status.FAILED, reason))


@run_in_db_thread
@transaction.atomic
def issue_relay_token(
    call_sid: str,
    session_id: str,
    error: SessionError = NO_ERROR,
    *,
    can_go_on: bool = True,
) -> tuple[ReconnectDecision, Call | None]:
    """Decide how the call goes on, and issue a new relay token if it reconnects."""
    # Locked, so that two simultaneous reports do not get two relays.
    call = Call.objects.select_for_update().filter(call_sid=call_sid).first()
    if call is None:
        return ReconnectDecision.IGNORE, None
    lost_before = call.reconnects - call.failed_transfers
    state = RelayState(
        is_open=call.status not in Call.OVER,
        reconnects=lost_before if can_go_on else MAX_RECONNECTS,
        lost=call.failed_relay_sessions,
        has_open_token=bool(call.relay_nonce),
        is_transferring=pending(call.transfer) is not None,
        is_reduced=call.settings_refused_at is not None,
    )
    decision = decide(state, session_id, error.kind)
    no_change = (ReconnectDecision.REPEAT, ReconnectDecision.IGNORE)
    if state.is_open and decision not in no_change:
        if session_id and session_id not in call.failed_relay_sessions:
            call.failed_relay_sessions = [*call.failed_relay_sessions, session_id]
        if decision in (ReconnectDecision.RECONNECT, ReconnectDecision.REDUCE):
            call.reconnects += 1
            call.relay_nonce = new_nonce()
        _set_error(call, error)
        call.save(update_fields=CHANGED_FIELDS)
    return decision, call


def _set_error(call: Call, error: SessionError) -> None:
    """Store an error with the call. A refusal stays: it is the cause of the rest."""
    is_refusal = error.kind is ErrorKind.SETTINGS
    if is_refusal:
        call.settings_refused_at = call.settings_refused_at or timezone.now()
    if error.code and (is_refusal or call.settings_refused_at is None):
        call.twilio_error_code = error.code
        call.twilio_error_message = error.message


@run_in_db_thread
@transaction.atomic
def record_error(call_sid: str, error: SessionError) -> None:
    """Store the error of a session after which the call does not go on."""
    calls = Call.objects.select_for_update().filter(call_sid=call_sid)
    if call := calls.first():
        _set_error(call, error)
        call.save(update_fields=ERROR_FIELDS)
