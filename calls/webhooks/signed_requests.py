"""Checks Twilio's signature on a request, and answers with TwiML."""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from calls import metrics
from calls.db import DatabaseUnavailable, database_deadline
from calls.models import Call
from calls.public_urls import public_url
from calls.trace.recording import traced
from calls.twilio import twiml
from calls.twilio.signatures import (
    MAX_REORDERED,
    NOT_SIGNED,
    Signature,
    is_signed,
    signed_path,
    signed_paths,
    why_refused,
)
from calls.webhooks.connect import NOT_CONFIGURED, OUT_OF_ORDER
from calls.webhooks.open_call import refuse_call

log = logging.getLogger(__name__)

# Twilio waits fifteen seconds for an answer, and the caller with it.
DATABASE_SECONDS = 5.0

View = Callable[..., Coroutine[Any, Any, HttpResponse]]


def twilio_webhook(view: View) -> View:
    """Reject requests that Twilio has not signed for our public address."""

    recorded = traced(view)

    @csrf_exempt
    @require_http_methods(["GET", "POST"])
    @wraps(view)
    async def checked(request: HttpRequest, **path: Any) -> HttpResponse:
        signature = Signature.of(request.headers)
        if request.method == "GET":
            return await twiml_or_apology(lambda: _wrong_method(request, signature))
        if _is_signed_for_us(request, signature):
            return await recorded(request, **path)
        if is_signed_for_other_url(request, signature):
            return await twiml_or_apology(lambda: not_configured(request))
        why = f"{why_refused(signature)}{_hint_on_query(request)}"
        log.warning("Request to %s refused: %s", request.path, why)
        metrics.REJECTED_REQUESTS.labels("webhook").inc()
        return HttpResponseForbidden(NOT_SIGNED)

    return checked


def _is_signed_for_us(request: HttpRequest, signature: Signature) -> bool:
    """True if Twilio signed the request, with its parameters in any order.

    Some proxies sort the query. Another order of the same parameters means the same.
    """
    return any(
        is_signed(public_url(path), request.POST, signature)
        for path in signed_paths(request)
    )


def _hint_on_query(request: HttpRequest) -> str:
    if request.META.get("QUERY_STRING", "").count("&") < MAX_REORDERED:
        return ""
    return (
        " If a proxy sorts the parameters of the address, write them in alphabetical "
        "order at Twilio, too."
    )


async def _wrong_method(request: HttpRequest, signature: Signature) -> str:
    """TwiML for a request with GET: its parameters are in logs of proxies.

    Everybody hears the sentence, but only a call that Twilio has signed is listed.
    """
    by_twilio = is_signed(public_url(signed_path(request)), {}, signature)
    log.log(
        logging.ERROR if by_twilio else logging.WARNING,
        "A request for %s came with GET. Choose HTTP POST for this address at Twilio. "
        "A proxy that redirects http to https turns POST into GET: write https there.",
        request.path,
    )
    if by_twilio:
        await refuse(request, Call.EndReason.WRONG_METHOD)
    metrics.REJECTED_REQUESTS.labels("webhook").inc()
    return twiml.say_and_hang_up(NOT_CONFIGURED)


def is_signed_for_other_url(request: HttpRequest, signature: Signature) -> bool:
    """True if Twilio signed the request for another address than SERVER_URL.

    Then SERVER_URL is wrong: this is logged for the operator, and the caller hears a
    sentence instead of an error tone.
    """
    host = request.META.get("HTTP_HOST", "")
    actual = f"https://{host}"
    if actual == settings.SERVER_URL or not settings.TWILIO_AUTH_TOKENS:
        return False
    if not is_signed(actual + signed_path(request), request.POST, signature):
        return False
    log.error(
        "Twilio calls %s, but SERVER_URL is %s: no call can be answered. "
        "Set SERVER_URL=%s and restart.",
        *(actual, settings.SERVER_URL, actual),
    )
    return True


async def twiml_or_apology(document: Callable[[], Awaitable[str]]) -> HttpResponse:
    """Answer with TwiML; with a spoken apology while the database is unavailable."""
    try:
        async with database_deadline(DATABASE_SECONDS):
            return twiml_response(await document())
    except DatabaseUnavailable as error:
        # An error page would reach the caller as an error tone.
        log.error("A call was turned away, no database: %s", error)
        return twiml_response(twiml.say_and_hang_up(OUT_OF_ORDER))


async def not_configured(request: HttpRequest) -> str:
    """TwiML for a call to a server that is not set up; refuses the call."""
    await refuse(request, Call.EndReason.NOT_CONFIGURED)
    return twiml.say_and_hang_up(NOT_CONFIGURED)


async def refuse(request: HttpRequest, reason: str) -> None:
    """Add the call to the list of calls, with the reason why no bot answers it."""
    form = request.POST or request.GET
    if form.get("CallSid") and request.path.rstrip("/") == reverse("voice"):
        await refuse_call(form.dict(), reason)


def twiml_response(document: str) -> HttpResponse:
    return HttpResponse(document, content_type="text/xml")
