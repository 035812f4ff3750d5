"""Answers Twilio's reports that a relay session or a call ended."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress

from django.http import HttpRequest, HttpResponse

from bots.config.text import read_json
from calls.db import DatabaseUnavailable, database_deadline
from calls.models import Call
from calls.prices.usage import REPORT, SESSION, Kind, Usage
from calls.session.active_calls import active_calls
from calls.session.services import services
from calls.transcripts.writes import UsageCounted
from calls.twilio import twiml
from calls.twilio.relay_errors import SessionError
from calls.webhooks import transfer
from calls.webhooks.dial_result import seconds_in
from calls.webhooks.open_call import SID_LENGTH, close_call
from calls.webhooks.reconnect import (
    END_BY_ERROR,
    NO_ERROR,
    is_lost,
    log_error,
    reconnect,
    record_error,
)
from calls.webhooks.signed_requests import (
    DATABASE_SECONDS,
    twilio_webhook,
    twiml_or_apology,
    twiml_response,
)

log = logging.getLogger(__name__)

# Time limit for this process's own record of the end.
OWN_RECORD_SECONDS = 2.0
END_BY_SESSION_STATUS = {
    "completed": (Call.Status.COMPLETED, Call.EndReason.CALLER_HUNG_UP),
    "ended": (Call.Status.COMPLETED, Call.EndReason.BOT_HUNG_UP),
    "failed": (Call.Status.FAILED, Call.EndReason.CARRIER_FAILED),
}
END_BY_CALL_STATUS = {
    "completed": (Call.Status.COMPLETED, Call.EndReason.CALLER_HUNG_UP),
    "busy": (Call.Status.FAILED, Call.EndReason.NEVER_CONNECTED),
    "no-answer": (Call.Status.FAILED, Call.EndReason.NEVER_CONNECTED),
    "canceled": (Call.Status.FAILED, Call.EndReason.NEVER_CONNECTED),
    "failed": (Call.Status.FAILED, Call.EndReason.CARRIER_FAILED),
}


@twilio_webhook
async def voice_action(request: HttpRequest) -> HttpResponse:
    """The relay session ended: reconnect, transfer the caller, or hang up."""
    form, error = request.POST, SessionError.of(request.POST)
    session = f"{SESSION} {form.get('SessionId', '')}"[:40]
    _count_seconds(form, "SessionDuration", session, Kind.RELAY)
    if is_lost(form):
        session_id = form.get("SessionId", "")[:SID_LENGTH]
        call_sid = form["CallSid"][:SID_LENGTH]
        return twiml_response(await reconnect(call_sid, session_id, error))
    if form.get("SessionStatus") == "ended" and _wants_transfer(form):
        return await twiml_or_apology(lambda: _transfer(form.get("CallSid", "")))
    await _close(request, END_BY_SESSION_STATUS, "SessionStatus", error)
    return twiml_response(twiml.hang_up())


async def _transfer(call_sid: str) -> str:
    await _finish_own_record(call_sid)
    return await transfer.dial_target(call_sid)


def _wants_transfer(form: Mapping[str, str]) -> bool:
    """Read the handoff data that we sent; the target itself is in the call's row."""
    data = read_json(form.get("HandoffData", ""))
    return isinstance(data, dict) and data.get("transfer") is True


@twilio_webhook
async def voice_status(request: HttpRequest) -> HttpResponse:
    """The call ended. This report may be late, repeated or out of order."""
    if request.POST.get("CallStatus") in END_BY_CALL_STATUS:
        _count_seconds(request.POST, "CallDuration", REPORT, Kind.LINE_IN)
    await _close(request, END_BY_CALL_STATUS, "CallStatus")
    return HttpResponse(status=204)


def _count_seconds(
    form: Mapping[str, str], field: str, source: str, kind: Kind
) -> None:
    """Keep the seconds that Twilio bills; the writer stores them in the background."""
    seconds, call_sid = seconds_in(form, field), form.get("CallSid", "")[:SID_LENGTH]
    if seconds is not None and call_sid:
        usages = [Usage(kind, quantity=seconds)]
        services().transcripts.put(UsageCounted(call_sid, source, usages))


async def _close(
    request: HttpRequest,
    ends: dict[str, transfer.Ending],
    field: str,
    error: SessionError = NO_ERROR,
) -> None:
    form = request.POST
    end, call_sid = ends.get(form.get(field, "")), form.get("CallSid")
    if not end or not call_sid:
        return
    if error.code:
        log_error(call_sid, error, "the call is over")
        end = END_BY_ERROR.get(error.kind, end)
    active_calls().disconnected.claim(call_sid)
    await _finish_own_record(call_sid)
    try:
        async with database_deadline(DATABASE_SECONDS):
            if error.code:
                await record_error(call_sid, error)
            await close_call(call_sid, *await transfer.end_of(call_sid, end))
    except DatabaseUnavailable as failure:
        # The session has queued the end too. If not, the reaper closes the call.
        log.error("%s: not closed, no database: %s", call_sid, failure)


async def _finish_own_record(call_sid: str) -> None:
    """Let a session of this process record its end first: it knows the reason."""
    session = active_calls().sessions.get(call_sid)
    if session:
        with suppress(TimeoutError):
            await asyncio.wait_for(session.closed.wait(), OWN_RECORD_SECONDS)
    await services().transcripts.flush(OWN_RECORD_SECONDS)
