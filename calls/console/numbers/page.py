"""Which numbers lead here, and how to make one do so."""

from dataclasses import asdict, dataclass
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_POST

from bots.models import Bot, PhoneNumber
from bots.number_routing import RoutingAnswer, explain
from calls.console.numbers.point import (
    MAY_ADD,
    MAY_POINT,
    latest_changes,
    why_not_reachable,
)
from calls.console.numbers.preview import MAY_SEE
from calls.diagnostics import server_url_probe
from calls.diagnostics.response_verdicts import ProbeResult
from calls.session.services import services
from calls.speech.clip_store import ClipsUnavailable
from calls.twilio.account import account, is_connected
from calls.twilio.errors import TwilioError
from calls.twilio.number_setup import Number, NumberStatus, number_status
from calls.twilio.webhook_urls import webhooks

SAMPLE_LIFETIME_SECONDS = 60.0
STRANGERS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One number of the account, and what a call to it would meet here."""

    number: Number
    known: PhoneNumber | None
    standing: NumberStatus
    answering: RoutingAnswer


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """List the account's numbers, or say how to point one here by hand."""
    if not request.user.has_perm(MAY_SEE):
        raise PermissionDenied
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Numbers at Twilio",
        "server_url": settings.SERVER_URL,
        "webhooks": webhooks(),
        "why_not_here": why_not_reachable(),
        "connected": is_connected(),
        "lacks_sid": not settings.TWILIO_ACCOUNT_SID,
        "lacks_token": not settings.TWILIO_AUTH_TOKENS,
        "may_point": request.user.has_perm(MAY_POINT),
        "changes": latest_changes(),
        "may_add": request.user.has_perm(MAY_ADD),
        **(_at_twilio() if is_connected() else {}),
    }
    return TemplateResponse(request, "admin/numbers.html", context)


def _at_twilio() -> dict[str, Any]:
    try:
        numbers = account().numbers()
    except TwilioError as error:
        return {"problem": str(error)}
    default = Bot.objects.filter(is_default=True).first()
    here = {
        known.number: known for known in PhoneNumber.objects.select_related("bot").all()
    }
    ours = webhooks()
    rows = []
    for number in sorted(numbers, key=lambda number: number.number):
        known = here.pop(number.number, None)
        answers = explain(known, default)
        rows.append(Row(number, known, number_status(number, ours), answers))
    strangers = list(here.values())
    return {
        "rows": rows,
        "strangers": strangers[:STRANGERS_SHOWN],
        "more_strangers": max(0, len(strangers) - STRANGERS_SHOWN),
        "bots": Bot.objects.filter(is_active=True).only("name"),
    }


@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """Try the way from SERVER_URL to this server; one line for each part of it.

    Runs in the request's own thread, while the event loop answers what is asked.
    """
    if not request.user.has_perm(MAY_POINT):
        raise PermissionDenied
    sample = server_url_probe.Sample()
    try:
        async_to_sync(_store)(sample)
    except ClipsUnavailable:
        words = "The clip store takes no clips. Is the Redis of REDIS_URL up?"
        found = [
            *server_url_probe.check(None),
            ProbeResult(server_url_probe.CLIP, False, words),
        ]
    else:
        found = server_url_probe.check(sample)
    return JsonResponse({"results": [asdict(result) for result in found]})


async def _store(sample: server_url_probe.Sample) -> None:
    # The services belong to the server's event loop.
    clips = services().clips
    await clips.put(sample.id, sample.wav, SAMPLE_LIFETIME_SECONDS)
