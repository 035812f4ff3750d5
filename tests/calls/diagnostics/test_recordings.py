"""Recordings on the first page and in the doctor: what failed, and what waits."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from bots.models import Bot
from calls.diagnostics.findings import Level
from calls.diagnostics.recordings.probe import probe_recordings
from calls.models import Recording, SoundDeletion
from calls.models.recording import Status
from tests.calls.recordings.conftest import folder as folder
from tests.calls.recordings.conftest import recorded as recorded
from tests.calls.recordings.conftest import twilio as twilio
from tests.support.pages.dashboard import problem_messages
from tests.support.twilio_recordings import AWAY, RecordingTwilio

pytestmark = pytest.mark.django_db

Recorded = Callable[..., Recording]


def found() -> list[tuple[Level, str]]:
    return [(each.level, each.text) for each in probe_recordings()]


@pytest.fixture
def recording_bot(transactional_db: None) -> Bot:
    return Bot.objects.create(name="Recorder", recording="always")


def test_without_a_bot_that_records_there_is_nothing_to_check(bot: Bot) -> None:
    assert found() == [(Level.OK, "No bot records its calls.")]


def test_twilio_and_the_storage_are_tried(
    recording_bot: Bot, twilio: RecordingTwilio, folder: Path
) -> None:
    assert [level for level, _ in found()] == [Level.OK, Level.OK]
    assert list(folder.iterdir()) == []
    (folder / "doctor").mkdir()
    twilio.answers["check"] = [AWAY]
    refused, storage = found()
    assert "Twilio does not answer about recordings." in refused[1]
    assert storage == (
        Level.WARNING,
        f"The storage {folder} takes no file: Is a directory. Recordings stay at "
        "Twilio until it does. Check RECORDING_STORAGE.",
    )


def test_without_an_account_the_doctor_says_so(
    recording_bot: Bot, settings: Settings
) -> None:
    settings.TWILIO_ACCOUNT_SID = ""
    ((level, text),) = found()
    assert level is Level.WARNING
    assert "TWILIO_ACCOUNT_SID" in text


def test_the_first_page_says_what_failed_and_what_waits(
    admin_client: Client, bot: Bot, recorded: Recorded
) -> None:
    recorded(1, status=Status.FAILED, problem="Not recorded: no permission.")
    recorded(2, problem="No space left on device.", attempts=2)
    deletion = {"sid": "RE1", "attempts": 1, "problem": "Twilio is away."}
    SoundDeletion.objects.create(**deletion)
    messages = problem_messages(admin_client)
    assert "1 recording failed in the last day. The latest: Not recorded" in messages
    assert "1 recording could not be fetched yet. No space left" in messages
    assert "The sound of 1 recording could not be deleted yet. Twilio is" in messages


def test_old_failures_are_not_shown(
    admin_client: Client, bot: Bot, recorded: Recorded
) -> None:
    old = timezone.now() - timedelta(days=2)
    recorded(1, status=Status.FAILED, problem="Not recorded.", started_at=old)
    assert "recording" not in problem_messages(admin_client)
