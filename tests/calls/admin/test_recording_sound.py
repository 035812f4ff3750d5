"""Recordings are played through our own address: ranges, rights, and who listened."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.staticfiles import finders
from django.test import Client

from bots.models import Bot, BotRole
from calls.admin.recording_sound import MAX_PART_BYTES
from calls.models import AuditEvent, Call, Recording
from calls.recordings.sound import PIECE_BYTES
from tests.support.pages.calls import LIST, make_call, say
from tests.support.pages.calls import viewer as viewer
from tests.support.recordings import record_turns

pytestmark = pytest.mark.django_db


@pytest.fixture
def call() -> Call:
    call = make_call(bot=Bot.objects.create(name="Desk"))
    say(call, "bot", "Hello.", heard_text="Hello.", ended_at=call.started_at)
    return call


@pytest.fixture
def recording(call: Call) -> Recording:
    """Two seconds of sound: 64,044 bytes."""
    return record_turns(call, until=2.0)


def address(recording: Recording) -> str:
    return f"{LIST}{recording.call_id}/recordings/{recording.pk}/sound.wav"


def page_of(client: Client, call: Call) -> str:
    return client.get(f"{LIST}{call.pk}/change/").content.decode()


def body_of(response: object) -> bytes:
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


def operator() -> Client:
    user = User.objects.create(username="olga", is_staff=True)
    user.groups.add(Group.objects.get(name="operator"))
    client = Client()
    client.force_login(user)
    return client


def test_a_player_gets_the_range_it_asks_for(
    admin_client: Client, recording: Recording
) -> None:
    with recording.file.open("rb") as file:
        whole = file.read()
    response = admin_client.get(address(recording), headers={"Range": "bytes=100-199"})
    assert response.status_code == 206
    assert response.content == whole[100:200]
    assert response["Content-Range"] == f"bytes 100-199/{len(whole)}"
    assert response["Content-Length"] == "100"
    assert response["Content-Type"] == "audio/wav"
    assert response["Accept-Ranges"] == "bytes"
    assert "no-store" in response["Cache-Control"]


def test_a_long_recording_comes_in_parts(admin_client: Client, call: Call) -> None:
    recording = record_turns(call, until=40.0)
    response = admin_client.get(address(recording), headers={"Range": "bytes=44-"})
    assert response.status_code == 206
    assert len(response.content) == MAX_PART_BYTES
    end = 44 + MAX_PART_BYTES - 1
    assert response["Content-Range"] == f"bytes 44-{end}/{recording.size}"
    whole = admin_client.get(address(recording))
    body = body_of(whole)
    assert len(body) == recording.size
    assert len(body) > PIECE_BYTES


def test_without_a_range_the_whole_file_is_saved(
    admin_client: Client, recording: Recording
) -> None:
    response = admin_client.get(address(recording))
    assert response.status_code == 200
    assert "attachment" in response["Content-Disposition"]
    body = body_of(response)
    assert len(body) == recording.size == int(response["Content-Length"])
    assert AuditEvent.objects.filter(kind="exported").exists()


def test_head_tells_the_size_and_sends_nothing(
    admin_client: Client, recording: Recording
) -> None:
    response = admin_client.head(address(recording))
    assert response.status_code == 200
    assert response.content == b""
    assert response["Content-Length"] == str(recording.size)
    assert not AuditEvent.objects.filter(kind="listened").exists()


def test_a_range_outside_is_refused(admin_client: Client, recording: Recording) -> None:
    response = admin_client.get(address(recording), headers={"Range": "bytes=999999-"})
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{recording.size}"


def test_a_range_of_another_file_is_ignored(
    admin_client: Client, recording: Recording
) -> None:
    asked = {"Range": "bytes=0-9", "If-Range": '"other"'}
    response = admin_client.get(address(recording), headers=asked)
    assert response.status_code == 200
    assert len(body_of(response)) == recording.size
    etag = admin_client.head(address(recording))["ETag"]
    asked["If-Range"] = etag
    again = admin_client.get(address(recording), headers=asked)
    assert again.status_code == 206


def test_only_reading_is_allowed(admin_client: Client, recording: Recording) -> None:
    assert admin_client.post(address(recording)).status_code == 405


def test_who_listens_is_recorded_once(
    admin_client: Client, recording: Recording
) -> None:
    for start in (0, 100, 200):
        admin_client.get(address(recording), headers={"Range": f"bytes={start}-"})
    (event,) = AuditEvent.objects.filter(kind="listened")
    assert (event.name, event.details) == ("admin", recording.call.call_sid)


def test_operators_hear_recordings_and_viewers_do_not(
    viewer: Client, call: Call, recording: Recording
) -> None:
    part = {"Range": "bytes=0-9"}
    client = operator()
    assert client.get(address(recording), headers=part).status_code == 206
    assert "data-playback" in page_of(client, call)
    assert viewer.get(address(recording), headers=part).status_code == 404
    page = page_of(viewer, call)
    assert "Your role does not let you hear recordings" in page
    assert address(recording) not in page
    assert Client().get(address(recording), headers=part).status_code == 302


def test_an_operator_of_another_bot_hears_nothing(
    call: Call, recording: Recording
) -> None:
    assert call.bot
    user = User.objects.create(username="otto", is_staff=True)
    other = Bot.objects.create(name="Other")
    BotRole.objects.create(user=user, bot=other, role=BotRole.Role.OPERATOR)
    client = Client()
    client.force_login(user)
    assert (
        client.get(address(recording), headers={"Range": "bytes=0-"}).status_code == 404
    )
    BotRole.objects.create(user=user, bot=call.bot, role=BotRole.Role.OPERATOR)
    client.force_login(User.objects.get(pk=user.pk))
    assert (
        client.get(address(recording), headers={"Range": "bytes=0-"}).status_code == 206
    )


def test_a_recording_is_not_found_under_another_call(
    admin_client: Client, recording: Recording
) -> None:
    other = make_call(call_sid="CA" + "9" * 32)
    for call_id in (other.pk, 10**30):
        recording.call_id = call_id
        assert admin_client.get(address(recording)).status_code == 404


@pytest.mark.parametrize("headers", [{"Range": "bytes=0-"}, {}])
def test_a_missing_file_is_told_in_plain_words(
    admin_client: Client, recording: Recording, headers: dict[str, str]
) -> None:
    recording.file.storage.delete(str(recording.file))
    response = admin_client.get(address(recording), headers=headers)
    assert response.status_code == 404
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response.content.startswith(b"The file with this sound is missing")


def test_a_recording_without_sound_has_none(
    admin_client: Client, call: Call, recording: Recording
) -> None:
    problem = "Twilio recorded nothing."
    Recording.objects.update(status=Recording.Status.FAILED, problem=problem)
    response = admin_client.get(address(recording))
    assert (response.status_code, response.content) == (404, problem.encode())
    page = page_of(admin_client, call)
    assert problem in page
    assert "data-playback" not in page


def test_the_waveforms_library_is_shipped_with_its_licence(
    admin_client: Client, call: Call, recording: Recording
) -> None:
    licence = finders.find("calls/vendor/wavesurfer.LICENSE.md")
    assert licence
    assert "wavesurfer.js 8." in Path(str(licence)).read_text()[:40]
    page = page_of(admin_client, call)
    scripts = re.findall(r'<script[^>]* src="([^"]*)"', page)
    assert all(source.startswith("/") for source in scripts)
    assert finders.find("calls/vendor/wavesurfer.esm.js")


def test_the_page_allows_the_one_style_of_the_waveform_and_nothing_else(
    admin_client: Client, call: Call, recording: Recording
) -> None:
    response = admin_client.get(f"{LIST}{call.pk}/change/")
    page, policy = response.content.decode(), response["Content-Security-Policy"]
    nonce = re.search('data-nonce="([^"]{16,})"', page)
    assert nonce
    assert policy.endswith(f"; style-src 'self' 'nonce-{nonce[1]}'")
    assert "unsafe" not in policy
    again = admin_client.get(f"{LIST}{call.pk}/change/")
    assert again["Content-Security-Policy"] != policy
    recording.delete()
    plain = admin_client.get(f"{LIST}{call.pk}/change/")
    assert "nonce" not in plain["Content-Security-Policy"]
