"""An alert by SMS from a real server, which Twilio takes, loses and finds again."""

import asyncio
from collections.abc import Iterator

import pytest
from django.utils import timezone

from calls.models import AlertChannel, AlertMessage
from calls.models.alert import Delivery, State
from tests.support.live import serving
from tests.support.twilio import SID, FakeTwilio

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def twilio(database_url: str) -> Iterator[FakeTwilio]:
    """A fake Twilio, and a server that sends its SMS there."""
    with (
        FakeTwilio() as fake,
        serving(
            DATABASE_URL=database_url,
            TWILIO_API_URL=fake.url,
            TWILIO_ACCOUNT_SID=SID,
        ) as live,
    ):
        fake.reports_to(live.url)
        yield fake


async def state(expected: State) -> AlertMessage:
    """Wait until the only message is in a state."""
    async with asyncio.timeout(25):
        while True:
            row = await AlertMessage.objects.aget()
            if row.state == expected:
                return row
            await asyncio.sleep(0.02)


async def test_twilio_loses_an_sms_before_it_answers_and_then_finds_it(
    twilio: FakeTwilio,
) -> None:
    twilio.early_statuses = ("sent", "undelivered", "queued")
    channel = await AlertChannel.objects.acreate(
        name="Ann", kind="sms", address="+14155550199", sender="+15005550006"
    )
    now = timezone.now()
    await AlertMessage.objects.acreate(
        channel=channel,
        channel_name=channel.name,
        delivery=Delivery.AT_ONCE,
        planned_at=now,
        due_at=now,
    )
    lost = await state(State.LOST)
    assert [entry["result"] for entry in lost.log] == ["sent", "lost"]
    assert "cannot be reached" in lost.log[-1]["words"]
    (sid,) = twilio.messages
    assert await asyncio.to_thread(twilio.report_message, sid, "delivered") == 204
    assert (await state(State.SENT)).log[-1]["result"] == "delivered"
