"""Points a number of the Twilio account at this server."""

import logging
from dataclasses import replace

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from bots.access.decorators import required_for_all_bots
from bots.models import Bot, PhoneNumber
from bots.responses import PAGE_SECONDS, page, primary_key
from bots.versions.history import NUMBERS_CHANGED, record_change
from calls.checks import SERVER_URL_HINT, is_loopback
from calls.console.change_log import log_change
from calls.twilio.account import Account, account
from calls.twilio.errors import TwilioAway, TwilioError
from calls.twilio.number_setup import (
    Number,
    NumberStatus,
    PointsAt,
    changes,
    number_status,
)
from calls.twilio.webhook_urls import webhooks

log = logging.getLogger(__name__)

MAY_POINT = "bots.change_phonenumber"
MAY_ADD = "bots.add_phonenumber"
MAX_CHANGES_SHOWN = 10
# The beginnings of our messages in the admin's log.
DONE, TRIED = "Pointed at", "Asked Twilio"


def why_not_reachable() -> str:
    """Why no number can be pointed at this server; empty if it can."""
    url = settings.SERVER_URL
    if is_loopback(settings.SERVER_HOST):
        return f"Twilio cannot reach {url}. {SERVER_URL_HINT}"
    if not url.startswith("https://"):
        return f"Twilio needs https, and SERVER_URL is {url}. {SERVER_URL_HINT}"
    return ""


@require_POST
@required_for_all_bots(MAY_POINT)
def point_number(request: HttpRequest, sid: str) -> HttpResponse:
    """Point a number here; asks for confirmation if it points elsewhere."""
    if problem := why_not_reachable():
        messages.error(request, problem)
        return redirect("admin:numbers")
    twilio = replace(account(), seconds=PAGE_SECONDS / 2)  # it is asked twice
    try:
        number = twilio.number(sid)
        status = number_status(number, webhooks())
        # The status may have changed since the operator confirmed its consequence.
        if status.consequence and request.POST.get("confirmed") != _seen(status):
            return _ask(request, number, status)
        _point(request, twilio, number)
    except TwilioError as error:
        messages.error(request, str(error))
    return redirect("admin:numbers")


def _ask(request: HttpRequest, number: Number, status: NumberStatus) -> HttpResponse:
    return page(
        request,
        "bots/phonenumber/point.html",
        f"Point {number.number} here?",
        number=number,
        status=status,
        seen=_seen(status),
        changes=changes(number, webhooks()),
        bot=_chosen_bot(request),
    )


def _seen(status: NumberStatus) -> str:
    return " ".join(status.consequence)


def _point(request: HttpRequest, twilio: Account, number: Number) -> None:
    before = number.target or "nothing"
    try:
        after = twilio.change(number.sid, changes(number, webhooks()))
    except TwilioAway:
        _record(request, number, f"{TRIED} to point it here, without a response.")
        raise
    _record(request, number, f"{DONE} {webhooks().voice} (before: {before}).")
    log.info("%s was pointed here by %s", number.sid, request.user)
    _assign_bot(request, number)
    status = number_status(after, webhooks())
    if status.points == PointsAt.HERE:
        messages.success(request, f"{number.number} points here now. Call it to try.")
    else:
        messages.warning(
            request, f"Twilio changed {number.number}, but: {status.message}."
        )


def _assign_bot(request: HttpRequest, number: Number) -> None:
    """Add the number with the bot that was chosen in the form, if any."""
    bot = _chosen_bot(request)
    if bot is None:
        return
    if not request.user.has_perm(MAY_ADD):
        messages.warning(request, "You may not add phone numbers here.")
        return
    phone_number = PhoneNumber(number=number.number, label=number.label[:80], bot=bot)
    try:
        phone_number.full_clean()
    except ValidationError as error:
        problem = " ".join(error.messages)
        messages.warning(
            request, f"{bot} was not assigned to {number.number}: {problem}"
        )
        return
    phone_number.save()
    record_change([bot.pk], NUMBERS_CHANGED)
    message = "Added while it was pointed here."
    log_change(_user_id(request), phone_number, message, flag=ADDITION)


def _chosen_bot(request: HttpRequest) -> Bot | None:
    chosen = primary_key(request.POST.get("bot", ""))
    return Bot.objects.filter(pk=chosen).first() if chosen else None


def _record(request: HttpRequest, number: Number, message: str) -> None:
    phone_number = PhoneNumber.objects.filter(number=number.number).first()
    subject = phone_number or PhoneNumber(number=number.number)
    log_change(_user_id(request), subject, message)


def _user_id(request: HttpRequest) -> int:
    return int(request.user.pk or 0)


def changes_made_here() -> QuerySet[LogEntry]:
    """Numbers that this console has pointed at this server."""
    return _changes(Q(change_message__startswith=DONE))


def latest_changes() -> QuerySet[LogEntry]:
    """Changes made at Twilio from this console, the latest first."""
    tried = Q(change_message__startswith=TRIED)
    entries = _changes(tried | Q(change_message__startswith=DONE))
    return entries.select_related("user").order_by("-action_time")[:MAX_CHANGES_SHOWN]


def _changes(ours: Q) -> QuerySet[LogEntry]:
    numbers = ContentType.objects.get_for_model(PhoneNumber)
    return LogEntry.objects.filter(ours, content_type=numbers)
