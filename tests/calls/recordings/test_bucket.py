"""Recordings in a bucket: fetched in parts, deleted, and tried again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from calls.models import Recording
from calls.privacy.deletion import delete_calls
from calls.recordings.sound import Unplayable, open_sound
from tests.calls.recordings.test_upkeep import make_due, work
from tests.support.s3 import FakeS3
from tests.support.twilio_recordings import RecordingTwilio, stereo_wav
from voicebot.recording_storage import recording_storage, secret_in

Recorded = Callable[..., Recording]


@pytest.fixture
def bucket(settings: Settings, tmp_path: Path) -> Iterator[FakeS3]:
    with FakeS3() as fake:
        settings.FETCH_RECORDINGS = True
        settings.STORAGES = {
            **settings.STORAGES,
            "recordings": recording_storage(fake.address, tmp_path),
        }
        yield fake


@pytest.mark.django_db
def test_a_long_recording_is_uploaded_in_parts_and_deleted_with_its_call(
    twilio: RecordingTwilio, bucket: FakeS3, recorded: Recorded
) -> None:
    twilio.sound = stereo_wav() + bytes(20_000_000)
    row = recorded()
    work()
    row.refresh_from_db()
    assert bucket.objects == {f"calls/{row.file}": twilio.sound}
    assert bucket.largest < 10_000_000
    delete_calls([row.call_id])
    work()
    assert bucket.objects == {}


@pytest.mark.django_db
def test_a_part_is_played_without_reading_the_rest(
    twilio: RecordingTwilio, bucket: FakeS3, recorded: Recorded
) -> None:
    row = recorded()
    work()
    row.refresh_from_db()
    bucket.requests.clear()
    assert len(row.peaks) == 2
    sound = open_sound(row)
    assert sound.read(0, 3) == b"RIFF"
    assert sound.read(8, 11) == b"WAVE"
    assert bucket.requests == ["GET bytes=0-3", "GET bytes=8-11"]
    bucket.objects.clear()
    with pytest.raises(Unplayable, match="is missing"):
        sound.read(0, 3)
    bucket.status = 403
    with pytest.raises(Unplayable, match="does not give out"):
        sound.read(0, 3)


@pytest.mark.django_db
def test_a_bucket_that_is_away_is_told_and_tried_again(
    twilio: RecordingTwilio, bucket: FakeS3, recorded: Recorded
) -> None:
    bucket.status = 503
    row = recorded()
    work()
    row.refresh_from_db()
    assert row.problem.startswith("The storage of recordings does not take the file (")
    assert not row.file
    bucket.status = 200
    make_due()
    work()
    row.refresh_from_db()
    assert bucket.objects
    assert row.problem == ""


@pytest.mark.parametrize(
    "place",
    [
        "s3:///folder",
        "s3://key@bucket",
        "s3://bucket?zone=eu",
        "ftp://bucket",
        "s3://[bucket",
    ],
)
def test_an_odd_place_is_refused_without_its_secret(place: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="no folder and no bucket") as error:
        recording_storage(place, Path())
    assert place not in str(error.value)


def test_a_place_is_a_folder_or_a_bucket(tmp_path: Path) -> None:
    assert recording_storage("", tmp_path)["OPTIONS"]["location"] == (
        tmp_path / "recordings"
    )
    absolute = recording_storage("/srv/sound", tmp_path)
    assert absolute["OPTIONS"]["location"] == Path("/srv/sound")
    options = recording_storage("s3://bucket/a/b/?region=eu-west-3", tmp_path)[
        "OPTIONS"
    ]
    assert (options["bucket_name"], options["location"]) == ("bucket", "a/b")
    assert (options["region_name"], options["endpoint_url"]) == ("eu-west-3", None)
    assert "access_key" not in options
    assert secret_in("s3://key:sec%2Fret@bucket") == "sec/ret"
    assert secret_in("/srv/sound") == ""
