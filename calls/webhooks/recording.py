"""Answers Twilio's reports on recordings: begun, ready, without sound."""

import logging

from django.http import HttpRequest, HttpResponse

from calls.db import DatabaseUnavailable, database_deadline, run_in_db_thread
from calls.models import Call
from calls.session.services import services
from calls.transcripts.recording_rows import (
    RecordingReport,
    delete_sound,
    record_report,
    report_of,
)
from calls.twilio.recordings import RECORDING_SID, TwilioRecording
from calls.webhooks.open_call import SID_LENGTH
from calls.webhooks.signed_requests import DATABASE_SECONDS, twilio_webhook

log = logging.getLogger(__name__)

# How long the session's own report may take: it knows more.
FLUSH_SECONDS = 1.0


@twilio_webhook
async def recording_status(request: HttpRequest) -> HttpResponse:
    """A recording has a new status. Reports may be late, repeated or out of order."""
    form = request.POST.dict()
    report = report_of(TwilioRecording.of_form(form))
    if report is None or not RECORDING_SID.fullmatch(report.sid):
        return HttpResponse(status=204)
    call_sid = form.get("CallSid", "")[:SID_LENGTH]
    await services().transcripts.flush(FLUSH_SECONDS)
    try:
        async with database_deadline(DATABASE_SECONDS):
            await _record(call_sid, report)
    except DatabaseUnavailable as error:
        # A worker asks Twilio later.
        log.error("%s: a report on a recording is lost: %s", call_sid, error)
    return HttpResponse(status=204)


@run_in_db_thread
def _record(call_sid: str, report: RecordingReport) -> None:
    found = Call.objects.filter(call_sid=call_sid).values_list("pk", flat=True).first()
    if found is None:  # erased meanwhile
        delete_sound(report.sid, report.account_sid)
    else:
        record_report(found, report)
