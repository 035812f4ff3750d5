"""A call's audio in the admin, for as long as its clips live."""

import json
from datetime import timedelta

import httpx
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from bots.models import Bot
from calls.models import Call
from calls.session.services import services
from calls.turns.clip import Clip, twilio_tts_clip
from calls.turns.playback import Playback
from tests.end_to_end.test_live import closed, dial
from tests.support.inworld.server import FakeInworld
from tests.support.live import LiveServer
from tests.support.pages.calls import LIST, make_call, say, stats_of
from tests.support.pages.calls import viewer as viewer

pytestmark = pytest.mark.django_db


def test_a_reply_knows_the_clips_that_were_heard() -> None:
    playback = Playback()
    for number in range(3):
        playback.add(1, Clip(f"c{number}", "/audio", "Yes.", 1.0), at=0.0)
    playback.add(1, twilio_tts_clip("No."), at=0.0)
    playback.add(2, Clip("other", "/audio", "Yes.", 1.0), at=0.0)
    assert playback.clip_ids(1) == ["c0", "c1", "c2"]
    playback.interrupt(1.5, None, cutoff=9.0)
    assert playback.clip_ids(1) == ["c0", "c1"]


def sound(call: Call, position: int = 0, index: int = 0) -> str:
    return f"{LIST}{call.pk}/turns/{index}/{position}.wav"


def test_a_clip_is_heard_while_it_lives_by_those_who_may_read_calls(
    viewer: Client,
) -> None:
    call = make_call()
    just_now, clip_ids = timezone.now(), ["stored", "gone"]
    say(call, "bot", "Hello.", clip_ids=clip_ids, model="some/model", ended_at=just_now)
    async_to_sync(services().clips.put)("stored", b"RIFF", 60.0)
    response = viewer.get(sound(call))
    assert (response.content, response["Content-Type"]) == (b"RIFF", "audio/wav")
    for address in (sound(call, 1), sound(call, 2), sound(call, 0, 1)):
        response = viewer.get(address)
        assert response.status_code == 404
        assert response.content == b"This audio is no longer stored."
    page = viewer.get(f"{LIST}{call.pk}/change/").content.decode()
    assert f'data-clips="{sound(call)} {sound(call, 1)} "' in page
    assert Client().get(sound(call)).status_code == 403
    app = TOTPDevice.objects.create(user=User.objects.get(), confirmed=True)
    assert viewer.get(sound(call)).status_code == 403  # this session has no code
    app.delete()
    assert viewer.get(sound(call)).status_code == 200
    User.objects.update(is_staff=False)
    assert viewer.get(sound(call)).status_code == 403


def test_expired_clips_have_no_link(
    viewer: Client,
) -> None:
    old = timezone.now() - timedelta(hours=1)
    call = make_call()
    say(call, "bot", "Hello.", clip_ids=["a"], ended_at=old)  # a fixed sentence
    say(call, "bot", "So.", clip_ids=["b"], ended_at=old, model="some/model")
    page = viewer.get(f"{LIST}{call.pk}/change/").content.decode()
    assert sound(call, index=0) in page
    assert sound(call, index=1) not in page


@pytest.mark.django_db(transaction=True)
async def test_an_operator_hears_a_call_without_seeming_to_be_twilio(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.says("We open at nine.", "Shall I book a table?")
    async with dial(server) as line:
        await line.reply()
        await line.say("When do you open?")
        await line.reply()
    call = await closed(line.call_sid)
    greeting, _, answer = [turn async for turn in call.turns.order_by("index")]
    assert (len(greeting.clip_ids), len(answer.clip_ids)) == (1, 2)
    assert await sync_to_async(stats_of)(call) != (0, None, False, False, False)
    user = await User.objects.acreate(username="a", is_staff=True, is_superuser=True)
    client = Client()
    await sync_to_async(client.force_login)(user)
    cookies = {"sessionid": client.cookies["sessionid"].value}
    async with httpx.AsyncClient(base_url=server.url, cookies=cookies) as http:
        for index, position in ((0, 0), (2, 0), (2, 1)):
            response = await http.get(sound(call, position, index))
            assert response.headers["Content-Type"] == "audio/wav"
            assert response.content.startswith(b"RIFF")
        response = await http.get(f"{LIST}export.jsonl")
    assert json.loads(response.text)["call_sid"] == call.call_sid
