"""What the carrier fetches: TwiML, clips, and its callbacks. No session, no cookies."""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from bots.answering import NoAnswer, bot_for
from bots.checks import lacks_key
from bots.models import Bot
from bots.profile import Profile
from calls import twiml
from calls.clips import ClipsUnavailable
from calls.lifecycle import close_call, open_call, our_number, refuse_call
from calls.models import Call
from calls.signatures import is_signed, public_url, relay_token, socket_url
from calls.switchboard import switchboard

log = logging.getLogger(__name__)

NOT_IN_SERVICE = "Sorry, this number is not in service at the moment. Goodbye."
NOT_CONFIGURED = "Sorry, this line is not set up yet. Please try again later. Goodbye."

BUSY = "Sorry, all our lines are busy at the moment. Please call again in a moment."
OUT_OF_ORDER = "Sorry, we cannot take your call right now. Please try again later."
# Twilio waits fifteen seconds for an answer.
DATABASE_SECONDS = 5.0
LAST_WORDS_SECONDS = 2.0

View = Callable[..., Coroutine[Any, Any, HttpResponse]]

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


def from_carrier(view: View) -> View:
    """Let only requests through that the carrier signed for our public address."""

    @csrf_exempt
    @require_POST
    @wraps(view)
    async def checked(request: HttpRequest) -> HttpResponse:
        signature = request.headers.get("X-Twilio-Signature", "")
        if is_signed(public_url(request.get_full_path()), request.POST, signature):
            return await view(request)
        if reached_elsewhere(request, signature):
            await _refuse(request, Call.EndReason.NOT_CONFIGURED)
            return _twiml(twiml.say_and_hang_up(NOT_CONFIGURED))
        log.warning("Unsigned request to %s refused", request.path)
        return HttpResponseForbidden("Not signed for this server.")

    return checked


def reached_elsewhere(request: HttpRequest, signature: str) -> bool:
    """Whether the carrier's own signature is for another address than SERVER_URL.

    Then the carrier is who it says, and SERVER_URL is what is wrong: the operator is
    told, and the caller hears a sentence instead of an error tone.
    """
    host = request.META.get("HTTP_HOST", "")
    actual = f"https://{host}"
    if actual == settings.SERVER_URL or not settings.TWILIO_AUTH_TOKENS:
        return False
    if not is_signed(actual + request.get_full_path(), request.POST, signature):
        return False
    log.error(
        "Twilio calls %s, but SERVER_URL is %s: no call can be answered. "
        "Set SERVER_URL=%s and restart.",
        *(actual, settings.SERVER_URL, actual),
    )
    return True


@from_carrier
async def voice(request: HttpRequest) -> HttpResponse:
    """A call comes in: hand it to the bot of its number, or say why not."""
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            return await _answer(request)
    except (DatabaseError, InterfaceError, TimeoutError) as error:
        # An error page would reach the caller as an error tone.
        log.error("A call was turned away, no database: %s", type(error).__name__)
        return _twiml(twiml.say_and_hang_up(OUT_OF_ORDER))


async def _answer(request: HttpRequest) -> HttpResponse:
    form = request.POST
    trouble = configuration_trouble(request)
    if trouble:
        log.error("Call %s turned away: %s", form.get("CallSid"), trouble)
        await _refuse(request, Call.EndReason.NOT_CONFIGURED)
        return _twiml(twiml.say_and_hang_up(NOT_CONFIGURED))
    bot = await bot_for(our_number(form))
    if isinstance(bot, NoAnswer):
        log.warning("Call %s turned away: %s", form["CallSid"], bot)
        await _refuse(request, bot)
        return _twiml(twiml.say_and_hang_up(NOT_IN_SERVICE))
    if switchboard().is_full:
        log.warning("Call %s turned away: MAX_CALLS are in progress", form["CallSid"])
        await _refuse(request, Call.EndReason.BUSY)
        return _twiml(_busy(bot))
    call = await open_call(form, bot)
    switchboard().ringing.expect(call)
    path = reverse(
        "conversation", args=[relay_token(call.call_sid)], urlconf="calls.routing"
    )
    return _twiml(
        twiml.relay(
            Profile.from_json(call.settings),
            socket_url=socket_url(path),
            action_url=public_url(reverse("voice-action")),
        )
    )


def _busy(bot: Bot) -> str:
    """Where a caller goes for whom there is no room."""
    if bot.transfer_number:
        return twiml.put_through(bot.transfer_number)
    return twiml.say_and_hang_up(BUSY, bot.language)


async def _refuse(request: HttpRequest, reason: str) -> None:
    """Note in the call list why no bot took a call."""
    if request.POST.get("CallSid") and request.path == reverse("voice"):
        await refuse_call(request.POST, reason)


def configuration_trouble(request: HttpRequest) -> str:
    """Why this server could not carry the call; empty when it can."""
    if not request.POST.get("CallSid"):
        return "It has no CallSid."
    if lacks_key():
        return "INWORLD_API_KEY is not set."
    host = request.META.get("HTTP_HOST", "").rsplit(":", 1)[0]
    if settings.SERVER_HOST in settings.LOOPBACK_HOSTS and host not in (
        "",
        *settings.LOOPBACK_HOSTS,
    ):
        return f"SERVER_URL is {settings.SERVER_URL}, but the call came to {host}."
    return ""


@from_carrier
async def voice_action(request: HttpRequest) -> HttpResponse:
    """The relay session ended: note how, and end the call or put it through."""
    await _close(request, REASON_BY_SESSION, "SessionStatus")
    if _wants_transfer(request.POST.get("HandoffData", "")):
        call_sid = request.POST.get("CallSid", "")
        call = await Call.objects.filter(call_sid=call_sid).afirst()
        if call and (number := Profile.from_json(call.settings).transfer_number):
            return _twiml(twiml.put_through(number))
    return _twiml(twiml.hang_up())


def _wants_transfer(handoff: str) -> bool:
    """Read what we sent with `end`; where to is the bot's setting, never this."""
    try:
        data = json.loads(handoff or "{}")
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
    reasons: dict[str, tuple[Call.Status, Call.EndReason]],
    field: str,
) -> None:
    end = reasons.get(request.POST.get(field, ""))
    call_sid = request.POST.get("CallSid")
    if end and call_sid:
        await _last_words(call_sid)
        await close_call(call_sid, *end)


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


def _twiml(document: str) -> HttpResponse:
    return HttpResponse(document, content_type="text/xml")
