"""The writer: in order, batched, patient with a database that is away."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from threading import Event

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection
from django.utils import timezone

from calls.models import Call, CallCost
from calls.models import Turn as Turns
from calls.prices.usage import Kind, Usage
from calls.transcripts import writer as writer_module
from calls.transcripts.writer import TranscriptWriter
from calls.transcripts.writes import (
    CallAnswered,
    CallClosed,
    TurnWrite,
    UsageCounted,
    Write,
    write_all,
)
from calls.turns.turn import Turn

pytestmark = pytest.mark.django_db(transaction=True)

START = timezone.now()


def wall_time(at: float) -> datetime:
    return START + timedelta(seconds=at)


@pytest.fixture
async def writer() -> AsyncIterator[TranscriptWriter]:
    writer = TranscriptWriter()
    yield writer
    await writer.aclose()


async def a_call(sid: str = "CA1") -> Call:
    return await Call.objects.acreate(call_sid=sid, started_at=START)


async def test_the_last_version_of_a_turn_stands(writer: TranscriptWriter) -> None:
    call = await a_call()
    for text in ("one", "one two", "one two three"):
        turn = Turn(0, "caller", started_at=1.5, text=text, heard_text=text)
        writer.put(TurnWrite(call.pk, turn, wall_time))
    await writer.queue.join()
    later = Turn(0, "caller", started_at=1.5, text="revised", ended_at=2.0)
    writer.put(TurnWrite(call.pk, later, wall_time))
    await writer.queue.join()
    turn_row = await call.turns.aget()
    assert turn_row.text == "revised"
    assert turn_row.started_at == wall_time(1.5)
    assert turn_row.ended_at == wall_time(2.0)


async def test_a_call_is_closed_once(writer: TranscriptWriter) -> None:
    call = await a_call()
    writer.put(CallAnswered(call.pk, wall_time(1)))
    first = CallClosed(
        call.pk, Call.Status.COMPLETED, Call.EndReason.CALLER_HUNG_UP, wall_time(5)
    )
    second = CallClosed(
        call.pk, Call.Status.FAILED, Call.EndReason.CARRIER_FAILED, wall_time(6)
    )
    writer.put(first)
    writer.put(second)
    await writer.queue.join()
    await call.arefresh_from_db()
    assert (call.end_reason, call.ended_at) == ("caller-hung-up", wall_time(5))
    assert call.answered_at == wall_time(1)


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param({"orphan": 1000}, id="by the database"),
        pytest.param({"prompt_tokens": 10**30}, id="before it gets there"),
    ],
)
async def test_one_refused_write_does_not_cost_the_others(
    writer: TranscriptWriter, caplog: pytest.LogCaptureFixture, refused: dict[str, int]
) -> None:
    call, other = await a_call(), await a_call("CA2")
    tokens = refused.get("prompt_tokens")
    bad = Turn(0, "bot", 1.0, text="bad", prompt_tokens=tokens)
    good = Turn(0, "bot", 1.0, text="good")
    writer.put(TurnWrite(other.pk + refused.get("orphan", 0), bad, wall_time))
    writer.put(TurnWrite(call.pk, good, wall_time))
    await writer.queue.join()
    assert [turn.text async for turn in Turns.objects.all()] == ["good"]
    assert "write was rejected" in caplog.text


async def test_writes_wait_for_a_database_that_is_away(
    writer: TranscriptWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, failures = await a_call(), iter([True, True, False])

    def flaky(batch: Iterable[Write]) -> None:
        if next(failures, False):
            raise OperationalError("the database is away")
        write_all(batch)

    monkeypatch.setattr(writer_module, "write_all", flaky)
    monkeypatch.setattr(writer_module, "RETRY_SECONDS", 0.01)
    writer.put(TurnWrite(call.pk, Turn(0, "bot", 1.0, text="stored"), wall_time))
    async with asyncio.timeout(15):
        await writer.queue.join()
    assert (await call.turns.aget()).text == "stored"


async def test_a_batch_is_few_queries() -> None:
    call = await a_call()

    def count() -> int:
        writes = [
            TurnWrite(call.pk, Turn(index, "bot", 1.0, text="x"), wall_time)
            for index in range(50)
        ]
        with connection.execute_wrapper(_counting):
            queries.clear()
            write_all(writes)
        return len(queries)

    queries: list[str] = []

    def _counting(execute, sql, params, many, context):
        queries.append(sql)
        return execute(sql, params, many, context)

    assert await sync_to_async(count)() <= 3
    assert await call.turns.acount() == 50


def test_costs_are_locked_in_one_order_by_all_processes() -> None:
    first, second = (
        Call.objects.create(call_sid=sid, started_at=START) for sid in ("CA1", "CA2")
    )
    used = UsageCounted(first.call_sid, "report", [Usage(Kind.LINE_IN, quantity=5)])
    ended = CallClosed(
        second.pk, Call.Status.COMPLETED, Call.EndReason.CALLER_HUNG_UP, START
    )
    rows = list[list[int]]()

    def note_rows(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "calls_callcost"'):
            rows.append([pk for pk in (first.pk, second.pk) if pk in params])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note_rows):
        write_all([ended, used])
    assert rows[0] == [first.pk, second.pk]
    assert CallCost.objects.exclude(due_at=None).count() == 2


def test_texts_longer_than_their_column_are_cut() -> None:
    turn = Turn(0, "bot", 1.0, error="e" * 1000, model="m" * 1000)
    row = TurnWrite(1, turn, wall_time).row()
    assert (len(row.error), len(row.model)) == (300, 120)


async def test_a_write_that_hangs_does_not_keep_the_process_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hangs, lets_go = Event(), Event()

    def hang(batch: Iterable[Write]) -> None:
        hangs.set()
        lets_go.wait(60)

    monkeypatch.setattr(writer_module, "write_all", hang)
    monkeypatch.setattr(writer_module, "CLOSE_SECONDS", 0.05)
    monkeypatch.setattr(writer_module, "CLOSE_GRACE_SECONDS", 0.05)
    writer = TranscriptWriter()
    writer.put(CallAnswered(1, START))
    await asyncio.to_thread(hangs.wait, 15)
    try:
        async with asyncio.timeout(15):
            await writer.aclose()
    finally:
        lets_go.set()
