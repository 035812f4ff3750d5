"""The reaper closes calls that no process runs any more, and no others."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from calls.models import Call
from calls.operations.heartbeat import Heartbeat
from calls.operations.reaper import DISCONNECTED_FOR, STALE_AFTER, Reaper
from calls.session.active_calls import ActiveCalls
from calls.transcripts.writes import (
    CallClosed,
    CallsAlive,
    RelayLost,
    TurnWrite,
    write_all,
)
from calls.turns.turn import Turn

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = STALE_AFTER + timedelta(seconds=5)


def open_call(sid: str, status: str = "in-progress", **values: Any) -> Call:
    """Create an open call, last seen long ago by default."""
    call = Call.objects.create(
        call_sid=sid, status=status, started_at=timezone.now(), **values
    )
    if "last_seen_at" not in values:
        Call.objects.filter(pk=call.pk).update(last_seen_at=Now() - LONG_AGO)
    call.refresh_from_db()
    return call


def end_of(call: Call) -> tuple[str, str, datetime | None]:
    call.refresh_from_db()
    return call.status, call.end_reason, call.ended_at


def test_each_dead_call_gets_its_own_reason_and_the_moment_it_was_last_seen() -> None:
    disconnected_at = timezone.now() - timedelta(minutes=4)
    ringing = open_call("CA1", "ringing")
    lost = open_call("CA2", disconnected_at=disconnected_at)
    stopped = open_call("CA3")
    last_seen_at = stopped.last_seen_at
    reaper = Reaper()
    assert reaper.run() == 0
    assert reaper.run() == 3
    assert end_of(ringing)[:2] == ("failed", "never-connected")
    assert end_of(lost) == ("failed", "connection-lost", disconnected_at)
    assert end_of(stopped) == ("failed", "server-stopped", last_seen_at)
    assert reaper.run() == 0


def test_a_lost_line_nobody_comes_back_to_is_not_waited_for_long() -> None:
    now = timezone.now()
    gone = open_call(
        "CA1",
        last_seen_at=now,
        disconnected_at=now - DISCONNECTED_FOR - timedelta(seconds=5),
    )
    waiting = open_call("CA2", last_seen_at=now, disconnected_at=now)
    reaper = Reaper()
    assert [reaper.run(), reaper.run()] == [0, 1]
    assert end_of(gone)[:2] == ("failed", "connection-lost")
    assert end_of(waiting)[0] == "in-progress"


def test_a_call_seen_again_between_two_looks_lives() -> None:
    call, reaper = open_call("CA1"), Reaper()
    reaper.run()
    write_all([CallsAlive((call.pk,))])
    assert reaper.run() == 0
    assert end_of(call)[0] == "in-progress"


def test_calls_seen_lately_and_calls_that_are_over_are_left_alone() -> None:
    over = open_call("CA1", "completed")
    fresh = Call.objects.create(call_sid="CA2", started_at=timezone.now())
    reaper = Reaper()
    assert (reaper.run(), reaper.run()) == (0, 0)
    assert end_of(over)[0] == "completed"
    assert end_of(fresh)[0] == "ringing"


def test_the_clock_of_the_process_does_not_matter() -> None:
    """Only the database's clock counts, however wrong the clock of the process is."""
    ringing = Call.objects.create(
        call_sid="CA1", started_at=timezone.now() - timedelta(days=3)
    )
    behind = open_call("CA2")
    Call.objects.filter(pk=behind.pk).update(
        started_at=timezone.now() + timedelta(days=3)
    )
    reaper = Reaper()
    reaper.run()
    assert reaper.run() == 1
    assert end_of(ringing)[0] == "ringing"
    assert end_of(behind)[0] == "failed"


def test_two_reapers_close_a_call_once() -> None:
    open_call("CA1")
    one, other = Reaper(), Reaper()
    one.run()
    other.run()
    assert (one.run(), other.run()) == (1, 0)


def test_a_call_that_is_seen_no_more_after_its_end_is_not_reopened() -> None:
    call = open_call("CA1", "completed")
    write_all([CallsAlive((call.pk,)), RelayLost(call.pk, timezone.now(), 0)])
    call.refresh_from_db()
    assert (call.status, call.disconnected_at) == ("completed", None)


def turn_write(call: Call, text: str, session: int) -> TurnWrite:
    turn = Turn(0, "bot", 0.0, text=text)
    return TurnWrite(call.pk, turn, lambda at: timezone.now(), session)


def test_a_session_that_was_replaced_writes_nothing_more() -> None:
    call = open_call("CA1", reconnects=1)
    failed = Call.Status.FAILED, Call.EndReason.CONNECTION_LOST, timezone.now()
    write_all(
        [
            turn_write(call, "New.", 1),
            turn_write(call, "Old.", 0),
            CallClosed(call.pk, *failed, 0),
            RelayLost(call.pk, timezone.now(), 0),
        ]
    )
    assert [turn.text for turn in call.turns.all()] == ["New."]
    assert end_of(call)[0] == "in-progress"
    assert call.disconnected_at is None


def test_until_the_next_session_begins_the_old_one_may_write_its_last_words() -> None:
    call = open_call("CA1", reconnects=1, relay_nonce="issued")
    write_all([turn_write(call, "Old.", 0)])
    assert [turn.text for turn in call.turns.all()] == ["Old."]


async def test_the_heartbeat_begins_once_and_ends() -> None:
    class Nothing:
        def put(self, write: object) -> None:
            raise AssertionError

    heart = Heartbeat(ActiveCalls(), Nothing())  # type: ignore[arg-type]
    heart.start()
    task = heart.task
    heart.start()
    assert task
    assert heart.task is task
    await asyncio.sleep(0)
    await heart.aclose()
    assert task.done()
