"""The recorder of a call, and the end of recordings that no session looks after."""

from calls.db import run_in_db_thread
from calls.logs import CallLog
from calls.models import Call, Recording
from calls.recordings.recorder import NOT_RECORDED, Recorder, TwilioRecorder
from calls.session.services import Services
from calls.simulator.line import SIMULATED_ACCOUNT
from calls.transcripts.recording_rows import RecordingReport
from calls.transcripts.writes import RecordingWrite
from calls.turns.recording import RecordingState

# How long a session's report of its recording may take.
FLUSH_SECONDS = 1.0


def recorder_of(
    call: Call, account_sid: str, services: Services, log: CallLog
) -> Recorder:
    """Records a phone call at Twilio. Twilio knows nothing of calls without a phone."""
    is_phone_call = account_sid not in ("", SIMULATED_ACCOUNT) and not call.is_test
    if not is_phone_call or not services.recordings.account.tokens:
        return NOT_RECORDED
    if recorder := services.recorders.get(call.call_sid):
        recorder.resume()
    else:
        is_resumed = call.reconnects > 0
        recorder = _recorder(call, account_sid, services, log, is_resumed=is_resumed)
        services.recorders[call.call_sid] = recorder
    return recorder


async def stop_recordings(call: Call, services: Services, log: CallLog) -> None:
    """End what is recorded of a call that goes on with a person."""
    if call.settings.get("recording", "never") == "never" or call.is_test:
        return
    await services.transcripts.flush(FLUSH_SECONDS)
    for sid, account_sid in await _running(call.pk):
        recorder = _recorder(call, account_sid, services, log, sid=sid)
        recorder.set_state(RecordingState.OFF)


def _recorder(
    call: Call,
    account_sid: str,
    services: Services,
    log: CallLog,
    *,
    is_resumed: bool = False,
    sid: str = "",
) -> TwilioRecorder:
    def report(news: RecordingReport) -> None:
        services.transcripts.put(RecordingWrite(call.pk, news))

    return TwilioRecorder(
        call.call_sid,
        account_sid,
        services.recordings,
        report,
        services.recording_tasks,
        log,
        is_resumed=is_resumed,
        sid=sid,
    )


@run_in_db_thread
def _running(call_id: int) -> list[tuple[str, str]]:
    source = Recording.Source.TWILIO
    rows = Recording.objects.filter(call=call_id, source=source, sid__isnull=False)
    running = rows.filter(status__in=Recording.OPEN)
    return [
        (str(sid), account)
        for sid, account in running.values_list("sid", "account_sid")
    ]
