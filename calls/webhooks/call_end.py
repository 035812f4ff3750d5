"""TODO."""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress

from django.http import HttpRequest, HttpResponse

from calls.db import DatabaseUnavailable, database_deadline
from calls.models import Call
from calls.session.active_calls import active_calls
from calls.session.services import services
from calls.twilio import twiml
from calls.webhooks import transfer
from calls.webhooks.open_call import SID_LENGTH, close_call
from calls.webhooks.reconnect import is_lost, reconnect
from calls.webhooks.signed_requests import (
    DATABASE_SECONDS,
    twilio_webhook,
    twiml_or_apology,
    twiml_response,
)

log = logging.getLogger(__name__)

LAST_WORDS_SECONDS = 2.0
REASON_BY_SESSION = {
    "completed": (Call.Status.COMPLETED, Call.EndReason.CALLER_HUNG_UP),
    "ended": (Call.Status.COMPLETED, Call.EndReason.BOT_HUNG_UP),
    "failed": (Call.Status.FAILED, Call.EndReason.CARRIER_FAILED),
}
REASON_BY_CALL = {
    "completed": (Call.Status.COMPLETED, Call.EndReason.CALLER_HUNG_UP),
    "busy": (Call.Status.FAILED, Call.EndReason.NEVER_CONNECTED),
    "no-answer": (Call.Status.FAILED, Call.EndReason.NEVER_CONNECTED),
    "canceled": (Call.Status.FAILED, Call.EndReason.NEVER_CONNECTED),
    "failed": (Call.Status.FAILED, Call.EndReason.CARRIER_FAILED),
}


@twilio_webhook
async def voice_action(request: HttpRequest) -> HttpResponse:
    """The relay session ended: note how, and go on, hang up or put through."""
    form = request.POST
    if is_lost(form):
        session_id = form.get("SessionId", "")[:SID_LENGTH]
        return twiml_response(await reconnect(form["CallSid"][:SID_LENGTH], session_id))
    if form.get("SessionStatus") == "ended" and _wants_transfer(form):
        return await twiml_or_apology(lambda: _ring_up(form.get("CallSid", "")))
    await _close(request, REASON_BY_SESSION, "SessionStatus")
    return twiml_response(twiml.hang_up())


async def _ring_up(call_sid: str) -> str:
    await _last_words(call_sid)
    return await transfer.dial_target(call_sid)


def _wants_transfer(form: Mapping[str, str]) -> bool:
    """Read what we sent with `end`; where to stands in the call's row, never here."""
    try:
        data = json.loads(form.get("HandoffData") or "{}")
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and data.get("transfer") is True


@twilio_webhook
async def voice_status(request: HttpRequest) -> HttpResponse:
    """The carrier's last word on a call; may be late, repeated or out of order."""
    await _close(request, REASON_BY_CALL, "CallStatus")
    return HttpResponse(status=204)


async def _close(
    request: HttpRequest,
    reasons: dict[str, transfer.Ending],
    field: str,
) -> None:
    form = request.POST
    end, call_sid = reasons.get(form.get(field, "")), form.get("CallSid")
    if not end or not call_sid:
        return
    active_calls().disconnected.claim(call_sid)
    await _last_words(call_sid)
    try:
        async with database_deadline(DATABASE_SECONDS):
            await close_call(call_sid, *await transfer.end_of(call_sid, end))
    except DatabaseUnavailable as error:
        # The call's own session has its end queued; failing that, it is reaped.
        log.error("%s: not closed, no database: %s", call_sid, error)


async def _last_words(call_sid: str) -> None:
    """Let a call that ran here write its own word on its end before the carrier's."""
    session = active_calls().sessions.get(call_sid)
    if session:
        with suppress(TimeoutError):
            await asyncio.wait_for(session.closed.wait(), LAST_WORDS_SECONDS)
    await services().transcripts.flush(LAST_WORDS_SECONDS)
