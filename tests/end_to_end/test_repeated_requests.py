"""Signed requests that somebody recorded and sends again end no call."""

import httpx
import pytest
from twilio.request_validator import RequestValidator

from bots.models import Bot
from calls.models import Call
from calls.simulator.call import SimulatedCall
from tests.end_to_end.test_live import dial
from tests.support.inworld.server import FakeInworld
from tests.support.live import AUTH_TOKEN, PUBLIC_URL, LiveServer

pytestmark = pytest.mark.django_db(transaction=True)


async def sent(server: LiveServer, path: str, call_sid: str, **form: str) -> str:
    """Post a form as Twilio signs it; returns the answer."""
    form = {
        "CallSid": call_sid,
        "From": "+15005550001",
        "To": "+15005550006",
        **form,
    }
    sign = RequestValidator(AUTH_TOKEN).compute_signature
    headers = {"X-Twilio-Signature": sign(f"{PUBLIC_URL}{path}", form)}
    async with httpx.AsyncClient(base_url=server.url) as http:
        answer = await http.post(path, data=form, headers=headers)
    assert answer.status_code == 200
    return answer.text


async def goes_on(call: SimulatedCall) -> bool:
    await call.say("Are you still there?")
    return [sound.kind for sound in await call.reply()] == ["clip"]


@pytest.mark.parametrize("status", ["ringing", "in-progress", "completed", ""])
async def test_the_request_of_a_call_in_progress(
    server: LiveServer, inworld: FakeInworld, bot: Bot, status: str
) -> None:
    async with dial(server) as call:
        await call.reply()
        for _ in range(2):
            answer = await sent(server, "/voice", call.call_sid, CallStatus=status)
            assert "ConversationRelay" not in answer
        assert await goes_on(call)
    assert (call.sessions, call.errors) == (1, [])
    assert (await Call.objects.aget(call_sid=call.call_sid)).reconnects == 0


async def test_the_report_of_a_session_that_was_replaced(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with dial(server) as call:
        await call.reply()
        heard = len(call.heard)
        await call.lose_connection()
        await call.hears(heard + 1)  # the notice that the line is back
        await call.reply()
        assert call.sessions == 2
        assert await goes_on(call)
        row = await Call.objects.aget(call_sid=call.call_sid)
        (lost,) = row.failed_relay_sessions
        report = {"CallStatus": "in-progress", "SessionStatus": "failed"}
        answer = await sent(
            server, "/voice/action", call.call_sid, **report, SessionId=lost
        )
        assert "ConversationRelay" not in answer
        assert await goes_on(call)
    assert (call.sessions, call.errors) == (2, [])
