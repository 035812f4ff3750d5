"""Sound that stays at Twilio is passed on, part by part."""

from collections.abc import Callable

import pytest

from calls.models import Recording
from calls.recordings.sound import NOT_AT_TWILIO, Unplayable, open_sound
from tests.support.twilio_recordings import AWAY, GONE, RecordingTwilio

pytestmark = pytest.mark.django_db(transaction=True)

Recorded = Callable[..., Recording]


def test_a_part_is_asked_of_twilio(twilio: RecordingTwilio, recorded: Recorded) -> None:
    row = recorded()
    sound = open_sound(row)
    assert sound.size == len(twilio.sound)
    assert sound.read(100, 199) == twilio.sound[100:200]
    assert b"".join(sound.pieces()) == twilio.sound
    row.refresh_from_db()
    assert row.size == len(twilio.sound)
    asked = len(twilio.log())
    open_sound(row).read(0, 9)
    assert len(twilio.log()) == asked + 1  # the size is known


def test_the_right_part_is_taken_of_an_answer_that_ignores_the_range(
    twilio: RecordingTwilio, recorded: Recorded
) -> None:
    sound = open_sound(recorded(size=len(twilio.sound)))
    twilio.answers["sound"] = [(200, twilio.sound)]
    assert sound.read(100, 199) == twilio.sound[100:200]


@pytest.mark.parametrize(
    ("answer", "words"), [(GONE, NOT_AT_TWILIO), (AWAY, "Twilio does not send")]
)
def test_failures_are_told(
    twilio: RecordingTwilio,
    recorded: Recorded,
    answer: tuple[int, bytes],
    words: str,
) -> None:
    row = recorded()
    twilio.answers["sound"] = [answer]
    with pytest.raises(Unplayable, match=words):
        open_sound(row)
    sound = open_sound(row)
    twilio.answers["sound"] = [answer]
    with pytest.raises(Unplayable, match=words):
        sound.read(0, 9)
