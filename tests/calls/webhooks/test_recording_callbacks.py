"""Twilio's reports on recordings over HTTP, signed and not."""

import asyncio

import pytest
from django.db import OperationalError
from pytest_django import Settings

from bots.config.capabilities import TransferTarget
from bots.models import Bot
from calls.models import Call, Recording, SoundDeletion
from calls.models.recording import Status
from calls.session.services import services
from calls.webhooks import recording as module
from calls.webhooks.connect import final_transfer_document
from tests.calls.webhooks.test_incoming import fresh_process as fresh_process
from tests.calls.webhooks.test_incoming import post, ring
from tests.support.twilio import SID
from tests.support.twilio_recordings import RecordingTwilio, callback

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/voice/recording"
RECORD = {
    "sid": "RE" + "a1" * 16,
    "call_sid": "CA1",
    "status": "completed",
    "duration": "7",
    "error_code": None,
}


async def test_a_report_before_the_answer_to_the_start_makes_the_row(bot: Bot) -> None:
    await ring()
    for status in ("in-progress", "completed", "completed", "in-progress"):
        assert (await post(PATH, **callback(RECORD, status))).status_code == 204
    row = await Recording.objects.aget()
    assert (row.status, row.account_sid) == (Status.COMPLETED, SID)


async def test_a_report_that_twilio_has_not_signed_is_refused(bot: Bot) -> None:
    await ring()
    answer = await post(PATH, token="another", **callback(RECORD))
    assert answer.status_code == 403
    assert not await Recording.objects.aexists()


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"CallSid": "CA1", "RecordingStatus": "completed"},
        {**callback(RECORD), "RecordingSid": "../../Calls"},
        {**callback(RECORD), "RecordingStatus": "mixed"},
    ],
)
async def test_an_odd_report_changes_nothing(bot: Bot, form: dict[str, str]) -> None:
    await ring()
    assert (await post(PATH, **form)).status_code == 204
    assert not await Recording.objects.aexists()


async def test_the_sound_of_a_call_that_was_erased_is_deleted() -> None:
    assert (await post(PATH, **callback(RECORD))).status_code == 204
    assert (await SoundDeletion.objects.aget()).sid == RECORD["sid"]


async def test_a_report_without_a_database_is_answered(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OperationalError("no database")

    monkeypatch.setattr(module, "record_report", fails)
    await ring()
    assert (await post(PATH, **callback(RECORD))).status_code == 204


async def test_a_call_without_a_session_is_not_recorded_with_a_person(
    bot: Bot, settings: Settings
) -> None:
    """The relay was lost for good, and Twilio dials somebody."""
    await Bot.objects.filter(pk=bot.pk).aupdate(recording="always")
    with RecordingTwilio() as twilio:
        settings.TWILIO_ACCOUNT_SID, settings.TWILIO_API_URL = SID, twilio.url
        await ring()
        call = await Call.objects.aget()
        record = twilio.starts(call.call_sid)
        sids = {"sid": record["sid"], "account_sid": SID}
        await Recording.objects.acreate(call=call, started_at=call.started_at, **sids)
        await final_transfer_document(call, TransferTarget("Sales", "+15005550042"))
        while tasks := set(services().recording_tasks.tasks):
            await asyncio.wait(tasks, timeout=10)
        assert twilio.log() == ["stopped"]
        await services().recordings.aclose()
