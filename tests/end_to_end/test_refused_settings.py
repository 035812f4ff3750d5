"""Calls whose settings Twilio refuses, at their start or in the middle."""

import pytest

from bots.models import Bot
from calls.models import Call
from tests.end_to_end.test_live import closed, dial
from tests.support.inworld.server import FakeInworld
from tests.support.live import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_refused_attribute_costs_a_session_and_not_the_call(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.says("We open at nine.")
    async with dial(server, refuses=frozenset({"echoPromptFiltering"})) as call:
        await call.reply()
        await call.say("When do you open?")
        await call.reply()
    assert call.sessions == 2
    assert [action["SessionStatus"] for action in call.actions] == [
        *("failed", "completed")
    ]
    row = await closed(call.call_sid)
    assert (row.end_reason, row.twilio_error_code) == ("caller-hung-up", "64101")
    assert row.settings_refused_at


async def test_a_session_that_twilio_ends_with_an_error_is_no_hang_up(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    """Its socket closes as after a hang-up; the error frame before it tells them apart.

    The voice for text is checked when it first speaks.
    """
    inworld.says("We open at nine.")
    async with dial(server) as call:
        await call.reply()
        await call.fail("64106", "TTS provider rejected the request")
        await call.reply()
        row = await Call.objects.aget(call_sid=call.call_sid)
        assert row.status == "in-progress"
        await call.say("When do you open?")
        await call.reply()
    row = await closed(call.call_sid)
    assert (row.status, row.end_reason) == ("completed", "caller-hung-up")
    assert row.twilio_error_message == "TTS provider rejected the request"
