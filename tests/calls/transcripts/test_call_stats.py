"""Statistics of a call, computed from its turns."""

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async

from calls.models import Call, Turn
from calls.operations.reaper import Reaper
from calls.transcripts import call_stats
from calls.transcripts.writes import CallClosed, TurnWrite, write_all
from calls.turns.turn import Turn as SpokenTurn
from calls.webhooks.open_call import close_call
from tests.support.pages.calls import START, make_call, say, stats_of

pytestmark = pytest.mark.django_db


def test_the_last_write_of_a_call_updates_its_statistics() -> None:
    call = make_call(status="in-progress", end_reason="", ended_at=None)
    spoken = [
        SpokenTurn(0, "bot", 0.0, "Hello.", latency_ms={"play_sent": 9000}),
        SpokenTurn(1, "caller", 1.0, "Hi."),
        SpokenTurn(2, "bot", 2.0, "Yes?", interrupted=True, latency_ms={}),
        SpokenTurn(3, "bot", 3.0, "So.", latency_ms={"play_sent": 2100}, error="x"),
    ]
    writes = [TurnWrite(call.pk, turn, lambda _: START) for turn in spoken]
    over = CallClosed(call.pk, Call.Status.COMPLETED, Call.EndReason.BOT_HUNG_UP, START)
    write_all([over, *writes])
    assert stats_of(call) == (4, 2100, True, True, False)
    write_all([TurnWrite(call.pk, SpokenTurn(4, "bot", 4.0, "Bye."), lambda _: START)])
    write_all([over])  # the line is gone after the bot hung up: counted again
    assert stats_of(call) == (5, 2100, True, True, False)


async def test_closing_a_call_updates_its_statistics(transactional_db: None) -> None:
    ending = {"status": "in-progress", "end_reason": "", "ended_at": None}
    one, two = [await sync_to_async(make_call)(n, **ending) for n in (1, 2)]
    for call in (one, two):
        await sync_to_async(say)(call, "bot", "Hello.")
    assert await close_call(one.call_sid, "failed", Call.EndReason.BOT_FAILED)
    await Call.objects.filter(pk=two.pk).aupdate(last_seen_at=START - timedelta(days=1))
    reaper = Reaper()
    assert [await sync_to_async(reaper.run)() for _ in range(2)] == [0, 1]
    assert await sync_to_async(stats_of)(one) == (1, None, False, True, True)
    assert await sync_to_async(stats_of)(two) == (1, None, False, False, True)


def test_a_call_no_bot_took_is_not_a_silent_one() -> None:
    call = make_call(status="refused", answered_at=None)
    call_stats.update_stats([call.pk])
    assert stats_of(call) == (0, None, False, False, False)


@pytest.mark.parametrize("odd", ["soon", True, None, -5, 10**12, float("nan")])
def test_odd_latencies_are_no_waits(odd: object) -> None:
    turns = [Turn(role="caller"), Turn(role="bot", latency_ms={"play_sent": odd})]
    assert call_stats.slowest_response_ms(turns) is None
