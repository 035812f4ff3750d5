"""The pace of speech, and the warning of a call whose pace cannot be right."""

import logging
from collections.abc import AsyncIterator

import pytest

from bots.config_builder import config_of
from bots.inworld.client import Inworld
from bots.models import Bot
from calls.clips.call_streaming import CallStreaming
from calls.clips.clip_store import MemoryClips
from calls.clips.head_start import HeadStart
from calls.clips.streaming_policy import FixedPolicy
from calls.conversation.actions import StartReply
from calls.conversation.events import Event, ReplyEnded
from calls.logs import CallLog
from calls.speech.first_tokens import FirstTokens
from calls.speech.phrase_cache import PhraseCache
from calls.speech.segment_end import SpeakingRate
from calls.speech.speaker import Speaker
from calls.turns.pace import Pace
from tests.support.inworld.replies import KEY
from tests.support.inworld.server import FakeInworld

ENGLISH = (
    "Thank you for calling. We are open from Monday to Friday, from early in the "
    "morning to late in the evening, and we look forward to seeing you."
)
CHINESE = "感谢您的来电。我们周一至周五营业，从清早到深夜，期待您的光临。"  # noqa: RUF001


def paced(text: str, seconds: float) -> Pace:
    pace = Pace()
    pace.add(text, seconds)
    return pace


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (ENGLISH, 7.0),
        (ENGLISH, 10.0),
        (CHINESE, 6.0),  # some five characters a second
        ("Ihre Bestellung 4711 über 12,50 € geht am 3.12. hinaus.", 8.0),
        ("आपके कॉल के लिए धन्यवाद, हम सोमवार से शुक्रवार तक खुले हैं।", 5.0),
    ],
)
def test_the_usual_pace_is_plausible_and_half_the_sample_rate_is_not(
    text: str, seconds: float
) -> None:
    assert paced(text, seconds).is_plausible
    assert not paced(text, seconds / 3).is_plausible
    assert not paced(text, 5 * seconds).is_plausible


def test_half_the_sample_rate_shows_in_english() -> None:
    for seconds in (6.5, 7.5, 8.5):
        pace = paced(ENGLISH, seconds / 2)
        assert pace.is_certain
        assert not pace.is_plausible
        assert pace.likely_rate(48_000) in (22_050, 24_000)
        assert pace.likely_rate(16_000) == 8_000


def test_a_short_answer_is_not_judged() -> None:
    assert not paced("Yes.", 3.0).is_certain
    assert not Pace().is_certain


def test_words_and_sound_may_come_apart() -> None:
    pace = Pace()
    pace.add(ENGLISH, 2.0)
    pace.add("", 6.0)
    assert pace.seconds_per_word == paced(ENGLISH, 8.0).seconds_per_word
    assert pace.is_plausible


@pytest.fixture
async def fake() -> AsyncIterator[FakeInworld]:
    async with FakeInworld() as fake:
        yield fake


async def replies(fake: FakeInworld, count: int) -> None:
    """Speak so many replies of one call."""
    inworld, clips = Inworld(fake.url, KEY), MemoryClips(max_bytes=10**7)
    ended: list[Event] = []

    async def emit(event: Event) -> None:
        ended.extend([event] if isinstance(event, ReplyEnded) else [])

    speaker = Speaker(
        config_of(Bot()),
        inworld,
        clips,
        PhraseCache(inworld, clips),
        first_tokens=FirstTokens(),
        rate=SpeakingRate(),
        streaming=CallStreaming(FixedPolicy(is_on=False), HeadStart(), "CA1"),
        emit=emit,
        queued_seconds=lambda: 0.0,
        log=CallLog(logging.getLogger("calls"), "CA1"),
    )
    for number in range(count):
        speaker.reply(StartReply(number, [{"role": "user", "content": "Hi"}]))
        await speaker.running[number]
    assert len(ended) == count
    await speaker.aclose()
    await inworld.aclose()


async def test_a_call_with_an_impossible_pace_is_logged_once(
    fake: FakeInworld, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        fake.says(ENGLISH, seconds=2)
    await replies(fake, 3)
    (message,) = caplog.messages
    assert message.startswith("CA1: Replies take 0.09 s a word")
    assert "Thank" not in message


async def test_a_call_at_the_usual_pace_logs_nothing(
    fake: FakeInworld, caplog: pytest.LogCaptureFixture
) -> None:
    fake.says(ENGLISH, seconds=8)
    fake.says("Yes.", seconds=3)
    await replies(fake, 2)
    assert caplog.messages == []
