"""What the carrier fetches: TwiML, clips, and its callbacks. No session, no cookies."""

import logging
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from bots.config.bot_config import BotConfig
from bots.config_builder import config_from_json
from bots.models import Bot
from bots.number_routing import NoAnswer
from calls.db import run_in_incoming_thread
from calls.models import Call
from calls.public_urls import public_url
from calls.session.active_calls import active_calls
from calls.session.variables import first_available_target
from calls.twilio import twiml
from calls.webhooks.admission import choose_bot, create_call
from calls.webhooks.call_limits import LimitExceeded
from calls.webhooks.connect import (
    NOT_IN_SERVICE,
    configuration_problem,
    final_transfer_document,
    relay_twiml,
)
from calls.webhooks.open_call import (
    close_call,
    config_snapshot,
    our_number,
    refuse_call,
)
from calls.webhooks.reconnect import reconnect
from calls.webhooks.signed_requests import (
    not_configured,
    refuse,
    twilio_webhook,
    twiml_or_apology,
    twiml_response,
)

log = logging.getLogger(__name__)

NO_CALL_SID = "It has no CallSid."
BUSY = "Sorry, all our lines are busy at the moment. Please call again in a moment."
# How often a call is sent to the other processes, and the parameter that counts it.
MAX_REDIRECTS = 4
TRIES = "elsewhere"


@twilio_webhook
async def incoming_call(request: HttpRequest) -> HttpResponse:
    """A call comes in: hand it to the bot of its number, or say why not."""
    if url := _elsewhere(request):
        return twiml_response(twiml.redirect(url))
    return await twiml_or_apology(lambda: _answer(request))


def _elsewhere(request: HttpRequest) -> str:
    """Where to ask again, while this process is stopped and others are not.

    Where nobody else answers, this one says after some tries that the line is busy.
    """
    tries = request.GET.get(TRIES, "")
    made = int(tries) if tries.isdecimal() else 0
    if (
        not active_calls().draining
        or active_calls().is_single_process
        or made >= MAX_REDIRECTS
    ):
        return ""
    query = request.GET.copy()
    query[TRIES] = str(made + 1)
    return public_url(f"{reverse('voice')}?{query.urlencode()}")


async def _answer(request: HttpRequest) -> str:
    form, host = request.POST, request.META.get("HTTP_HOST", "").rsplit(":", 1)[0]
    trouble = configuration_problem(host) if form.get("CallSid") else NO_CALL_SID
    if trouble:
        log.error("Call %s turned away: %s", form.get("CallSid"), trouble)
        return await not_configured(request)
    bot = await choose_bot(form)
    if isinstance(bot, NoAnswer):
        log.warning("Call %s turned away: %s", form["CallSid"], bot)
        await refuse(request, bot)
        if bot is NoAnswer.BLOCKED:
            return twiml.reject("rejected")
        return twiml.say_and_hang_up(NOT_IN_SERVICE)
    if active_calls().draining or active_calls().is_full:
        why = (
            "being stopped"
            if active_calls().draining
            else "full: MAX_CALLS are in progress"
        )
        log.warning("Call %s turned away: this process is %s", form["CallSid"], why)
        profile = await run_in_incoming_thread(config_snapshot)(bot, our_number(form))
        return _busy(profile, await refuse_call(form, Call.EndReason.BUSY))
    query = request.GET.items()
    parameters = {name: str(text) for name, text in query if name != TRIES}
    return await _connect(form, bot, parameters)


async def _connect(
    form: Mapping[str, str], bot: Bot, parameters: Mapping[str, str]
) -> str:
    """The TwiML that brings a call to its bot; again when it is asked for again."""
    call, too_many = await create_call(form, bot, parameters)
    if call.status in Call.OVER:
        return twiml.hang_up()
    if not call.relay_nonce:
        # It was connected, and yet the carrier begins anew.
        return await reconnect(call.call_sid, "")
    if (
        not too_many
        and active_calls().is_full
        and call.call_sid not in active_calls().connecting.calls
    ):
        too_many = LimitExceeded.OF_SERVER
    return await _over_limit(call, too_many) if too_many else relay_twiml(call)


async def _over_limit(call: Call, too_many: LimitExceeded) -> str:
    """The TwiML for a call that is one too many."""
    log.warning("Call %s turned away: too many %s", call.call_sid, too_many)
    reason = Call.EndReason.BUSY
    if too_many is LimitExceeded.OF_CALLER:
        reason = Call.EndReason.TOO_MANY_CALLS
    await close_call(call.call_sid, Call.Status.REFUSED, reason)
    if too_many is LimitExceeded.OF_CALLER:
        return twiml.reject("busy")
    return _busy(config_from_json(call.settings), call)


def _busy(profile: BotConfig, call: Call) -> str:
    """Where a caller goes for whom there is no room."""
    if person := first_available_target(profile, timezone.now()):
        return final_transfer_document(call, person)
    return twiml.say_and_hang_up(BUSY, profile.language)
