"""Files are made once, whole, by any process, and deleted in time."""

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db.models.functions import Now

from calls.export_files import queue
from calls.export_files.queue import State
from calls.export_files.worker import ExportWorker
from calls.models import Call, ExportFile, ExportPiece
from calls.privacy import erasure
from tests.calls.export_files import files
from tests.calls.export_files.files import many as many
from tests.support.at_once import threads_on_postgresql

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann(transactional_db: None) -> User:
    return User.objects.create_superuser("ann")


@pytest.fixture
def file(many: None, ann: User) -> ExportFile:
    """A file that was asked for."""
    return files.ask(ann)


def test_another_process_goes_on_where_one_died(file: ExportFile, ann: User) -> None:
    dead = queue.claim()
    assert dead
    queue.write_some(dead)
    assert queue.claim() is None  # it has its time
    file.refresh_from_db()
    assert (file.state, file.written) == (State.MAKING, 2)
    files.due_now()
    other = queue.claim()
    assert other
    assert other.written == 2
    while not other.is_complete:
        queue.write_some(dead)  # not dead after all: it writes nothing
        queue.write_some(other)
    assert not dead.is_mine
    text = files.content(file).decode("utf-8-sig")
    assert file.state == State.READY
    files.ask(ann)
    files.make()
    assert text == files.content(queue.files_of(ann)[0]).decode("utf-8-sig")
    assert text.count("call_sid,index") == 1
    assert text.count("Grüße von") == 2 * files.CALLS  # text and heard text


def test_calls_that_were_deleted_meanwhile_are_left_out(file: ExportFile) -> None:
    Call.objects.filter(call_sid__endswith="1").delete()
    files.make()
    assert files.content(file).count(b"Gr\xc3\xbc\xc3\x9fe") == 2 * (files.CALLS - 1)
    assert file.state == State.READY


def test_a_file_that_was_deleted_is_not_made(file: ExportFile) -> None:
    claimed = queue.claim()
    assert claimed
    file.delete()
    queue.write_some(claimed)
    assert not claimed.is_mine
    assert not ExportPiece.objects.exists()


def test_a_file_that_becomes_too_large_is_given_up(
    file: ExportFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MAX_BYTES", 1000)
    files.make()
    file.refresh_from_db()
    assert (file.state, file.problem) == (State.FAILED, queue.TOO_LARGE)
    assert not file.pieces.exists()


def test_a_file_that_cannot_be_made_is_given_up_and_delays_no_other(
    file: ExportFile, ann: User
) -> None:
    ExportFile.objects.update(attempts=queue.MAX_ATTEMPTS)
    other = files.ask(ann, "jsonl")
    files.make()
    file.refresh_from_db()
    other.refresh_from_db()
    assert (file.state, file.problem) == (State.FAILED, queue.GIVEN_UP)
    assert other.state == State.READY


def test_files_are_deleted_after_their_time(file: ExportFile) -> None:
    files.make()
    queue.delete_expired()
    assert file.pieces.exists()
    ExportFile.objects.update(created_at=Now() - queue.KEPT - timedelta(seconds=1))
    queue.delete_expired()
    assert not ExportFile.objects.exists()
    assert not ExportPiece.objects.exists()


def test_an_erasure_deletes_the_files_that_may_hold_the_caller(
    file: ExportFile,
) -> None:
    files.make()
    erasure.erase("+14155550001")
    assert not ExportFile.objects.exists()


def test_a_person_has_a_limited_number_of_files(file: ExportFile, ann: User) -> None:
    for _ in range(queue.MAX_FILES - 1):
        files.ask(ann)
    assert not queue.ask(ann, Call.objects.all(), "csv", "calls.csv")
    files.ask(User.objects.create_superuser("ben"))


def idle() -> bool:
    """False: a process without calls."""
    return False


async def test_a_process_with_calls_leaves_a_file_to_others_for_a_while(
    many: None,
) -> None:
    await _asked(1)
    busy = ExportWorker(lambda: True)
    await busy.poll()
    file = await ExportFile.objects.aget()
    assert (file.state, file.attempts) == (State.MAKING, 0)
    await sync_to_async(files.due_now)()
    await busy.poll()
    await file.arefresh_from_db()
    assert file.state == State.READY


async def test_the_worker_makes_all_files(many: None) -> None:
    made = await _asked(2)
    await ExportWorker(idle).poll()
    states = [file.state async for file in ExportFile.objects.all()]
    assert states == [State.READY] * made


async def test_a_worker_that_is_stopped_leaves_its_file_to_others(
    many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _asked(1)
    worker, write_some = ExportWorker(idle), queue.write_some

    def write_and_stop(claimed: Any) -> None:
        write_some(claimed)
        worker.closing = True

    monkeypatch.setattr(queue, "write_some", write_and_stop)
    worker.start()
    assert worker.task
    await worker.task
    await worker.aclose()
    file = await ExportFile.objects.aget()
    assert (file.state, file.written) == (State.MAKING, 2)
    monkeypatch.setattr(queue, "write_some", write_some)
    await ExportWorker(idle).poll()  # at once
    await file.arefresh_from_db()
    assert file.state == State.READY


async def _asked(count: int) -> int:
    user = await User.objects.acreate_superuser("cas")
    for _ in range(count):
        await sync_to_async(files.ask)(user)
    return count


def test_on_postgresql_one_of_two_processes_makes_a_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queue, "STEP", 2)
    with threads_on_postgresql() as processes:
        file = processes.run(_ask_for_many)
        claimed = processes.at_once(queue.claim)
        assert sum(one is not None for one in claimed) == 1
        processes.run(files.due_now)
        processes.run(files.make)
        whole = processes.run(lambda: files.content(file))
    assert whole.count("Grüße von".encode()) == 2 * files.CALLS


def _ask_for_many() -> ExportFile:
    files.many_calls()
    return files.ask(User.objects.create_superuser("ann"))
