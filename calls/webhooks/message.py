"""Answers Twilio's reports on an SMS that told an alert: did it arrive?"""

import logging

from django.http import HttpRequest, HttpResponse

from calls.alerts.channels.sms_reports import report_of
from calls.alerts.queue import record_report
from calls.db import DatabaseUnavailable, database_deadline, run_in_db_thread
from calls.models.alert import State
from calls.webhooks.signed_requests import DATABASE_SECONDS, twilio_webhook

log = logging.getLogger(__name__)


@twilio_webhook
async def message_status(request: HttpRequest, pk: int) -> HttpResponse:
    """A message has a new status. Reports may be late, repeated or out of order."""
    if (report := report_of(request.POST.dict())) is None:
        return HttpResponse(status=204)
    try:
        async with database_deadline(DATABASE_SECONDS):
            state = await run_in_db_thread(record_report)(pk, report)
    except DatabaseUnavailable as error:
        log.error("Alert %d: a report on its SMS is lost: %s", pk, error)
    else:
        if state is State.LOST:
            log.warning("Alert %d: its SMS was not delivered", pk)
    return HttpResponse(status=204)
