"""`manage.py call` stores its recording, in which hidden keys are silent."""

import wave
from io import StringIO

import numpy as np
import pytest
from django.core.management import call_command

from bots.models import Bot
from calls.models import Call, Recording, Turn
from tests.conftest import numbered
from tests.support.live import LiveServer, serving

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "+15005550077"
PIN = "8642"


@pytest.fixture(scope="module")
def server(database_url: str) -> LiveServer:  # type: ignore[misc]
    """A server with the sandbox in place of Inworld."""
    with serving(
        DATABASE_URL=database_url, INWORLD_API_KEY="", INWORLD_BASE_URL=""
    ) as live:
        yield live


def make_bot(**values: object) -> Bot:
    return numbered(NUMBER, greeting="Hello there.", can_collect_digits=True, **values)


def call(server: LiveServer, *arguments: str) -> str:
    out = StringIO()
    options = ("--server", server.url, "--to", NUMBER, "--pause", "0.3")
    call_command("call", *options, *arguments, stdout=out)
    return out.getvalue()


def sound_between(recording: Recording, begins: float, ends: float) -> list[int]:
    """The loudest samples of the caller and of the bot."""
    with recording.file.open("rb") as file, wave.open(file) as sound:
        rate = sound.getframerate()
        sound.setpos(round(begins * rate))
        frames = sound.readframes(round((ends - begins) * rate))
    samples = np.frombuffer(frames, "<i2").reshape(-1, 2).astype(int)
    return [int(level) for level in np.abs(samples).max(axis=0)]


def test_both_sides_are_recorded_and_hidden_keys_are_silent(
    server: LiveServer,
) -> None:
    make_bot(recording="always")
    printed = call(server, "--say", "Let me type my PIN", "--press", f"{PIN}#")
    assert "Recorded: the page of the call plays it." in printed
    recording = Recording.objects.get()
    row = Call.objects.get()
    assert (recording.source, recording.call) == ("local", row)
    assert recording.started_at == row.answered_at
    length = (recording.duration_ms or 0) / 1000
    whole = sound_between(recording, 0, length)
    assert min(whole) > 1000
    asked = row.turns.get(role=Turn.Role.TOOL)
    begins = (asked.started_at - recording.started_at).total_seconds()
    ends = ((asked.ended_at or asked.started_at) - recording.started_at).total_seconds()
    caller, _ = sound_between(recording, begins, min(ends + 0.4, length))
    assert caller == 0
    assert "••••" in asked.tool_call["result"]


def test_only_what_follows_the_consent_is_recorded(server: LiveServer) -> None:
    make_bot(recording="consent", consent_message="We record this call.")
    call(server, "--say", "Hi.")
    recording = Recording.objects.get()
    consent = Turn.objects.get(kind="consent")
    assert recording.started_at == consent.ended_at


def test_nothing_is_recorded_unless_the_bot_says_so(server: LiveServer) -> None:
    make_bot(recording="never")
    assert "Recorded" not in call(server, "--say", "Hi.")
    assert not Recording.objects.exists()
