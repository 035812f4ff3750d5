"""The doctor's and the dashboard's sentences about streamed answers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from calls.diagnostics.findings import Level
from calls.diagnostics.streaming import NAME, streaming_findings
from calls.models import Call, CarrierVerdict
from calls.simulator.line import SIMULATED_ACCOUNT

pytestmark = pytest.mark.django_db

SINCE = datetime(2026, 12, 3, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def auto(settings: Settings) -> None:
    settings.STREAM_CLIPS = "auto"


def known(verdict: str, account: str = "AC1", **values: Any) -> None:
    values = {"since": SINCE, "calls": 3, **values}
    CarrierVerdict.objects.create(account_sid=account, verdict=verdict, **values)


def said() -> str:
    (finding,) = streaming_findings()
    assert (finding.name, finding.level) == (NAME, Level.OK)
    return finding.text


def test_nothing_is_known_at_first() -> None:
    assert said() == (
        "The server finds out whether Twilio plays a sentence while the voice speaks "
        "it. 3 calls in a row that agree are enough; 0 were tried so far, and 0 showed "
        "something. Until then each sentence is sent whole."
    )


def test_a_trial_in_progress() -> None:
    shown = [["a", "streamed"], ["b", "unclear"]]
    known("", since=None, calls=0, shown=shown)
    assert "2 were tried so far, and 1 showed something" in said()


def test_an_account_that_streams() -> None:
    known("streams", calls=1_204)
    assert said() == (
        "Twilio plays a sentence while the voice is still speaking it: seen in 1,204 "
        "calls, since 3 Dec 2026. So callers hear an answer as soon as its voice "
        "begins."
    )


def test_an_account_that_streams_mp3_only() -> None:
    known("streams", format="mp3")
    assert said().startswith(
        "Twilio plays a sentence while the voice is still speaking it, if it comes as "
        "an MP3: seen in 3 calls, since 3 Dec 2026."
    )


def test_mp3_is_tried_when_wav_does_not_stream() -> None:
    known("waits", shown=[["a", "streamed"]])
    assert said() == (
        "Twilio plays a sentence only when all of it has arrived: seen in 3 calls, "
        "since 3 Dec 2026. So each sentence is heard when all of it is made. It "
        "was a WAV so far. Now MP3 is tried. 3 calls in a row that agree are enough; 1 "
        "was tried so far, and 1 showed something."
    )


@pytest.mark.parametrize(
    ("verdict", "behaviour"),
    [
        ("waits", "Twilio plays a sentence only when all of it has arrived: seen in "),
        ("refuses", "Twilio refuses a sentence that is still being spoken: seen in "),
        ("unclear", "The calls do not show when Twilio begins to play a sentence: "),
    ],
)
def test_an_account_that_gets_whole_clips(verdict: str, behaviour: str) -> None:
    retry_at = timezone.now() + timedelta(days=2)
    known(verdict, retry_at=retry_at, format="mp3")
    assert said().startswith(behaviour)
    assert "So each sentence is heard when all of it is made." in said()
    assert f"It is tried again from {retry_at.day} {retry_at:%b %Y}." in said()


def test_a_verdict_that_is_doubted_after_a_week() -> None:
    due = timezone.now() - timedelta(days=1)
    known("waits", retry_at=due, format="mp3", shown=[["a", "streamed"]])
    assert "This is being tried again." in said()
    assert "1 was tried so far, and 1 showed something." in said()


def test_several_accounts_are_told_apart() -> None:
    known("streams", account="AC" + "1" * 32)
    known("waits", account="AC" + "2" * 32, retry_at=SINCE + timedelta(days=700))
    first, second = (finding.text for finding in streaming_findings())
    assert first.startswith("Account AC…1111: Twilio plays a sentence while")
    assert second.startswith("Account AC…2222: Twilio plays a sentence only when")


def test_simulated_calls_are_named_as_such() -> None:
    known("refuses", account=SIMULATED_ACCOUNT, calls=2)
    real, simulated = streaming_findings()
    assert real.text.startswith("The server finds out")
    assert simulated.text.startswith("Simulated calls: Twilio refuses")
    assert streaming_findings(with_simulated=False) == [real]


@pytest.mark.parametrize(
    ("mode", "message"),
    [("off", "STREAM_CLIPS is off."), ("on", "STREAM_CLIPS is on: answers are sent")],
)
def test_a_setting_that_finds_nothing_out(
    mode: str, message: str, settings: Settings
) -> None:
    settings.STREAM_CLIPS = mode
    known("waits")
    assert said().startswith(message)


def test_the_dashboard_shows_it(admin_client: Client) -> None:
    known("streams")
    Call.objects.create(call_sid="CA1", started_at=timezone.now())
    page = admin_client.get("/admin/").content.decode()
    assert "How soon an answer is heard" in page
    assert "seen in 3 calls, since 3 Dec 2026" in page
