"""Twilio's report on a transfer from which the caller cannot return to a bot.

The number is closed, an outage is announced, a budget is spent, all lines are busy, or
the bot failed. The call's row was closed when the caller was transferred.
"""

import logging

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from bots.config.phrasebook import phrasebook
from calls.db import DatabaseUnavailable, database_deadline, run_in_db_thread
from calls.models import Call, CallToCheck
from calls.models.costs import CallUsage
from calls.prices.usage import TRANSFER, Usage, stored
from calls.session.services import services
from calls.twilio import twiml
from calls.webhooks.dial_result import dialled_seconds, has_left, why_missed
from calls.webhooks.open_call import SID_LENGTH
from calls.webhooks.signed_requests import (
    DATABASE_SECONDS,
    twilio_webhook,
    twiml_response,
)

log = logging.getLogger(__name__)

# How long the note that somebody was dialled may take: the report adds to it.
FLUSH_SECONDS = 1.0


@twilio_webhook
async def transferred(request: HttpRequest) -> HttpResponse:
    """The telephone of the person is free again, or could not be reached.

    A caller whom nobody took is told so, in the `language` of the address.
    """
    form = request.POST.dict()
    call_sid, missed = form.get("CallSid", "")[:SID_LENGTH], why_missed(form)
    await services().transcripts.flush(FLUSH_SECONDS)
    try:
        async with database_deadline(DATABASE_SECONDS):
            await _record(call_sid, dialled_seconds(form), missed)
    except DatabaseUnavailable as error:
        log.error("%s: a report on a transfer is lost: %s", call_sid, error)
    if not missed or has_left(form):
        return twiml_response(twiml.hang_up())
    language = request.GET.get("language", "en-US")
    message = phrasebook(language).closed_message
    return twiml_response(twiml.say_and_hang_up(message, language))


@run_in_db_thread
@transaction.atomic
def _record(call_sid: str, seconds: int | None, missed: str) -> None:
    call = Call.objects.select_for_update().filter(call_sid=call_sid).first()
    if call is None:  # erased meanwhile
        return
    _count(call, seconds)
    if missed:
        log.info("%s: nobody took the transfer", call_sid)
        call.transfer = {"missed": missed}
        call.save(update_fields=["transfer"])
        CallToCheck.objects.put([call.pk])


def _count(call: Call, seconds: int | None) -> None:
    """Store the length of the person's leg, which Twilio bills as a call."""
    dialled = call.usages.filter(source=TRANSFER).first()
    if dialled is None or seconds is None:
        return
    legs = stored(dialled.entries) if seconds else []
    entries = [Usage(leg.kind, leg.item, seconds).to_json() for leg in legs]
    CallUsage.write([CallUsage(call=call, source=TRANSFER, entries=entries)])
