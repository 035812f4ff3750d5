"""The page “Connect numbers”: the account's numbers, and whether they lead here."""

from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from bots.access.decorators import required_for_all_bots
from bots.models import Bot, Outage, PhoneNumber
from bots.number_routing import RoutingAnswer, explain
from bots.responses import page as admin_page
from calls.clips.clip_store import ClipsUnavailable
from calls.console.numbers.point import (
    MAY_ADD,
    MAY_POINT,
    latest_changes,
    why_not_reachable,
)
from calls.console.numbers.preview import MAY_SEE
from calls.diagnostics import server_url_probe
from calls.diagnostics.findings import failure
from calls.diagnostics.response_checks import CLIP
from calls.session.services import services
from calls.twilio.account import account, is_connected
from calls.twilio.errors import TwilioError
from calls.twilio.number_setup import Number, NumberStatus, number_status
from calls.twilio.webhook_urls import webhooks

SAMPLE_LIFETIME_SECONDS = 60.0
MAX_OTHERS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A number of the account, with its entry here and the bot that answers it."""

    number: Number
    phone_number: PhoneNumber | None
    status: NumberStatus
    routing: RoutingAnswer


@require_GET
@required_for_all_bots(MAY_SEE)
def page(request: HttpRequest) -> HttpResponse:
    """List the account's numbers, or say how to point one here by hand."""
    return admin_page(
        request,
        "numbers.html",
        "Connect numbers",
        server_url=settings.SERVER_URL,
        webhooks=webhooks(),
        why_not_reachable=why_not_reachable(),
        connected=is_connected(),
        lacks_sid=not settings.TWILIO_ACCOUNT_SID,
        lacks_token=not settings.TWILIO_AUTH_TOKENS,
        may_point=request.user.has_perm(MAY_POINT),
        changes=latest_changes(),
        may_add=request.user.has_perm(MAY_ADD),
        **(_account_numbers() if is_connected() else {}),
    )


def _account_numbers() -> dict[str, Any]:
    try:
        numbers = account().numbers()
    except TwilioError as error:
        return {"problem": str(error)}
    default, now = Bot.objects.filter(is_default=True).first(), timezone.now()
    outages = list(Outage.objects.in_effect(now))
    phone_numbers = {
        phone_number.number: phone_number
        for phone_number in PhoneNumber.objects.select_related("bot", "closed_bot")
    }
    rows = []
    for number in sorted(numbers, key=lambda number: number.number):
        phone_number = phone_numbers.pop(number.number, None)
        status = number_status(number, webhooks())
        routing = explain(phone_number, default, outages, now)
        rows.append(Row(number, phone_number, status, routing))
    others = list(phone_numbers.values())
    return {
        "rows": rows,
        "others": others[:MAX_OTHERS_SHOWN],
        "more_others": max(0, len(others) - MAX_OTHERS_SHOWN),
        "bots": Bot.objects.filter(is_active=True).only("name"),
    }


@require_POST
@required_for_all_bots(MAY_POINT)
def check(request: HttpRequest) -> HttpResponse:
    """Check the way from SERVER_URL to this server; one result for each part of it.

    Runs in the request's own thread, while the event loop answers its requests.
    """
    sample = server_url_probe.Sample()
    try:
        async_to_sync(_store)(sample)
    except ClipsUnavailable:
        message = "The clip store takes no clips. Is the Redis of REDIS_URL up?"
        findings = [*server_url_probe.check(None), failure(CLIP, message)]
    else:
        findings = server_url_probe.check(sample)
    results = [
        {"name": found.name, "ok": not found.is_failure, "message": found.text}
        for found in findings
    ]
    return JsonResponse({"results": results})


async def _store(sample: server_url_probe.Sample) -> None:
    # The services belong to the server's event loop.
    clips = services().clips
    await clips.put(sample.id, sample.wav, SAMPLE_LIFETIME_SECONDS)
