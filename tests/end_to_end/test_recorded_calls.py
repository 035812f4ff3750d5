"""Calls that a fake Twilio records, with a real server: begun, paused, kept, erased."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from bots.models import Bot
from bots.models.transfer_target import TransferTarget
from calls.models import Recording, Turn
from calls.models.recording import Status
from calls.simulator.call import SimulatedCall
from calls.turns.turn import TurnKind
from tests.conftest import INWORLD_PORT
from tests.end_to_end.test_live import closed, dial
from tests.support.inworld.server import FakeInworld, tool_call
from tests.support.live import LiveServer, serving
from tests.support.twilio import SID
from tests.support.twilio_recordings import FORBIDDEN, RecordingTwilio

pytestmark = pytest.mark.django_db(transaction=True)

CONSENT = "We record this call. Press 1 if you agree."
ASK_FOR_PIN = tool_call("ask_for_keys", {"question": "Your PIN?", "secret": True})


@pytest.fixture(scope="module")
def twilio() -> Iterator[RecordingTwilio]:
    with RecordingTwilio() as fake:
        yield fake


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
def server(
    database_url: str, twilio: RecordingTwilio, folder: Path
) -> Iterator[LiveServer]:
    """A server that fetches what Twilio records."""
    with serving(
        DATABASE_URL=database_url,
        INWORLD_BASE_URL=f"http://127.0.0.1:{INWORLD_PORT}",
        TWILIO_API_URL=twilio.url,
        TWILIO_ACCOUNT_SID=SID,
        RECORDING_STORAGE=str(folder),
        FETCH_RECORDINGS="true",
    ) as live:
        twilio.reports_to(live.url)
        yield live


@pytest.fixture(autouse=True)
def quiet(twilio: RecordingTwilio) -> None:
    twilio.asked.clear()
    twilio.recordings.clear()


async def eventually(met: Callable[[], Any]) -> Any:
    async with asyncio.timeout(25):
        while True:
            if found := await sync_to_async(met)():
                return found
            await asyncio.sleep(0.02)


async def recorded_by(bot: Bot, **settings: Any) -> None:
    values = {"recording": "always", **settings}
    await Bot.objects.filter(pk=bot.pk).aupdate(**values)


def call_of_account(server: LiveServer, **line: Any) -> SimulatedCall:
    return dial(server, account_sid=SID, **line)


async def test_a_call_is_recorded_paused_fetched_and_deleted_at_twilio(
    server: LiveServer,
    twilio: RecordingTwilio,
    folder: Path,
    inworld: FakeInworld,
    bot: Bot,
) -> None:
    await recorded_by(bot, can_collect_digits=True, greeting="You are recorded.")
    inworld.tts_pauses = True
    inworld.answers(ASK_FOR_PIN)
    inworld.says("Thank you.")
    async with call_of_account(server) as call:
        await eventually(twilio.log)
        assert call.heard == []  # recording waits for no greeting
        inworld.tts_pauses = False
        inworld.resume()
        (record,) = twilio.recordings.values()
        await asyncio.to_thread(twilio.report, record, "in-progress")
        await call.reply()
        await call.say("I want my balance.")
        await eventually(lambda: "paused" in twilio.log())
        await call.reply()
        await call.press("1234#")
        await call.reply()
        await eventually(lambda: "in-progress" in twilio.log())
    await closed(call.call_sid)
    await asyncio.to_thread(twilio.ends, call.call_sid)
    row = await eventually(Recording.objects.exclude(file="").first)
    await eventually(lambda: not twilio.recordings)
    assert (row.status, row.sid) == (Status.COMPLETED, record["sid"])
    assert (folder / str(row.file)).read_bytes() == twilio.sound
    assert twilio.log()[:3] == ["start", "paused", "in-progress"]


async def test_consent_by_a_key_outlives_a_lost_relay(
    server: LiveServer, twilio: RecordingTwilio, inworld: FakeInworld, bot: Bot
) -> None:
    await recorded_by(
        bot,
        recording="consent",
        recording_consent_key="1",
        consent_message=CONSENT,
    )
    async with call_of_account(server) as call:
        await call.reply()
        assert twilio.log() == []
        await call.press("1")
        await eventually(lambda: "start" in twilio.log())
        await eventually(Recording.objects.filter(status=Status.RECORDING).exists)
        await call.lose_connection()
        await call.reply()
        await eventually(lambda: "list" in twilio.log())
    row = await closed(call.call_sid)
    agreed = Turn.objects.filter(call=row, kind=TurnKind.RECORDING_AGREED)
    assert await agreed.acount() == 1
    assert twilio.log() == ["start", "list"]
    assert await Recording.objects.acount() == 1


async def test_nobody_records_the_person_a_caller_is_transferred_to(
    server: LiveServer, twilio: RecordingTwilio, inworld: FakeInworld, bot: Bot
) -> None:
    await recorded_by(bot)
    await TransferTarget.objects.acreate(
        bot=bot, name="Sales", number="+15005550042", when_to_use="Always."
    )
    inworld.answers(tool_call("transfer_call", {"target": "Sales"}))
    async with call_of_account(server) as call:
        await call.reply()
        await call.say("A person, please.")
        await call.ends()
    await eventually(lambda: "stopped" in twilio.log())
    assert next(iter(twilio.recordings.values()))["status"] == "stopped"


async def test_a_twilio_that_hangs_delays_no_call(
    server: LiveServer, twilio: RecordingTwilio, inworld: FakeInworld, bot: Bot
) -> None:
    await recorded_by(bot)
    inworld.says("We open at nine.")
    twilio.holds = Event()
    try:
        async with call_of_account(server) as call:
            await eventually(lambda: twilio.requests)
            await call.reply()
            await call.say("When do you open?")
            assert await call.reply()
        await closed(call.call_sid)
    finally:
        twilio.holds.set()


async def test_an_account_that_may_not_record_costs_the_caller_nothing(
    server: LiveServer, twilio: RecordingTwilio, inworld: FakeInworld, bot: Bot
) -> None:
    await recorded_by(bot)
    twilio.answers["start"] = [FORBIDDEN]
    inworld.says("We open at nine.")
    async with call_of_account(server) as call:
        await call.reply()
        await call.say("When do you open?")
        assert await call.reply()
    row = await closed(call.call_sid)
    failed = await eventually(Recording.objects.filter(call=row).first)
    assert failed.status == Status.FAILED
    assert "Permission denied" in failed.problem
