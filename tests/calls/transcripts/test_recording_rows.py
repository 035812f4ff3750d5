"""Reports on recordings come in any order, more than once, and late."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from django.db import connection
from pytest_django import Settings

from calls.models import Recording, SoundDeletion
from calls.models.recording import Status
from calls.transcripts.recording_rows import (
    ABSENT_REASONS,
    NO_SOUND,
    OUT_OF_CONTROL,
    RecordingReport,
    record_report,
    report_of,
)
from calls.twilio.recordings import TwilioRecording
from tests.support.pages.calls import make_call
from tests.support.twilio_recordings import callback

pytestmark = pytest.mark.django_db

SID, OTHER = "RE" + "a1" * 16, "RE" + "b2" * 16
AT = datetime(2026, 11, 30, 12, 0, 0, 250_000, tzinfo=UTC)
STARTED = RecordingReport(Status.RECORDING, SID, "AC1", AT, by_us=True)
PAUSED = RecordingReport(Status.PAUSED, SID, "AC1", by_us=True)
RESUMED = RecordingReport(Status.RECORDING, SID, "AC1", by_us=True)
GIVEN_UP = RecordingReport(Status.FAILED, problem="Not recorded. Twilio is away.")


def called_back(status: str, error: str = "", sid: str = SID) -> RecordingReport:
    record = {"sid": sid, "call_sid": "CA1", "status": status, "duration": "7"}
    form = callback({**record, "error_code": error})
    report = report_of(TwilioRecording.of_form(form))
    assert report
    return report


BEGUN, READY = called_back("in-progress"), called_back("completed")


def test_the_end_wins_in_any_order() -> None:
    for order in permutations([STARTED, PAUSED, BEGUN, READY]):
        call = make_call()
        for report in (*order, READY):
            record_report(call.pk, report)
        row = Recording.objects.get()
        assert (row.status, row.sid) == (Status.COMPLETED, SID)
        assert (row.duration_ms, row.channels) == (7000, 2)
        assert row.due_at  # to draw its waveform
        call.delete()


def test_the_session_knows_best_when_it_began() -> None:
    call = make_call()
    for report in (BEGUN, STARTED, BEGUN):
        record_report(call.pk, report)
    assert Recording.objects.get().started_at == AT


def test_a_late_callback_ends_no_pause() -> None:
    call = make_call()
    for report in (STARTED, PAUSED, BEGUN):
        record_report(call.pk, report)
    assert Recording.objects.get().status == Status.PAUSED
    record_report(call.pk, RESUMED)
    row = Recording.objects.get()
    assert (row.status, row.started_at) == (Status.RECORDING, AT)
    assert row.due_at


@pytest.mark.parametrize(
    ("status", "error", "problem"),
    [
        ("absent", "", NO_SOUND),
        ("absent", "16101", ABSENT_REASONS["16101"]),
        ("absent", "16102", ABSENT_REASONS["16102"]),
        ("failed", "", "Twilio could not store the recording."),
    ],
)
def test_a_recording_without_sound_says_why(
    status: str, error: str, problem: str
) -> None:
    call = make_call()
    for report in (STARTED, called_back(status, error), BEGUN):
        record_report(call.pk, report)
    row = Recording.objects.get()
    assert (row.status, row.problem) == (status, problem)


def test_sound_that_was_given_up_may_still_come() -> None:
    call = make_call()
    for report in (STARTED, replace(READY, status=Status.FAILED), READY):
        record_report(call.pk, report)
    assert Recording.objects.get().status == Status.COMPLETED


def test_what_is_ready_is_fetched_at_once(settings: Settings) -> None:
    settings.FETCH_RECORDINGS = True
    record_report(make_call().pk, READY)
    assert Recording.objects.get().due_at


def test_a_discarded_recording_is_deleted_and_stays_so() -> None:
    call = make_call()
    discarded = replace(
        STARTED, status=Status.DELETED, problem="Secret.", discarded=True
    )
    for report in (STARTED, discarded, discarded, READY):
        record_report(call.pk, report)
    row = Recording.objects.get()
    assert (row.status, row.problem, row.has_sound) == ("deleted", "Secret.", False)
    assert SoundDeletion.objects.get().sid == SID


def test_a_failed_start_is_one_row_however_often_it_fails() -> None:
    call = make_call()
    for _ in range(2):
        record_report(call.pk, GIVEN_UP)
    row = Recording.objects.get()
    assert (row.sid, row.status) == (None, Status.FAILED)
    # A later session succeeds.
    record_report(call.pk, STARTED)
    assert Recording.objects.filter(sid=SID, status=Status.RECORDING).exists()


@pytest.mark.parametrize("reports", [(GIVEN_UP, BEGUN), (BEGUN, GIVEN_UP)])
def test_a_recording_that_nobody_can_pause_is_deleted(
    reports: tuple[RecordingReport, ...],
) -> None:
    call = make_call()
    stopped = replace(STARTED, sid=OTHER)  # an earlier one, still without its end
    for report in (stopped, *reports, READY):
        record_report(call.pk, report)
    row = Recording.objects.get(sid=SID)
    assert (row.status, row.problem) == (Status.DELETED, OUT_OF_CONTROL)
    assert Recording.objects.get(sid=OTHER).status == Status.RECORDING
    assert [each.sid for each in SoundDeletion.objects.all()] == [SID]


def test_the_sound_of_an_erased_call_is_deleted() -> None:
    assert record_report(12345, READY) is None
    assert not Recording.objects.exists()
    assert SoundDeletion.objects.get().sid == SID


@pytest.mark.parametrize("time", ["soon\0", f"Mon, 1 Jan {10**30} 00:00:00 +0000"])
def test_odd_values_of_twilio_do_no_harm(time: str) -> None:
    odd = {"RecordingSid": SID, "RecordingStatus": "completed"}
    odd |= {"RecordingDuration": "-1", "RecordingStartTime": time}
    report = report_of(TwilioRecording.of_form(odd))
    assert report
    assert (report.seconds, report.at) == (None, None)
    assert report_of(TwilioRecording.of_form({"RecordingSid": SID})) is None
    assert report_of(TwilioRecording.of_form({"RecordingStatus": "absent"})) is None
    row = record_report(make_call().pk, report)
    assert row
    assert row.started_at - datetime.now(UTC) < timedelta(minutes=1)


@pytest.mark.django_db(transaction=True)
def test_reports_at_the_same_time_make_one_row() -> None:
    call = make_call()

    def report(news: RecordingReport) -> None:
        try:
            record_report(call.pk, news)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(report, [STARTED, BEGUN, READY, PAUSED] * 3))
    row = Recording.objects.get()
    assert (row.status, row.duration_ms) == (Status.COMPLETED, 7000)
