"""Point one of the account's numbers at this server."""

import logging
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST

from bots.models import Bot, PhoneNumber
from calls.checks import SERVER_URL_HINT, is_loopback
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
SHOWN = 200
CHANGES_SHOWN = 10
# What our entries in the admin's log begin with.
DONE, TRIED = "Pointed at", "Asked Twilio"
MAX_DIGITS = 9  # of a bot's id


def why_not_reachable() -> str:
    """Why no number can be pointed at this server; empty when it can."""
    url = settings.SERVER_URL
    if is_loopback(settings.SERVER_HOST):
        return f"Twilio cannot reach {url}. {SERVER_URL_HINT}"
    if not url.startswith("https://"):
        return f"Twilio needs https, and SERVER_URL is {url}. {SERVER_URL_HINT}"
    return ""


@require_POST
def point_number(request: HttpRequest, sid: str) -> HttpResponse:
    """Point a number here; asks first when it points somewhere now."""
    if not request.user.has_perm(MAY_POINT):
        raise PermissionDenied
    if trouble := why_not_reachable():
        messages.error(request, trouble)
        return redirect("admin:numbers")
    twilio = account()
    try:
        number = twilio.number(sid)
        now = number_status(number, webhooks())
        # What was confirmed must be what is lost: it may have changed meanwhile.
        if now.consequence and request.POST.get("confirmed") != _seen(now):
            return _ask(request, number, now)
        _point(request, twilio, number)
    except TwilioError as error:
        messages.error(request, str(error))
    return redirect("admin:numbers")


def _ask(request: HttpRequest, number: Number, now: NumberStatus) -> HttpResponse:
    bot = _chosen_bot(request)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"Point {number.number} here?",
        "number": number,
        "standing": now,
        "seen": _seen(now),
        "changes": changes(number, webhooks()),
        "bot": bot,
    }
    return TemplateResponse(request, "admin/bots/phonenumber/point.html", context)


def _seen(now: NumberStatus) -> str:
    return " ".join(now.consequence)


def _point(request: HttpRequest, twilio: Account, number: Number) -> None:
    before = number.target or "nothing"
    try:
        after = twilio.change(number.sid, changes(number, webhooks()))
    except TwilioAway:
        _record(request, number, f"{TRIED} to point it here; no answer came.")
        raise
    _record(request, number, f"{DONE} {webhooks().voice} (before: {before}).")
    log.info("%s now points here, as %s wished", number.sid, request.user)
    _enter(request, number)
    found = number_status(after, webhooks())
    if found.points == PointsAt.HERE:
        messages.success(request, f"{number.number} points here now. Ring it.")
    else:
        messages.warning(
            request, f"Twilio took the change of {number.number}, but: {found.message}."
        )


def _enter(request: HttpRequest, number: Number) -> None:
    """Give the number the bot that was chosen with it, if any."""
    bot = _chosen_bot(request)
    if bot is None:
        return
    if not request.user.has_perm(MAY_ADD):
        messages.warning(request, "You may not add numbers to the desk's list.")
        return
    known = PhoneNumber(number=number.number, label=number.label[:80], bot=bot)
    try:
        known.full_clean()
    except ValidationError as error:
        told = " ".join(error.messages)
        messages.warning(request, f"{bot} was not put on {number.number}: {told}")
        return
    known.save()
    _log(request, known, ADDITION, "Added while it was pointed here.")


def _chosen_bot(request: HttpRequest) -> Bot | None:
    chosen = request.POST.get("bot", "")
    if not chosen.isdecimal() or len(chosen) > MAX_DIGITS:
        return None
    return Bot.objects.filter(pk=int(chosen)).first()


def _record(request: HttpRequest, number: Number, words: str) -> None:
    """Note who changed what, with the number's own entry where it has one."""
    known = PhoneNumber.objects.filter(number=number.number).first()
    _log(request, known or PhoneNumber(number=number.number), CHANGE, words)


def latest_changes() -> QuerySet[LogEntry]:
    """What was changed at Twilio from here, the latest first."""
    ours = Q(change_message__startswith=DONE) | Q(change_message__startswith=TRIED)
    entries = LogEntry.objects.filter(
        ours, content_type=ContentType.objects.get_for_model(PhoneNumber)
    )
    return entries.select_related("user").order_by("-action_time")[:CHANGES_SHOWN]


def _log(request: HttpRequest, known: PhoneNumber, flag: int, words: str) -> None:
    LogEntry.objects.create(
        user_id=int(request.user.pk or 0),
        content_type=ContentType.objects.get_for_model(PhoneNumber),
        object_id=str(known.pk) if known.pk else None,
        object_repr=str(known)[:SHOWN],
        action_flag=flag,
        change_message=words,
    )
