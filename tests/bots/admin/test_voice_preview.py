"""The editor's requests to Inworld: its lists, and a greeting in a voice."""

import io
import wave
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from pytest_django import Settings

from bots.admin.editor.voice_preview import LISTENERS_AT_ONCE, listeners
from tests.support.inworld.server import FakeInworld, Status

VOICES, LISTEN = (f"/admin/bots/bot/editor/{name}/" for name in ("voices", "listen"))
WANTED = {
    "greeting": "Hello there.",
    "tts_voice": "Clive",
    "tts_model": "inworld-tts-2",
    "language": "en-US",
}


@pytest.fixture
async def fake(
    settings: Settings, transactional_db: None
) -> AsyncIterator[FakeInworld]:
    async with FakeInworld() as fake:
        settings.INWORLD_BASE_URL = fake.url
        yield fake


@pytest.fixture
async def editor(fake: FakeInworld) -> AsyncClient:
    client = AsyncClient()
    user = await User.objects.acreate(
        username="editor", is_staff=True, is_superuser=True
    )
    await client.aforce_login(user)
    return client


async def problem(editor: AsyncClient, **changes: Any) -> tuple[int, str]:
    response = await editor.post(LISTEN, {**WANTED, **changes})
    return response.status_code, response.json()["problem"]


async def test_a_greeting_is_heard_unsaved(
    fake: FakeInworld, editor: AsyncClient, settings: Settings
) -> None:
    response = await editor.post(LISTEN, WANTED)
    assert response["Content-Type"] == "audio/wav"
    with wave.open(io.BytesIO(response.content)) as sound:
        assert sound.getframerate() == 8000
        assert sound.getnframes() > 0
    body = fake.spoken[0].body
    assert (body["text"], body["voiceId"]) == ("Hello there.", "Clive")
    assert (body["modelId"], body["language"]) == ("inworld-tts-2", "en-US")


async def test_variables_are_heard_with_their_examples(
    fake: FakeInworld, editor: AsyncClient
) -> None:
    texts = {"greeting": "Hi {{who|you}}, {{a.b}} at {{bot_name}}{{nobody}}."}
    given = {"variables": "a.b = Ann\nwho", "name": "Front desk", "time_zone": "odd/"}
    await editor.post(LISTEN, {**WANTED, **texts, **given})
    assert fake.spoken[0].body["text"] == "Hi you, Ann at Front desk."


async def test_without_a_greeting_a_sentence_of_the_language_is_heard(
    fake: FakeInworld, editor: AsyncClient
) -> None:
    await editor.post(LISTEN, {**WANTED, "greeting": " ", "language": "de-AT"})
    assert fake.spoken[0].body["text"].startswith("Danke für Ihren Anruf.")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"greeting": "x" * 2001}, "Greeting: Ensure this value has at most 2000"),
        ({"tts_voice": ""}, "Voice: This field is required."),
        ({"tts_voice": "two words"}, "Voice: Must not contain spaces."),
        ({"language": "<b>"}, "Language: Write a language tag"),
        ({"greeting": "\0"}, "Greeting: Null characters"),
    ],
)
async def test_what_a_bot_may_not_have_is_not_spoken(
    fake: FakeInworld, editor: AsyncClient, changes: dict[str, str], words: str
) -> None:
    status, message = await problem(editor, **changes)
    assert status == 400
    assert message.startswith(words)
    assert not fake.requests


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "Inworld refuses INWORLD_API_KEY. Copy it again"),
        (403, "Inworld does not allow this with INWORLD_API_KEY. Give the key more"),
        (404, "Inworld refuses the voice “Clive” with inworld-tts-2: refused"),
        (402, "Inworld refuses this: refused with 402"),
        (429, "Inworld gets too many requests"),
        (500, "Inworld has a problem at the moment"),
    ],
)
async def test_a_refusal_is_reported_in_plain_words(
    fake: FakeInworld, editor: AsyncClient, status: int, words: str
) -> None:
    fake.tts_status = status
    code, message = await problem(editor)
    assert code == 502
    assert message.startswith(words)


async def test_a_voice_without_sound_is_reported(
    fake: FakeInworld, editor: AsyncClient
) -> None:
    fake.tts_script = [Status(200, {"usage": {}})]
    assert "came without audio" in (await problem(editor))[1]


async def test_an_unreachable_inworld_is_reported(
    editor: AsyncClient, settings: Settings
) -> None:
    settings.INWORLD_BASE_URL = "http://127.0.0.1:9"
    _, message = await problem(editor)
    assert message == "Inworld cannot be reached from this server at the moment."


async def test_a_missing_key_is_named(
    fake: FakeInworld, editor: AsyncClient, settings: Settings
) -> None:
    settings.INWORLD_API_KEY = ""
    settings.INWORLD_PUBLIC_URL = fake.url
    fake.tts_status = 401
    assert (await problem(editor))[1].startswith("INWORLD_API_KEY is not set.")


async def test_only_a_few_listen_at_once(
    fake: FakeInworld, editor: AsyncClient
) -> None:
    for _ in range(LISTENERS_AT_ONCE):
        assert listeners.acquire(blocking=False)
    try:
        status, message = await problem(editor)
    finally:
        listeners.release(LISTENERS_AT_ONCE)
    assert (status, message[:20]) == (429, "Others are listening")
    assert (await editor.post(LISTEN, WANTED)).status_code == 200


async def test_the_list_of_voices_is_stored_and_fetched_again(
    fake: FakeInworld, editor: AsyncClient
) -> None:
    before = (await editor.get(VOICES)).json()
    assert (before["entries"], before["is_stale"]) == ([], True)
    assert not fake.requests, "looking at a list asks nobody"
    read = (await editor.post(VOICES)).json()
    assert [voice["id"] for voice in read["entries"]] == ["Alex", "w1__my_clone"]
    fake.voices_status = 500
    stored = (await editor.post(VOICES)).json()
    assert stored["entries"] == read["entries"]
    assert stored["problem"].startswith("Inworld has a problem at the moment")


def test_speech_is_made_only_for_our_own_pages(db: None) -> None:
    user = User.objects.create_superuser("root")
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.post(LISTEN, WANTED).status_code == 403
    assert client.get(LISTEN).status_code == 405
