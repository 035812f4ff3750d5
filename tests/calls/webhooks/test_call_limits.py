"""Limits on calls at the same time, on new calls and on calls of one caller."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
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


@pytest.fixture
def fresh_process() -> Iterator[None]:
    clear_process_state()
    yield
    clear_process_state()


def verbs(document: ElementTree.Element) -> list[tuple[str, str]]:
    return [(verb.tag, verb.get("reason", "")) for verb in document]


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

    @pytest.mark.parametrize("hidden", ["anonymous", "", "+266696687", "Restricted"])
    async def test_hidden_numbers_are_not_counted_as_one_caller(
        self, bot: Bot, settings: Settings, hidden: str
    ) -> None:
        settings.MAX_CALLS_PER_CALLER = 1
        for n in range(3):
            document = await ring(CallSid=f"CA{n}", From=hidden)
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
