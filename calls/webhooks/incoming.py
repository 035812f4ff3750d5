"""Answers Twilio's request for an incoming call: the bot of the number, or why not."""

import logging
from collections.abc import Mapping
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from bots.config.bot_config import BotConfig
from bots.config_builder import config_from_json
from bots.models import Bot
from bots.number_routing import NoAnswer, RoutingAnswer
from bots.opening.diversion import Diversion
from calls.db import run_in_incoming_thread
from calls.models import Call
from calls.public_urls import public_url
from calls.session.active_calls import active_calls
from calls.session.variables import fill_for_call, first_available_target
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
# Redirects of a call to other processes, and the query parameter that counts them.
MAX_REDIRECTS = 4
REDIRECT_COUNT = "elsewhere"
# Limits against misuse. Their callers hear the busy tone, which costs nothing: neither
# an apology nor a transfer.
REFUSED_UNANSWERED = {
    LimitExceeded.OF_CALLER: Call.EndReason.TOO_MANY_CALLS,
    LimitExceeded.OF_HIDDEN: Call.EndReason.TOO_MANY_HIDDEN,
    LimitExceeded.CALLER_MINUTES: Call.EndReason.MINUTES_USED_UP,
    LimitExceeded.MINUTES: Call.EndReason.MINUTES_USED_UP,
}


@twilio_webhook
async def incoming_call(request: HttpRequest) -> HttpResponse:
    """Connect a call to the bot of its number, or tell the caller why not."""
    if url := _redirect_url(request):
        return twiml_response(twiml.redirect(url))
    return await twiml_or_apology(lambda: _answer(request))


def _redirect_url(request: HttpRequest) -> str:
    """Our address once more, while other processes may answer instead of this one.

    That is while this one shuts down, or its event loop lags.

    Empty after MAX_REDIRECTS: no other process answered, so this one does.
    """
    text = request.GET.get(REDIRECT_COUNT, "")
    count = int(text) if text.isdecimal() else 0
    if (
        not (active_calls().draining or active_calls().is_overloaded)
        or active_calls().is_single_process
        or count >= MAX_REDIRECTS
    ):
        return ""
    query = request.GET.copy()
    query[REDIRECT_COUNT] = str(count + 1)
    # Sorted, so that a proxy that sorts parameters does not break Twilio's signature.
    parameters = urlencode(sorted(query.lists()), doseq=True)
    return public_url(f"{reverse('voice')}?{parameters}")


async def _answer(request: HttpRequest) -> str:
    form, host = request.POST, request.META.get("HTTP_HOST", "").rsplit(":", 1)[0]
    problem = configuration_problem(host) if form.get("CallSid") else NO_CALL_SID
    if problem:
        log.error("Call %s turned away: %s", form.get("CallSid"), problem)
        return await not_configured(request)
    answer = await choose_bot(form)
    bot, diversion = answer.choice, answer.diversion
    if isinstance(bot, NoAnswer):
        log.warning("Call %s turned away: %s", form["CallSid"], bot)
        await refuse(request, bot)
        if bot is NoAnswer.BLOCKED:
            return twiml.reject("rejected")
        return twiml.say_and_hang_up(NOT_IN_SERVICE)
    query = request.GET.items()
    parameters = {name: str(text) for name, text in query if name != REDIRECT_COUNT}
    if diversion and not diversion.takes_message:
        return await _divert(form, answer, parameters)
    if active_calls().draining or active_calls().is_full:
        return await _turn_away(form, bot)
    return await _connect(form, answer, parameters)


async def _divert(
    form: Mapping[str, str], answer: RoutingAnswer, parameters: Mapping[str, str]
) -> str:
    """TwiML for a call to a closed number, or in an outage: a message or a transfer."""
    call, limit, diversion = await create_call(form, answer, parameters)
    if call.status in Call.OVER or diversion is None:
        return twiml.hang_up()
    if limit in REFUSED_UNANSWERED:
        return await _over_limit(call, limit)
    return await _diverted(call, diversion)


async def _diverted(call: Call, diversion: Diversion) -> str:
    log.info("Call %s diverted: %s", call.call_sid, diversion.reason)
    await close_call(call.call_sid, Call.Status.REFUSED, diversion.reason)
    config = config_from_json(call.settings)
    notice = fill_for_call(call, config, config.transfer_notice)
    return await _without_bot(config, call, config.closed_message, notice)


async def _turn_away(form: Mapping[str, str], bot: Bot) -> str:
    """TwiML for a call that this process takes no more."""
    why = "full: MAX_CALLS are in progress"
    if active_calls().is_overloaded:
        why = "overloaded: its event loop lags"
    if active_calls().draining:
        why = "being stopped"
    log.warning("Call %s turned away: this process is %s", form["CallSid"], why)
    config = await run_in_incoming_thread(config_snapshot)(bot, our_number(form))
    call = await refuse_call(form, Call.EndReason.BUSY)
    return await _without_bot(config, call, config.busy_message)


async def _connect(
    form: Mapping[str, str], answer: RoutingAnswer, parameters: Mapping[str, str]
) -> str:
    """TwiML that connects a call to its bot; the same if Twilio asks again.

    Unless a budget is spent: then callers hear a message, or are transferred.
    """
    call, limit, diversion = await create_call(form, answer, parameters)
    if call.status in Call.OVER:
        return twiml.hang_up()
    if diversion and not diversion.takes_message and limit not in REFUSED_UNANSWERED:
        return await _diverted(call, diversion)
    if not call.relay_nonce:
        # A socket has used the token. If Twilio starts the call again, it says that the
        # call is in progress; otherwise this is an old request that somebody repeats.
        if form.get("CallStatus") != "in-progress":
            return twiml.hang_up()
        return await reconnect(call.call_sid, "")
    if (
        not limit
        and active_calls().is_full
        and call.call_sid not in active_calls().connecting.calls
    ):
        limit = LimitExceeded.OF_SERVER
    return await (_over_limit(call, limit) if limit else relay_twiml(call))


async def _over_limit(call: Call, limit: LimitExceeded) -> str:
    """TwiML for a call that exceeds a limit."""
    log.warning("Call %s turned away: too many %s", call.call_sid, limit)
    reason = REFUSED_UNANSWERED.get(limit, Call.EndReason.BUSY)
    await close_call(call.call_sid, Call.Status.REFUSED, reason)
    if limit in REFUSED_UNANSWERED:
        return twiml.hang_up() if call.is_outbound else twiml.reject("busy")
    config = config_from_json(call.settings)
    return await _without_bot(config, call, config.busy_message)


async def _without_bot(
    config: BotConfig, call: Call, message: str, transfer_notice: str = ""
) -> str:
    """TwiML for a caller whom no bot takes: a transfer, or else a message."""
    if target := first_available_target(config, timezone.now()):
        return await final_transfer_document(
            call, target, transfer_notice, config.language, config.twilio_voice
        )
    text = fill_for_call(call, config, message)
    return twiml.say_and_hang_up(text, config.language, config.twilio_voice)
