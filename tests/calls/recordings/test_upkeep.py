"""Recordings are fetched in pieces, asked for, and deleted: until it has worked."""

import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from calls.models import Call, Recording, SoundDeletion
from calls.models.recording import Status
from calls.privacy.deletion import delete_calls
from calls.recordings import queue
from calls.recordings.fetching import PIECE_BYTES, file_name
from calls.recordings.schedule import MAX_MISSING, PAUSES, pause_after
from calls.recordings.upkeep import GONE, NEVER_CAME, NOT_READY, delete, look_after
from calls.transcripts.recording_rows import RecordingReport, record_report
from calls.twilio.account import account
from calls.twilio.recording_files import RecordingFiles
from tests.support.twilio import SID
from tests.support.twilio_recordings import AWAY, RecordingTwilio, stereo_wav
from tests.support.twilio_recordings import GONE as NOT_FOUND

pytestmark = pytest.mark.django_db(transaction=True)

Recorded = Callable[..., Recording]


def work(*, is_stopping: bool = False) -> int:
    """Do all that is due; returns the number of steps."""
    files, steps = RecordingFiles(account()), 0
    while deletion := queue.claim_deletion():
        delete(deletion, files)
        steps += 1
    while row := queue.claim():
        look_after(row, files, lambda: is_stopping)
        steps += 1
    return steps


def make_due() -> None:
    """Let all pauses be over."""
    past = timezone.now() - timedelta(seconds=1)
    Recording.objects.exclude(due_at=None).update(due_at=past)
    SoundDeletion.objects.update(due_at=past)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_sound_is_fetched_and_deleted_at_twilio(
    twilio: RecordingTwilio, folder: Path, recorded: Recorded
) -> None:
    twilio.sound = stereo_wav(2.5)
    row = recorded()
    assert work() == 1
    row.refresh_from_db()
    assert (folder / str(row.file)).read_bytes() == twilio.sound
    assert (folder / str(row.file)).stat().st_mode & 0o777 == 0o600
    assert (row.size, row.duration_ms) == (len(twilio.sound), 2500)
    assert str(row.file) == file_name(row.started_at, row.sid or "")
    assert row.fetched_at
    assert row.due_at is None
    assert twilio.recordings != {}
    assert work() == 1  # the deletion
    row.refresh_from_db()
    assert twilio.recordings == {}
    assert row.removed_at_twilio_at
    assert not SoundDeletion.objects.exists()
    assert work() == 0


def test_sound_stays_at_twilio_unless_it_is_to_be_fetched(
    twilio: RecordingTwilio, folder: Path, recorded: Recorded, settings: Settings
) -> None:
    settings.FETCH_RECORDINGS = False
    twilio.sound = stereo_wav(2.5)
    row = recorded()
    assert work() == 1
    row.refresh_from_db()
    assert len(row.peaks) == row.channels == 2
    assert (row.duration_ms, row.size) == (2500, len(twilio.sound))
    assert not row.file
    assert files_in(folder) == []
    assert twilio.log() == ["sound"]
    settings.FETCH_RECORDINGS = True
    assert queue.fetch_all_from_now_on() == 1
    assert work() == 1
    row.refresh_from_db()
    assert row.file


def test_a_waveform_that_cannot_be_drawn_is_left_out(
    twilio: RecordingTwilio, recorded: Recorded
) -> None:
    twilio.sound = b"RIFF, and then nothing that is sound"
    row = recorded()
    for _ in range(MAX_MISSING):
        make_due()
        assert work() == 1
    row.refresh_from_db()
    assert (row.status, row.peaks, row.due_at) == (Status.COMPLETED, [], None)
    assert row.has_sound


def test_a_long_recording_is_never_in_memory(
    twilio: RecordingTwilio, folder: Path, recorded: Recorded
) -> None:
    twilio.sound = stereo_wav(1) + bytes(100_000_000)
    row = recorded()
    tracemalloc.start()
    try:
        work()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    row.refresh_from_db()
    assert row.size == len(twilio.sound)
    # What httpx and the fake's socket hold comes on top of a piece.
    assert peak < 20 * PIECE_BYTES


def test_sound_that_twilio_does_not_have_yet_is_asked_for_again(
    twilio: RecordingTwilio, folder: Path, recorded: Recorded
) -> None:
    twilio.answers["sound"] = [NOT_FOUND]
    row = recorded()
    assert work() == 1
    row.refresh_from_db()
    assert (row.status, row.problem) == (Status.COMPLETED, NOT_READY)
    assert queue.backlog() == queue.Backlog([NOT_READY], [])
    make_due()
    work()
    row.refresh_from_db()
    assert (bool(row.file), row.problem) == (True, "")
    assert queue.backlog() == queue.Backlog([], [])


def test_sound_that_never_comes_is_given_up(
    twilio: RecordingTwilio, folder: Path, recorded: Recorded
) -> None:
    twilio.answers["sound"] = [NOT_FOUND] * 20
    row = recorded()
    for _ in range(MAX_MISSING):
        work()
        make_due()
    row.refresh_from_db()
    assert (row.status, row.problem) == (Status.FAILED, GONE)
    assert work() == 0


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (AWAY, "Twilio has a problem"),
        ((401, b""), "Twilio rejects TWILIO_ACCOUNT_SID"),
        ((200, b"<html>Not a sound</html>"), "no sound"),
        ((200, b""), "no sound"),
        ((429, b""), "too many requests"),
    ],
)
def test_a_fetch_that_fails_is_repeated_and_told(
    twilio: RecordingTwilio,
    folder: Path,
    recorded: Recorded,
    answer: tuple[int, bytes],
    words: str,
) -> None:
    twilio.answers["sound"] = [answer] * 2
    row = recorded()
    work()
    row.refresh_from_db()
    assert words in row.problem
    assert row.due_at
    assert row.due_at > timezone.now()
    assert files_in(folder) == []


def test_a_storage_that_is_full_is_told_and_tried_again(
    twilio: RecordingTwilio, folder: Path, recorded: Recorded
) -> None:
    row = recorded()
    blocked = folder / f"{row.started_at:%Y}"
    blocked.touch()  # a file where the folder of the year should be
    work()
    row.refresh_from_db()
    assert row.problem.startswith("The storage of recordings does not take the file (")
    assert twilio.recordings != {}  # it is still there to be heard
    blocked.unlink()
    make_due()
    work()
    row.refresh_from_db()
    assert row.file


def test_a_process_that_stops_leaves_the_fetch_to_another(
    twilio: RecordingTwilio, folder: Path, recorded: Recorded
) -> None:
    twilio.sound = stereo_wav(60)
    row = recorded()
    files = RecordingFiles(account())
    claimed = queue.claim()
    assert claimed
    assert queue.claim() is None  # nobody else takes it meanwhile
    look_after(claimed, files, lambda: True)
    assert files_in(folder) == []
    assert work() == 1
    row.refresh_from_db()
    assert row.file


def test_erasing_while_a_fetch_runs_leaves_nothing(
    twilio: RecordingTwilio, folder: Path, recorded: Recorded
) -> None:
    row = recorded()
    twilio.holds = Event()
    fetching = Thread(target=_work_in_thread)
    fetching.start()
    while not twilio.requests:
        fetching.join(0.01)
    delete_calls([row.call_id])
    twilio.holds.set()
    fetching.join(10)
    make_due()
    work()
    assert files_in(folder) == []
    assert twilio.recordings == {}
    assert not SoundDeletion.objects.exists()


def _work_in_thread() -> None:
    try:
        row = queue.claim()
        assert row
        look_after(row, RecordingFiles(account()), lambda: False)
    finally:
        connection.close()


def test_deleted_calls_take_their_sound_with_them(
    twilio: RecordingTwilio, folder: Path, recorded: Recorded
) -> None:
    fetched, other = recorded(1), recorded(2)
    work()
    work()
    kept = recorded(3, due_at=None)
    delete_calls([fetched.call_id, other.call_id])
    twilio.answers["delete"] = [AWAY]
    work()
    assert files_in(folder) == []
    assert list(twilio.recordings) == [kept.sid]


def test_a_call_that_is_deleted_in_the_console_takes_its_sound_along(
    twilio: RecordingTwilio, folder: Path, recorded: Recorded, admin_client: Client
) -> None:
    fetched, ticked, other = recorded(1), recorded(2), recorded(3)
    work()
    kept = recorded(4, due_at=None)
    page = f"/admin/calls/call/{fetched.call_id}/delete/"
    assert admin_client.post(page, {"post": "yes"}).status_code == 302
    selected = {"action": "delete_selected", "_selected_action": ticked.call_id}
    in_list = admin_client.post("/admin/calls/call/", {**selected, "post": "yes"})
    assert in_list.status_code == 302
    Call.objects.filter(pk=other.call_id).delete()
    make_due()
    work()
    assert files_in(folder) == []
    assert list(twilio.recordings) == [kept.sid]


def test_a_deletion_that_fails_is_told_and_repeated(
    twilio: RecordingTwilio, folder: Path, recorded: Recorded
) -> None:
    row = recorded(due_at=None)
    delete_calls([row.call_id])
    twilio.answers["delete"] = [AWAY]
    work()
    left = SoundDeletion.objects.get(sid=row.sid)
    assert "Twilio has a problem" in left.problem
    assert len(queue.backlog().deletions) == 1
    make_due()
    work()
    assert twilio.recordings == {}
    assert queue.backlog().deletions == []


def test_a_recording_that_never_ended_is_asked_for(
    twilio: RecordingTwilio, recorded: Recorded
) -> None:
    row = recorded(status=Status.RECORDING)
    work()
    make_due()  # SQLite's clock counts whole milliseconds
    work()
    row.refresh_from_db()
    assert (row.status, row.duration_ms) == (Status.COMPLETED, 1000)


def test_a_recording_that_twilio_does_not_know_has_failed(
    twilio: RecordingTwilio, recorded: Recorded
) -> None:
    row = recorded(status=Status.PAUSED)
    twilio.recordings.clear()
    work()
    row.refresh_from_db()
    assert (row.status, row.problem) == (Status.FAILED, NEVER_CAME)


def test_twilio_may_take_its_time_with_a_recording(
    twilio: RecordingTwilio, recorded: Recorded
) -> None:
    row = recorded(status=Status.RECORDING)
    twilio.recordings[row.sid or ""]["status"] = "processing"
    work()
    row.refresh_from_db()
    assert row.status == Status.RECORDING
    assert row.due_at
    assert row.due_at > timezone.now()


def test_a_call_in_progress_is_not_asked_about(
    twilio: RecordingTwilio, recorded: Recorded
) -> None:
    row = recorded(status=Status.RECORDING)
    Call.objects.update(status=Call.Status.IN_PROGRESS)
    work()
    assert twilio.requests == []
    row.refresh_from_db()
    assert row.due_at
    assert row.due_at > timezone.now()


def test_pauses_grow_up_to_an_hour() -> None:
    assert [pause_after(n, 0).seconds for n in range(1, 9)] == [*PAUSES, 3600, 3600]
    assert pause_after(9, 1) == timedelta(seconds=4320)


def test_a_part_of_the_sound_can_be_asked_for(twilio: RecordingTwilio) -> None:
    sid = twilio.starts("CA" + "0" * 32)["sid"]
    part = {"Range": "bytes=0-3"}
    with RecordingFiles(account()).sound(SID, sid, part) as response:
        assert (response.status_code, response.read()) == (206, b"RIFF")


def test_a_discarded_recording_is_deleted_when_twilio_can(
    twilio: RecordingTwilio, recorded: Recorded
) -> None:
    row = recorded(status=Status.RECORDING, due_at=None)
    record = twilio.recordings[row.sid or ""]
    record["status"] = "in-progress"
    discarded = RecordingReport(
        Status.DELETED, row.sid or "", SID, by_us=True, discarded=True
    )
    record_report(row.call_id, discarded)
    assert work() == 0  # Twilio gets a moment
    make_due()
    work()
    assert "in progress" in SoundDeletion.objects.get().problem
    record["status"] = "completed"
    make_due()
    work()
    assert twilio.recordings == {}
    row.refresh_from_db()
    assert (row.status, bool(row.removed_at_twilio_at)) == (Status.DELETED, True)


def test_a_recording_that_is_discarded_after_it_was_fetched_leaves_nothing(
    twilio: RecordingTwilio, folder: Path, recorded: Recorded
) -> None:
    row = recorded()
    work()
    assert len(files_in(folder)) == 1
    record_report(row.call_id, _discarded(row))
    make_due()
    work()
    assert files_in(folder) == []
    assert twilio.recordings == {}


def test_a_recording_that_is_discarded_while_it_is_fetched_leaves_nothing(
    twilio: RecordingTwilio, folder: Path, recorded: Recorded
) -> None:
    row = recorded()
    twilio.holds = Event()
    fetching = Thread(target=_work_in_thread)
    fetching.start()
    while not twilio.requests:
        fetching.join(0.01)
    record_report(row.call_id, _discarded(row))
    twilio.holds.set()
    fetching.join(10)
    make_due()
    work()
    assert files_in(folder) == []
    assert twilio.recordings == {}


def _discarded(row: Recording) -> RecordingReport:
    sid = row.sid or ""
    return RecordingReport(Status.DELETED, sid, SID, by_us=True, discarded=True)
