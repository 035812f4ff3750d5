"""A Twilio that records, a folder for its sound, and rows of recordings."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from calls.models import Recording
from calls.models.recording import Status
from tests.support.pages.calls import START, make_call
from tests.support.twilio import SID, TOKEN
from tests.support.twilio_recordings import RecordingTwilio
from voicebot.recording_storage import recording_storage


@pytest.fixture
def twilio(settings: Settings) -> Iterator[RecordingTwilio]:
    with RecordingTwilio() as fake:
        settings.TWILIO_ACCOUNT_SID = SID
        settings.TWILIO_AUTH_TOKENS = [TOKEN]
        settings.TWILIO_API_URL = fake.url
        yield fake


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    """The folder of our own storage; recordings are fetched into it."""
    settings.FETCH_RECORDINGS = True
    settings.STORAGES = {
        **settings.STORAGES,
        "recordings": recording_storage(str(tmp_path), tmp_path),
    }
    return tmp_path


@pytest.fixture
def recorded(twilio: RecordingTwilio) -> Callable[..., Recording]:
    """Make a call with a recording that Twilio has."""

    def make(number: int = 1, **values: object) -> Recording:
        call = make_call(number)
        record = twilio.starts(call.call_sid)
        record |= {"status": "completed", "duration": "7"}
        defaults = {
            "call": call,
            "sid": record["sid"],
            "account_sid": SID,
            "status": Status.COMPLETED,
            "started_at": START,
            "due_at": START,
        }
        return Recording.objects.create(**{**defaults, **values})

    return make
