"""Segments that no event ends are released by their sound and their words."""

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.audio.pcm import Pcm
from bots.inworld.events import Audio, Done, Text, Transcript
from bots.inworld.segments import Segment
from bots.models import Bot
from calls.logs import CallLog
from calls.speech.levels import analyse
from calls.speech.reply_stream import ReplyStream
from calls.speech.segment_end import (
    LONG_ENOUGH,
    STALLED,
    STUCK,
    PendingSpeech,
    SpeakingRate,
)
from tests.end_to_end.test_live import dial
from tests.support.inworld.server import DONE, FakeInworld, Pause, audio, transcript
from tests.support.live import LiveServer

RATE = 48_000
SENTENCE = "We are open from nine to five, every day but Sunday."


def voice(*seconds: float) -> bytes:
    """Sound and silence by turns, beginning with sound."""
    pieces = []
    for index, length in enumerate(seconds):
        time = np.arange(round(length * RATE)) / RATE
        tone = np.sin(2 * np.pi * 220 * time) * 8000
        pieces.append((tone * (index % 2 == 0)).astype("<i2"))
    return np.concatenate(pieces).tobytes()


def stream(rate: SpeakingRate | None = None) -> ReplyStream:
    log = CallLog(logging.getLogger(), "CA1")
    return ReplyStream(1, log, rate or SpeakingRate())


def known(seconds: float) -> SpeakingRate:
    """A voice that is known to speak SENTENCE in so many seconds without pauses."""
    rate = SpeakingRate()
    rate.learn_sound(SENTENCE, analyse(Pcm(RATE, voice(seconds))).speech_frames)
    return rate


def is_silence(reply: ReplyStream, segment: Segment) -> bool:
    return reply.is_silence(segment.text, analyse(segment.pcm))


def quiet(reply: ReplyStream, seconds: float) -> list[Segment]:
    """Poll a stream after so many seconds of quiet."""
    reply.segmenter._sounded_at -= seconds
    return reply.poll()


def collecting(
    text: str, *seconds: float, rate: SpeakingRate | None = None
) -> ReplyStream:
    reply = stream(rate)
    for event in (Text(text), Transcript(text), Audio(voice(*seconds))):
        assert reply.feed(event) == []
    return reply


def test_a_pause_near_the_end_is_not_the_end_while_sound_flows() -> None:
    reply = stream()
    reply.feed(Transcript(SENTENCE))
    assert reply.feed(Audio(voice(3.2, 0.3))) == []
    assert reply.feed(Audio(voice(0.6, 0.1))) == []
    (segment,) = quiet(reply, STALLED)
    assert segment.text == SENTENCE
    assert segment.pcm.seconds == pytest.approx(4.2)


def test_one_that_may_be_complete_is_released_after_a_little_quiet() -> None:
    reply = collecting(SENTENCE, 2.2, 0.1)
    assert quiet(reply, 0.03) == []
    assert len(quiet(reply, 0.08)) == 1


def test_one_that_ends_without_a_rest_waits_a_little_longer() -> None:
    reply = collecting(SENTENCE, 4.0)
    assert quiet(reply, 0.05) == []
    assert len(quiet(reply, LONG_ENOUGH)) == 1


def test_one_that_is_as_long_as_expected_leaves_after_a_moment() -> None:
    reply = collecting(SENTENCE, 3.9, 0.08)
    due = reply.segmenter.due(reply.segmenter._sounded_at)
    assert due == pytest.approx(reply.segmenter._sounded_at + 0.018)
    assert len(quiet(reply, 0.018)) == 1


def test_pauses_do_not_count_as_speech_of_a_known_voice() -> None:
    reply = collecting(SENTENCE, 1.0, 1.2, 0.8, 0.2, rate=known(2.8))
    assert reply.rate.expects(SENTENCE) == pytest.approx(3.1, abs=0.2)
    assert quiet(reply, STALLED - 0.05) == []
    assert len(quiet(reply, 0.1)) == 1


def test_a_fast_voice_that_is_known_leaves_after_a_moment() -> None:
    reply = collecting(SENTENCE, 1.9, 0.08, rate=known(2.0))
    due = reply.segmenter.due(reply.segmenter._sounded_at)
    assert due == pytest.approx(reply.segmenter._sounded_at + 0.018)
    assert len(quiet(reply, 0.018)) == 1


def test_a_known_voice_that_may_be_complete_waits_a_little() -> None:
    reply = collecting(SENTENCE, 1.5, 0.08, rate=known(2.0))
    assert quiet(reply, 0.08) == []
    assert len(quiet(reply, 0.04)) == 1


def test_a_sentence_that_is_too_short_is_not_looked_at_before_it_stalls() -> None:
    segmenter = collecting(SENTENCE, 1.4, 0.2).segmenter
    assert segmenter.due(segmenter._sounded_at) == segmenter._sounded_at + STALLED


@given(
    sounds=st.lists(st.floats(0.05, 2.0), min_size=1, max_size=4),
    gap=st.sampled_from([0.0, 0.02, 0.3, 0.9]),
    rate=st.sampled_from([None, known(1.0), known(3.0)]),
)
def test_each_look_at_a_quiet_stream_is_later_and_the_last_leaves_nothing(
    sounds: list[float], gap: float, rate: SpeakingRate | None
) -> None:
    segmenter, now = stream(rate).segmenter, 100.0
    segmenter.feed(Transcript(SENTENCE), now)
    for piece in pieces(voice(*sounds), 0.3):
        now += gap
        segmenter.feed(piece, now)
    looks = [now]
    while (due := segmenter.due(looks[-1])) is not None:
        assert due > looks[-1]
        looks.append(due + 1e-6)
        segmenter.poll(looks[-1])
    assert len(looks) <= 6
    assert not segmenter._audio


def test_half_a_sentence_waits_although_it_rests() -> None:
    reply = collecting(SENTENCE, 1.4, 0.2)
    assert quiet(reply, 0.3) == []


def test_a_stalled_sentence_is_divided_at_its_pause_and_only_once() -> None:
    reply = collecting(SENTENCE, 1.1, 0.2, 0.3)
    (head,) = quiet(reply, STALLED)
    assert head.pcm.seconds == pytest.approx(1.2, abs=0.03)
    assert SENTENCE.startswith(head.text)
    assert quiet(reply, 0.0) == []
    assert reply.feed(Audio(voice(1.7, 0.2))) == []
    (rest,) = quiet(reply, 2 * STALLED)
    assert f"{head.text}{rest.text}" == SENTENCE


def test_one_that_is_long_enough_is_not_divided_when_nothing_more_comes() -> None:
    reply = collecting(SENTENCE, 2.0, 0.2, 0.8)
    (whole,) = quiet(reply, STALLED)
    assert whole.text == SENTENCE
    assert whole.pcm.seconds == pytest.approx(3.0)


def test_a_stalled_sentence_may_begin_with_a_space() -> None:
    reply = collecting(f" {SENTENCE}", 1.6, 0.2, 0.3)
    (head,) = quiet(reply, STALLED)
    (rest,) = [*reply.feed(Audio(voice(1.7, 0.2))), *reply.feed(Done())]
    assert f"{head.text}{rest.text}" == f" {SENTENCE}"
    assert head.text


def test_a_stall_without_a_pause_is_waited_out_before_a_word_is_cut() -> None:
    reply = collecting(SENTENCE, 1.0)
    assert quiet(reply, STALLED) == []
    (segment,) = quiet(reply, STUCK)
    assert segment.text == "We are open from"
    (rest,) = [*reply.feed(Audio(voice(2.5, 0.1))), *reply.feed(Done())]
    assert f"{segment.text}{rest.text}" == SENTENCE


def test_nothing_is_released_while_sound_flows_or_none_has_come() -> None:
    assert quiet(stream(), 9.0) == []
    assert collecting(SENTENCE, 2.2, 0.2).poll() == []


def test_the_silence_after_a_released_sentence_is_no_clip_of_its_own() -> None:
    reply = stream()
    said = reply.feed(Transcript(SENTENCE)) + reply.feed(Audio(voice(3.2, 0.1)))
    said += quiet(reply, 0.05)
    hiss = Audio(np.tile(np.array([30, -30], dtype="<i2"), RATE // 8).tobytes())
    rest = reply.feed(hiss) + reply.feed(Done())
    assert [is_silence(reply, segment) for segment in said + rest] == [False, True]


def test_speech_after_a_released_sentence_is_not_taken_for_silence() -> None:
    reply = stream()
    said = reply.feed(Transcript(SENTENCE)) + reply.feed(Audio(voice(3.2, 0.1)))
    said += quiet(reply, 0.05)
    more = reply.feed(Audio(voice(0.3))) + reply.feed(Done())
    assert [is_silence(reply, segment) for segment in said + more] == [False, False]


@pytest.mark.parametrize("piece", [0.02, 0.1, 0.37, 9.0])
def test_sentences_behind_one_released_early_are_judged_by_their_own_words(
    piece: float,
) -> None:
    reply, segments = stream(), list[Segment]()
    first, *others = SENTENCE, " We close at noon that day.", f" {SENTENCE}"
    for text in (first, *others):
        length = reply.rate.expects(text)
        segments += reply.feed(Transcript(text))
        # The pause in the middle is as long as the silence at the end.
        sound = voice(0.45 * length, 0.2, 0.55 * length, 0.15)
        size = 2 * round(piece * RATE)
        for start in range(0, len(sound), size):
            segments += reply.feed(Audio(sound[start : start + size]))
    segments += reply.feed(Done())
    texts = [each.text for each in segments if not is_silence(reply, each)]
    assert texts[-2:] == others
    assert "".join(texts[:-2]) == first
    assert len(texts) == 3


def pieces(sound: bytes, seconds: float) -> list[Audio]:
    size = 2 * round(seconds * RATE)
    return [Audio(sound[at : at + size]) for at in range(0, len(sound), size)]


def streaming(reply: ReplyStream, text: str, sound: bytes, gap: float) -> list[Segment]:
    """A sentence in pieces of 0.3 s, with so many seconds between them."""
    segments = reply.feed(Transcript(text))
    for piece in pieces(sound, 0.3):
        segments += quiet(reply, gap)
        segments += reply.feed(piece)
    return segments


@pytest.mark.parametrize("gap", [0.0, 0.02, 0.1, 0.25])
def test_no_sentence_is_cut_because_its_sound_comes_in_large_pieces(gap: float) -> None:
    reply, segments = stream(), list[Segment]()
    hours = ("four", "five", "nine") * 2
    first, *others = (f" {SENTENCE}".replace("nine", hour) for hour in hours)
    for text in (first, *others):  # slower than expected, with a pause
        segments += streaming(reply, text, voice(2.6, 0.2, 1.9, 0.15), gap)
    segments += reply.feed(Done())
    texts = [each.text for each in segments if not is_silence(reply, each)]
    assert "".join(texts[:-5]) == first
    assert texts[-5:] == others
    assert reply.rate.expects(SENTENCE) == pytest.approx(4.85, abs=0.02)


def test_words_that_come_behind_their_sound_stay_with_their_sentence() -> None:
    reply, segments = stream(), list[Segment]()
    texts = ["We close at noon.", " Please come early.", " We will be glad."]
    for text in texts:
        segments += reply.feed(Text(text))
        for piece in pieces(voice(0.6, 0.12, 0.6, 0.1), 0.1):
            segments += reply.feed(piece)
        segments += reply.feed(Transcript(text))
    segments += reply.feed(Done())
    assert [segment.text for segment in segments] == texts
    assert reply.text_without_audio == ""


def test_words_that_come_too_late_are_not_those_of_the_next_sentence() -> None:
    reply, segments = stream(), list[Segment]()
    texts = ["We close at noon.", " Please come early.", " We will be glad."]
    for text in texts:
        segments += reply.feed(Text(text))
        segments += reply.feed(Audio(voice(1.2, 0.1)))
        segments += quiet(reply, 0.2)
        segments += reply.feed(Transcript(text))
    segments += reply.feed(Done())
    assert [segment.text for segment in segments] == ["", *texts[:2]]
    assert (reply.text_without_audio, reply.rate.samples) == ("", 0)


def test_speech_without_its_words_is_not_spoken_twice() -> None:
    reply = stream()
    for event in (
        *(Text(f"{SENTENCE} Until then, goodbye."), Transcript(SENTENCE)),
        *(Audio(voice(3.6, 0.1)), Audio(voice(1.5, 0.1)), Done()),
    ):
        for segment in [*reply.feed(event), *quiet(reply, 0.05)]:
            is_silence(reply, segment)
    assert reply.segmenter.text_without_audio == "Until then, goodbye."
    assert reply.text_without_audio == ""


def test_the_pace_of_a_voice_is_learned() -> None:
    hasty = SpeakingRate()
    for _ in range(4):
        hasty.learn(SENTENCE, 2.0)
    for speaker, complete in ((hasty, True), (SpeakingRate(), False)):
        sound = PendingSpeech(speaker.expects(SENTENCE), 2.0, rest=0.1)
        assert (sound.complete_after <= 0.05) is complete


@given(
    pieces=st.lists(st.floats(0.05, 1.0), min_size=1, max_size=8),
    waits=st.lists(st.sampled_from([0.0, 0.05, 0.3, 0.7, 2.0]), min_size=8, max_size=8),
)
def test_no_sound_and_no_word_is_lost_however_a_stream_stalls(
    pieces: list[float], waits: list[float]
) -> None:
    reply, sound = stream(), voice(*pieces)
    segments = reply.feed(Transcript(SENTENCE))
    size = max(2, len(sound) // 16 * 2)
    for index, start in enumerate(range(0, len(sound), size)):
        segments += reply.feed(Audio(sound[start : start + size]))
        segments += quiet(reply, waits[index % len(waits)])
    segments += reply.feed(Done())
    assert b"".join(segment.pcm.data for segment in segments) == sound
    assert "".join(segment.text for segment in segments).rstrip() in SENTENCE
    assert SENTENCE.startswith("".join(segment.text for segment in segments).strip())


def test_a_slow_stream_gives_at_most_two_clips_a_sentence() -> None:
    reply = stream()
    reply.rate.learn(SENTENCE, 3.7)
    reply.rate.learn(SENTENCE, 3.7)
    segments = reply.feed(Transcript(SENTENCE))
    sound = voice(0.9, 0.15, 0.7, 0.15, 0.8, 0.15, 0.7, 0.2)
    for start in range(0, len(sound), 9600):
        segments += reply.feed(Audio(sound[start : start + 9600]))
        segments += quiet(reply, STUCK - 0.1)
    segments += reply.feed(Done())
    assert len([s for s in segments if not is_silence(reply, s)]) == 2


@pytest.mark.django_db(transaction=True)
async def test_a_finished_sentence_is_not_held_until_the_stream_ends(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    sound = audio(voice(3.2, 0.1))
    inworld.answers([transcript(SENTENCE), sound, Pause(), DONE])
    async with dial(server) as call:
        await call.reply()
        await call.say("When?")
        (clip,) = await call.hears(1)
        assert clip.seconds == pytest.approx(3.3, abs=0.01)
        assert inworld.open_streams >= 1  # the reply; perhaps also phrases
        inworld.resume()


@pytest.mark.parametrize("rest", [0.05, 0.2])
def test_what_was_streamed_is_not_released_in_part(rest: float) -> None:
    """A stalled sentence: all of its sound, with the words that it can hold."""
    sound = voice(0.9, 0.3, 0.3, rest)
    reply = collecting(SENTENCE, 0.9, 0.3, 0.3, rest)
    reply.policy.is_streamed = True
    segments = quiet(reply, STALLED + 0.01)
    # In the middle of a word it waits for longer: the sound may still come.
    segments += quiet(reply, STUCK - STALLED) if not segments else []
    (segment,) = segments
    assert segment.pcm.data == sound
    assert SENTENCE.startswith(segment.text)
    assert 0 < len(segment.text) < len(SENTENCE)


@pytest.mark.parametrize("is_streamed", [False, True])
def test_no_sentence_ends_while_its_sound_flows(*, is_streamed: bool) -> None:
    reply = stream()
    reply.policy.is_streamed = is_streamed
    reply.rate.learn(SENTENCE, 3.7)
    reply.feed(Transcript(SENTENCE))
    for piece in pieces(voice(3.5, 0.15, 0.3), 0.05):
        assert reply.feed(piece) == []
