"""What the carrier fetches: TwiML, clips, and its callbacks. No session, no cookies."""

import logging
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from bots.config.bot_config import Profile
from bots.models import Bot
from bots.number_routing import NoAnswer
from calls.db import for_a_new_call
from calls.models import Call
from calls.public_urls import public_url
from calls.session.active_calls import switchboard
from calls.session.variables import whoever_is_there
from calls.twilio import twiml
from calls.webhooks.admission import bot_of, noted
from calls.webhooks.call_limits import TooMany
from calls.webhooks.connect import (
    NOT_IN_SERVICE,
    configuration_trouble,
    farewell_document,
    offer,
)
from calls.webhooks.open_call import (
    close_call,
    our_number,
    refuse_call,
    settings_for,
)
from calls.webhooks.reconnect import reconnect
from calls.webhooks.signed_requests import (
    answered,
    from_carrier,
    not_configured,
    refuse,
    twiml_response,
)

log = logging.getLogger(__name__)

NO_CALL_SID = "It has no CallSid."
BUSY = "Sorry, all our lines are busy at the moment. Please call again in a moment."
# How often a call is sent to the other processes, and the parameter that counts it.
MOST_TRIES = 4
TRIES = "elsewhere"


@from_carrier
async def voice(request: HttpRequest) -> HttpResponse:
    """A call comes in: hand it to the bot of its number, or say why not."""
    if url := _elsewhere(request):
        return twiml_response(twiml.elsewhere(url))
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
        return await not_configured(request)
    bot = await bot_of(form)
    if isinstance(bot, NoAnswer):
        log.warning("Call %s turned away: %s", form["CallSid"], bot)
        await refuse(request, bot)
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
