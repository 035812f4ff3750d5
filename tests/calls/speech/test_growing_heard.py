"""Interruptions at every moment of a growing clip: which words count as heard.

Sentences with exact word times arrive at the speeds at which clips are streamed. A word
counts as heard once more than half of its true time lies before the interruption.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.audio.pcm import TELEPHONE_RATE, Pcm
from bots.sandbox.voice.catalogue import VOICES
from bots.sandbox.voice.speech import Speech, speak
from calls.clips.growing_formats import DELAY_SECONDS
from calls.speech.audio import silence
from calls.speech.growing_clip import clip_so_far
from calls.speech.levels import analyse
from calls.speech.segment_end import SpeakingRate
from calls.turns.playback import Playback
from tests.bench.sentences import SENTENCES

PACES = (2.0, 3.0, 6.0)
# Sentences from which the rate of a voice is known, and those that are interrupted.
LEARNED, INTERRUPTED = 5, 5
STEP = 0.1


def spoken(text: str, voice: str, language: str, speaking_rate: float) -> Speech:
    return speak(
        text,
        voice,
        language=language,
        sample_rate=TELEPHONE_RATE,
        speaking_rate=speaking_rate,
    )


def heard_words(
    text: str, pcm: Pcm, rate: SpeakingRate, *, position: float, reports: bool
) -> int:
    """Interrupt a clip of which there is this sound, at this position."""
    playback = Playback()
    clip = clip_so_far(text, analyse(pcm), rate)
    queued = playback.add(1, replace(clip, url="https://x/a", available=0.0), at=0)
    playback.speaking(True, at=1)
    now = 1 + position
    playback.grew(queued, clip, reached=pcm.seconds, at=now)
    playback.interrupt(now, position if reports else None, cutoff=math.inf)
    return len(queued.heard_text.split())


def errors(languages: tuple[str, ...], seed: int, delay: float) -> Iterator[int]:
    """Interrupt sentences of all voices at every moment at which they grow."""
    random, paces = Random(seed), cycle(PACES)
    for voice in VOICES:
        for language in languages:
            if language not in str(voice["promptLanguages"]):
                continue
            speed, rate = random.uniform(0.75, 1.35), SpeakingRate()
            known = SENTENCES[language]
            texts = random.sample(known, min(LEARNED + INTERRUPTED, len(known)))
            name = str(voice["voiceId"])
            for number, text in enumerate(texts):
                speech = spoken(text, name, language, speed)
                if number < LEARNED:
                    sound = Pcm(TELEPHONE_RATE, speech.pcm)
                    rate.learn_sound(text, analyse(sound).speech_frames)
                    continue
                yield from _interrupted(text, speech, rate, next(paces), delay)


def _interrupted(
    text: str, speech: Speech, rate: SpeakingRate, pace: float, delay: float
) -> Iterator[int]:
    """The sound begins after a silence of `delay` seconds, as that of an MP3 does."""
    sound = silence(delay).data + speech.pcm
    length = len(sound) / 2 / TELEPHONE_RATE
    for number in range(1, math.ceil(length / pace / STEP)):
        position = number * STEP
        arrived = min((position + STEP) * pace, length)  # a head start of a piece
        pcm = Pcm(TELEPHONE_RATE, sound[: 2 * round(arrived * TELEPHONE_RATE)])
        true = sum(
            word.start_ms + word.end_ms < 2000 * (position - delay)
            for word in speech.words
        )
        for reports in (True, False):
            heard = heard_words(text, pcm, rate, position=position, reports=reports)
            yield abs(heard - true)


@pytest.mark.parametrize("delay", [0.0, DELAY_SECONDS])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_last_heard_word_is_known_within_one(seed: int, delay: float) -> None:
    found = sorted(errors(("en", "de", "es"), seed, delay))
    assert len(found) > 500
    assert median(found) == 0
    assert found[math.ceil(0.95 * len(found)) - 1] <= 1


@given(
    st.floats(0.0, 20.0),
    st.floats(0.0, 8.0),
    st.floats(5.0, 30.0),  # letters a second
    st.sampled_from([sentence for texts in SENTENCES.values() for sentence in texts]),
)
def test_only_words_for_which_there_was_sound_are_heard(
    position: float, available: float, letters_per_second: float, text: str
) -> None:
    playback, rate = Playback(), SpeakingRate(sounding_rate=letters_per_second)
    pcm = Pcm(TELEPHONE_RATE, b"\x00\x10" * round(available * TELEPHONE_RATE))
    clip = replace(clip_so_far(text, analyse(pcm), rate), url="https://x/a")
    queued = playback.add(1, clip, at=0)
    playback.speaking(True, at=1)
    playback.interrupt(1 + position, None, cutoff=math.inf)
    assert queued.heard is not None
    assert queued.heard <= pcm.seconds
    assert text.startswith(queued.heard_text)
    if not available:
        assert queued.heard_text == ""
