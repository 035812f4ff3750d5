"""What the carrier fetches: TwiML, clips, and its callbacks. No session, no cookies."""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from bots.config.bot_config import Profile
from bots.models import Bot
from bots.number_routing import NoAnswer
from calls import metrics
from calls.db import for_a_new_call
from calls.models import Call
from calls.public_urls import public_url
from calls.session.active_calls import switchboard
from calls.session.variables import whoever_is_there
from calls.speech.clip_store import ClipsUnavailable
from calls.twilio import twiml
from calls.webhooks import transfer
from calls.webhooks.admission import bot_of, noted
from calls.webhooks.call_limits import TooMany
from calls.webhooks.connect import (
    NOT_IN_SERVICE,
    configuration_trouble,
    farewell_document,
    offer,
)
from calls.webhooks.open_call import (
    SID_LENGTH,
    close_call,
    our_number,
    refuse_call,
    settings_for,
)
from calls.webhooks.reconnect import DATABASE_SECONDS, is_lost, reconnect
from calls.webhooks.signed_requests import (
    _not_configured,
    _refuse,
    _twiml,
    answered,
    from_carrier,
)

log = logging.getLogger(__name__)

NO_CALL_SID = "It has no CallSid."
BUSY = "Sorry, all our lines are busy at the moment. Please call again in a moment."
LAST_WORDS_SECONDS = 2.0
# How often a call is sent to the other processes, and the parameter that counts it.
MOST_TRIES = 4
TRIES = "elsewhere"


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


@from_carrier
async def voice(request: HttpRequest) -> HttpResponse:
    """A call comes in: hand it to the bot of its number, or say why not."""
    if url := _elsewhere(request):
        return _twiml(twiml.elsewhere(url))
    return await answered(lambda: _answer(request))


def _elsewhere(request: HttpRequest) -> str:
    """Where to ask again, while this process is stopped and others are not.

    Where nobody else answers, this one says after some tries that the line is busy.
    """
    board, tries = switchboard(), request.GET.get(TRIES, "")
    made = int(tries) if tries.isdecimal() else 0
    if not board.draining or board.is_alone or made >= MOST_TRIES:
        return ""
    query = request.GET.copy()
    query[TRIES] = str(made + 1)
    return public_url(f"{reverse('voice')}?{query.urlencode()}")


async def _answer(request: HttpRequest) -> str:
    form, host = request.POST, request.META.get("HTTP_HOST", "").rsplit(":", 1)[0]
    trouble = configuration_trouble(host) if form.get("CallSid") else NO_CALL_SID
    if trouble:
        log.error("Call %s turned away: %s", form.get("CallSid"), trouble)
        return await _not_configured(request)
    bot = await bot_of(form)
    if isinstance(bot, NoAnswer):
        log.warning("Call %s turned away: %s", form["CallSid"], bot)
        await _refuse(request, bot)
        if bot is NoAnswer.BLOCKED:
            return twiml.reject("rejected")
        return twiml.say_and_hang_up(NOT_IN_SERVICE)
    board = switchboard()
    if board.draining or board.is_full:
        why = "being stopped" if board.draining else "full: MAX_CALLS are in progress"
        log.warning("Call %s turned away: this process is %s", form["CallSid"], why)
        profile = await for_a_new_call(settings_for)(bot, our_number(form))
        return _busy(profile, await refuse_call(form, Call.EndReason.BUSY))
    query = request.GET.items()
    parameters = {name: str(text) for name, text in query if name != TRIES}
    return await _connect(form, bot, parameters)


async def _connect(
    form: Mapping[str, str], bot: Bot, parameters: Mapping[str, str]
) -> str:
    """The TwiML that brings a call to its bot; again when it is asked for again."""
    call, too_many = await noted(form, bot, parameters)
    if call.status in Call.OVER:
        return twiml.hang_up()
    if not call.relay_nonce:
        # It was connected, and yet the carrier begins anew.
        return await reconnect(call.call_sid, "")
    board = switchboard()
    if not too_many and board.is_full and call.call_sid not in board.ringing.calls:
        too_many = TooMany.OF_SERVER
    return await _above_a_cap(call, too_many) if too_many else offer(call)


async def _above_a_cap(call: Call, too_many: TooMany) -> str:
    """The TwiML for a call that is one too many."""
    log.warning("Call %s turned away: too many %s", call.call_sid, too_many)
    reason = Call.EndReason.BUSY
    if too_many is TooMany.OF_CALLER:
        reason = Call.EndReason.TOO_MANY_CALLS
    await close_call(call.call_sid, Call.Status.REFUSED, reason)
    if too_many is TooMany.OF_CALLER:
        return twiml.reject("busy")
    return _busy(Profile.from_json(call.settings), call)


def _busy(profile: Profile, call: Call) -> str:
    """Where a caller goes for whom there is no room."""
    if person := whoever_is_there(profile, timezone.now()):
        return farewell_document(call, person)
    return twiml.say_and_hang_up(BUSY, profile.language)


@from_carrier
async def voice_action(request: HttpRequest) -> HttpResponse:
    """The relay session ended: note how, and go on, hang up or put through."""
    form = request.POST
    if is_lost(form):
        session_id = form.get("SessionId", "")[:SID_LENGTH]
        return _twiml(await reconnect(form["CallSid"][:SID_LENGTH], session_id))
    if form.get("SessionStatus") == "ended" and _wants_transfer(form):
        return await answered(lambda: _ring_up(form.get("CallSid", "")))
    await _close(request, REASON_BY_SESSION, "SessionStatus")
    return _twiml(twiml.hang_up())


async def _ring_up(call_sid: str) -> str:
    await _last_words(call_sid)
    return await transfer.ring_up(call_sid)


def _wants_transfer(form: Mapping[str, str]) -> bool:
    """Read what we sent with `end`; where to stands in the call's row, never here."""
    try:
        data = json.loads(form.get("HandoffData") or "{}")
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and data.get("transfer") is True


@from_carrier
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
    switchboard().lost.take(call_sid)
    await _last_words(call_sid)
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            await close_call(call_sid, *await transfer.end_of(call_sid, end))
    except (DatabaseError, InterfaceError, TimeoutError) as error:
        # The call's own session has its end queued; failing that, it is reaped.
        log.error("%s: not closed, no database: %s", call_sid, type(error).__name__)
        metrics.trouble("database")


async def _last_words(call_sid: str) -> None:
    """Let a call that ran here write its own word on its end before the carrier's."""
    board = switchboard()
    session = board.sessions.get(call_sid)
    if session:
        with suppress(TimeoutError):
            await asyncio.wait_for(session.closed.wait(), LAST_WORDS_SECONDS)
    await board.transcripts.flush(LAST_WORDS_SECONDS)


@require_safe
async def audio(request: HttpRequest, clip_id: str) -> HttpResponse:
    """One clip, for as long as it lives."""
    board = switchboard()
    try:
        body = await board.clips.get(clip_id)
    except ClipsUnavailable as error:
        log.warning("Clip not served: %s", error)
        return HttpResponse(status=503)
    if body is None:
        return HttpResponse(status=404)
    if request.method == "GET":
        board.fetches.happened(clip_id)
    headers = {"Cache-Control": "no-store", "Content-Length": str(len(body))}
    return HttpResponse(body, content_type="audio/wav", headers=headers)
