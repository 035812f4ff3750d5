"""Limits on calls at once, in an hour, and on minutes in a day."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone
from pytest_django import Settings

from bots.models import Bot, PhoneNumber
from calls.models import BlockedCaller, Call
from calls.webhooks.call_limits import CallLimits, CurrentLoad, LimitExceeded
from tests.calls.webhooks.test_incoming import RINGING, post, ring
from tests.conftest import numbered
from tests.support.process import clear_process_state

CALLER = RINGING["From"]


@pytest.mark.parametrize(
    ("load", "exceeded"),
    [
        (CurrentLoad(), None),
        (CurrentLoad(1, 1, 8), None),
        (CurrentLoad(2, 0, 0), LimitExceeded.OF_NUMBER),
        (CurrentLoad(2, 3, 0), LimitExceeded.OF_CALLER),
        (CurrentLoad(0, 2, 9), LimitExceeded.OF_CALLER),
        (CurrentLoad(0, 0, 9), LimitExceeded.OF_CALLER),
    ],
)
def test_limits_on_calls(load: CurrentLoad, exceeded: LimitExceeded | None) -> None:
    assert CallLimits(2, 3, 9).exceeded(load) == exceeded
    assert CallLimits().exceeded(load) is None


@pytest.mark.parametrize(
    ("limits", "load", "exceeded"),
    [
        (CallLimits(of_caller=3, is_hidden=True), CurrentLoad(0, 3), "OF_HIDDEN"),
        (CallLimits(caller_minutes=9), CurrentLoad(caller_minutes=8.9), None),
        (CallLimits(caller_minutes=9), CurrentLoad(caller_minutes=9), "CALLER_MINUTES"),
        (CallLimits(minutes=9), CurrentLoad(minutes=9.5), "MINUTES"),
    ],
)
def test_limits_on_hidden_numbers_and_on_minutes(
    limits: CallLimits, load: CurrentLoad, exceeded: str | None
) -> None:
    expected = LimitExceeded[exceeded] if exceeded else None
    assert limits.exceeded(load) is expected


@pytest.fixture
def fresh_process() -> Iterator[None]:
    clear_process_state()
    yield
    clear_process_state()


def verbs(document: ElementTree.Element) -> list[tuple[str, str]]:
    return [(verb.tag, verb.get("reason", "")) for verb in document]


async def talked(
    call_sid: str,
    *,
    minutes: int,
    hours_ago: int = 0,
    is_over: bool = True,
    **more: Any,
) -> None:
    """Store a call of CALLER that was answered so long ago; it may still go on."""
    answered = timezone.now() - timedelta(hours=hours_ago)
    answered -= timedelta(minutes=0 if hours_ago else minutes)
    ended = answered + timedelta(minutes=minutes) if is_over else None
    status = "completed" if is_over else "in-progress"
    times = {"started_at": answered, "answered_at": answered, "ended_at": ended}
    await Call.objects.aupdate_or_create(
        call_sid=call_sid,
        defaults={"from_number": CALLER, "status": status, **times, **more},
    )


@pytest.mark.usefixtures("fresh_process")
@pytest.mark.django_db(transaction=True)
class TestCalls:
    async def test_a_blocked_caller_is_rejected_and_listed(self, bot: Bot) -> None:
        await BlockedCaller.objects.acreate(pattern="+1500555*")
        assert verbs(await ring()) == [("Reject", "rejected")]
        call = await Call.objects.aget()
        assert (call.status, call.end_reason) == ("refused", "blocked")
        assert call.bot_id is None
        assert verbs(await ring(CallSid="CA2", From="+15015550001"))[0][0] == "Connect"

    async def test_calls_that_we_make_are_not_blocked(self) -> None:
        await sync_to_async(numbered)("+15005550006")
        await BlockedCaller.objects.acreate(pattern="+1*")
        numbers = {"From": "+15005550006", "To": "+15005550001"}
        document = await ring(Direction="outbound-api", **numbers)
        assert verbs(document)[0][0] == "Connect"

    async def test_a_caller_has_so_many_calls_at_once(
        self, bot: Bot, settings: Settings
    ) -> None:
        settings.MAX_CALLS_PER_CALLER = 3
        documents = await asyncio.gather(*(ring(CallSid=f"CA{n}") for n in range(20)))
        first_verbs = [verbs(document)[0] for document in documents]
        assert first_verbs.count(("Connect", "")) == 3
        assert first_verbs.count(("Reject", "busy")) == 17
        refused = Call.objects.filter(status="refused", end_reason="too-many-calls")
        assert await refused.acount() == 17
        other = await ring(CallSid="CA99", From="+15005550002")
        assert verbs(other)[0][0] == "Connect"

    async def test_a_caller_has_so_many_calls_an_hour(
        self, bot: Bot, settings: Settings
    ) -> None:
        settings.MAX_CALLS_PER_CALLER_PER_HOUR = 5
        for n in range(7):
            document = await ring(CallSid=f"CA{n}")
            await post("/voice/status", CallSid=f"CA{n}", CallStatus="completed")
        assert verbs(document) == [("Reject", "busy")]
        await Call.objects.aupdate(started_at=timezone.now() - timedelta(days=1))
        assert verbs(await ring(CallSid="CA9"))[0][0] == "Connect"

    @pytest.mark.parametrize("when", ["", "_PER_HOUR"])
    async def test_hidden_numbers_have_limits_of_their_own(
        self, bot: Bot, settings: Settings, when: str
    ) -> None:
        settings.MAX_CALLS_PER_CALLER = settings.MAX_CALLS_PER_CALLER_PER_HOUR = 1
        setattr(settings, f"MAX_CALLS_FROM_HIDDEN_NUMBERS{when}", 3)
        spellings = ["anonymous", "", "+266696687", "Restricted", "sip:anonymous@a"]
        documents = [await ring(CallSid=f"CA{text}", From=text) for text in spellings]
        first_verbs = [verbs(document)[0] for document in documents]
        assert first_verbs == [("Connect", "")] * 3 + [("Reject", "busy")] * 2
        refused = Call.objects.filter(status="refused", end_reason="too-many-hidden")
        assert await refused.acount() == 2
        assert verbs(await ring(CallSid="CA9"))[0][0] == "Connect"

    @pytest.mark.parametrize("user", ["kim", "+123", "+15005550001", "k%m", "k_m"])
    async def test_a_sip_caller_is_the_same_from_every_host(
        self, bot: Bot, settings: Settings, user: str
    ) -> None:
        settings.MAX_CALLS_PER_CALLER = 1
        first = await ring(From=f"sip:{user}@a.example")
        assert verbs(first)[0][0] == "Connect"
        second = await ring(CallSid="CA2", From=f"sip:{user}@b.example;user=phone")
        assert verbs(second) == [("Reject", "busy")]
        other = await ring(CallSid="CA3", From="sip:kxm@a.example")
        assert verbs(other)[0][0] == "Connect"

    async def test_a_caller_has_so_many_minutes_a_day(
        self, bot: Bot, settings: Settings
    ) -> None:
        settings.MAX_MINUTES_PER_CALLER_PER_DAY = 30
        await talked("CA1", minutes=20, hours_ago=23)
        assert verbs(await ring(CallSid="CA2"))[0][0] == "Connect"
        await talked("CA2", minutes=10, hours_ago=1)
        assert verbs(await ring(CallSid="CA3")) == [("Reject", "busy")]
        reason = (await Call.objects.aget(call_sid="CA3")).end_reason
        assert reason == "minutes-used-up"
        other = await ring(CallSid="CA4", From="+15005550002")
        assert verbs(other)[0][0] == "Connect"
        await Call.objects.filter(call_sid="CA1").aupdate(
            started_at=timezone.now() - timedelta(hours=25)
        )
        assert verbs(await ring(CallSid="CA5"))[0][0] == "Connect"

    async def test_all_calls_have_so_many_minutes_a_day(
        self, settings: Settings
    ) -> None:
        await sync_to_async(numbered)("+15005550006")
        settings.MAX_MINUTES_PER_DAY = 30
        await talked("CA1", minutes=31, is_over=False)
        await talked("CA2", minutes=99, is_test=True)
        document = await ring(CallSid="CA3", From="+15005550002")
        assert verbs(document) == [("Reject", "busy")]
        ours = {"From": "+15005550006", "To": "+15005550009"}
        placed = await ring(CallSid="CA4", Direction="outbound-api", **ours)
        assert verbs(placed) == [("Hangup", "")]
        going_on = await Call.objects.aget(call_sid="CA1")
        assert going_on.status == "in-progress"
        await Call.objects.filter(call_sid="CA1").aupdate(is_test=True)
        document = await ring(CallSid="CA5", From="+15005550002")
        assert verbs(document)[0][0] == "Connect"

    async def test_a_number_has_so_many_calls_at_once(self) -> None:
        bot = await sync_to_async(numbered)("+15005550006")
        await PhoneNumber.objects.aupdate(max_concurrent_calls=2)
        callers = [f"+1500555{n:04}" for n in range(10)]
        documents = await asyncio.gather(
            *(ring(CallSid=f"CA{n}", From=number) for n, number in enumerate(callers))
        )
        tags = [verbs(document)[0][0] for document in documents]
        assert (tags.count("Connect"), tags.count("Say")) == (2, 8)
        await Call.objects.filter(status="ringing").aupdate(status="completed")
        bot.transfer_number = "+15005550099"
        await bot.asave()
        tags = [
            verbs(await ring(CallSid=f"CB{n}", From=number))[0][0]
            for n, number in enumerate(callers[:3])
        ]
        assert tags == ["Connect", "Connect", "Dial"]

    async def test_a_process_takes_no_more_than_its_calls_of_many_at_once(
        self, bot: Bot, settings: Settings
    ) -> None:
        settings.MAX_CALLS = 4
        documents = await asyncio.gather(*(ring(CallSid=f"CA{n}") for n in range(20)))
        tags = [verbs(document)[0][0] for document in documents]
        assert tags.count("Connect") == 4
        assert await Call.objects.filter(end_reason="busy").acount() == 16

    async def test_a_repeated_delivery_counts_once(
        self, bot: Bot, settings: Settings
    ) -> None:
        settings.MAX_CALLS_PER_CALLER = settings.MAX_CALLS_PER_CALLER_PER_HOUR = 1
        for _ in range(3):
            assert verbs(await ring())[0][0] == "Connect"

    async def test_a_repeated_sid_with_other_numbers_changes_nothing(self) -> None:
        for number in ("+15005550006", "+15005550007"):
            await sync_to_async(numbered)(number)
        await ring()
        await ring(To="+15005550007", From="+19005550000")
        call = await Call.objects.select_related("bot").aget()
        assert (call.from_number, call.to_number) == (CALLER, "+15005550006")
        assert call.bot is not None
        assert call.bot.name == "Bot +15005550006"

    async def test_a_sid_whose_call_is_over_brings_no_bot_back(self, bot: Bot) -> None:
        await ring()
        await post("/voice/status", CallSid="CA1", CallStatus="completed")
        assert verbs(await ring())[0][0] == "Hangup"
