"""Decides when a segment that no event ends is complete, by its sound and words. Pure.

Inworld marks no segment's end. Waiting for the next segment costs a gap, and a reply's
last sentence would wait for the end of the stream. Releasing at every pause would chop
a slow stream. So the number of words says how much sound to expect.
"""

from dataclasses import dataclass, field
from math import inf

from bots.audio.pcm import Pcm
from bots.inworld.segment_policy import SegmentState, Split
from calls.speech.levels import analyse
from calls.turns.word_timing import (
    FRAME_SECONDS,
    sounding_length,
    sounding_seconds,
    speech_length,
    words_within,
)

# Quiet in the stream after which a sentence is released that ends in silence, by the
# share of its expected speech. Its length alone tells too little: without its pauses it
# is off by an eighth, with them by a sixth. All times are in seconds.
COMPLETE = ((0.9, 0.018), (0.84, 0.03), (0.0, 0.11))
# ...or that is long enough, but does not end in silence...
LONG_ENOUGH = 0.15
# ...or that ends in silence, but whose words are not known yet...
UNKNOWN = 0.15
# ...or that stalled in its middle: up to its last pause...
STALLED = 0.6
# ...and all of it if it has no pause, or was divided before.
STUCK = 1.5
SHORTEST_QUIET = COMPLETE[0][1]
# Silence in the sound that can be the end of a sentence. It is measured in frames of
# 20 ms, so this is three of them.
REST = 0.055
# The share of the expected speech that makes a sentence complete if it ends in silence.
COMPLETE_SHARE = 0.7
# ...and one that stalled: a fast voice is more likely than a stream that stops so late.
STALLED_SHARE = 0.6
NEARLY_ALL_SHARE = 0.8
# The quiet is longer than the gaps that the stream leaves itself, by this factor.
GAP_MARGIN = 1.05
# The end of the sound that is long enough to tell silence from speech.
TAIL_SECONDS = 0.6
# Letters a second, until the voice is known better.
USUAL_RATE = 14.0
# The same without pauses, and counted word by word.
USUAL_SOUNDING_RATE = 18.0
# A voice's rate is the mean of its latest segments that are long enough.
MAX_SAMPLES = 8
MIN_SAMPLE_SECONDS = 0.5


@dataclass(slots=True)
class SpeakingRate:
    """The rate of a voice, learned from complete sentences."""

    letters_per_second: float = USUAL_RATE
    samples: int = 0
    sounding_rate: float = USUAL_SOUNDING_RATE
    sounding_samples: int = 0

    def expects(self, text: str) -> float:
        """The expected length of `text` in seconds."""
        if not text.strip():
            return 0.0
        return speech_length(text) / self.letters_per_second

    def expects_sound(self, text: str) -> float:
        """The same without its pauses."""
        return sounding_length(text) / self.sounding_rate

    def learn(self, text: str, seconds: float) -> None:
        """Add a complete sentence."""
        if seconds > MIN_SAMPLE_SECONDS and text:
            self.samples = min(self.samples + 1, MAX_SAMPLES)
            error = speech_length(text) / seconds - self.letters_per_second
            self.letters_per_second += error / self.samples

    def learn_sound(self, text: str, speech_frames: bytes) -> None:
        """Add the sound of a complete sentence."""
        seconds = sounding_seconds(speech_frames)
        if seconds > MIN_SAMPLE_SECONDS and text.strip():
            self.sounding_samples = min(self.sounding_samples + 1, MAX_SAMPLES)
            error = sounding_length(text) / seconds - self.sounding_rate
            self.sounding_rate += error / self.sounding_samples

    def missing(self, text: str, speech_frames: bytes) -> float:
        """The seconds of speech that are still to come, after those of some sound."""
        said = sounding_seconds(speech_frames)
        return max(self.expects_sound(text) - said, 0.0)

    def spoken(self, text: str, seconds: float) -> str:
        """The words said in the first `seconds` of a sentence not yet complete."""
        words = words_within(text, seconds, max(self.expects(text), seconds))
        blank = len(text) - len(text.lstrip())
        return text[: blank + len(words)] if words else ""


@dataclass(slots=True)
class PendingSpeech:
    """A sentence measured, in seconds.

    `expected` is its length by its words, 0 if they are not known yet. `waiting` is not
    released, `released` was before. `rest` is the silence at the end. `gap` is what the
    stream usually leaves between two pieces of sound. `share` is the part of its speech
    that has come, by its sound without pauses; None if that is unknown.
    """

    expected: float
    waiting: float
    rest: float
    released: float = 0.0
    gap: float = 0.0
    share: float | None = None

    @property
    def fraction_voiced(self) -> float:
        if self.share is not None:
            return self.share
        if not self.expected:
            return 0.0
        return (self.released + self.waiting) / self.expected

    @property
    def complete_after(self) -> float:
        """The quiet after which the sentence is released; infinite if it is not."""
        longer, voiced = 3 * self.gap, self.fraction_voiced
        if not self.expected:
            is_released = self.rest >= REST and not self.released
            return max(UNKNOWN, longer) if is_released else inf
        needed = NEARLY_ALL_SHARE if self.released else COMPLETE_SHARE
        if self.rest >= REST and voiced >= needed:
            quiet = next(quiet for share, quiet in COMPLETE if voiced >= share)
            return max(quiet, GAP_MARGIN * self.gap)
        is_released = voiced >= NEARLY_ALL_SHARE and not self.released
        return max(LONG_ENOUGH, longer) if is_released else inf


@dataclass(slots=True)
class SegmentEnd:
    """The policy of one reply: where its segments end.

    A segment longer than `max_seconds` is released as it is. The sound of a segment
    that `is_streamed` has been sent, so it is never released in part.
    """

    rate: SpeakingRate
    max_seconds: float
    is_streamed: bool = False
    # Silence at the end and speech without pauses (s); None: not measured yet.
    _measured: tuple[float, float] | None = field(default=None, init=False)

    def after_sound(self, state: SegmentState) -> bool | Split:
        # A pause says little while sound flows: one sentence in nine has one near its
        # end that is as long as the silence behind it.
        self._measured = None
        return state.waiting > self.max_seconds

    def look_after(self, state: SegmentState, quiet: float) -> float | None:
        shortest = min(max(SHORTEST_QUIET, GAP_MARGIN * state.gap), STALLED)
        if quiet < shortest:
            return STALLED if self._is_short(state) else shortest
        times = (self._measure(state).complete_after, STALLED, STUCK)
        return min((time for time in times if quiet < time < inf), default=None)

    def after_quiet(self, state: SegmentState, quiet: float) -> bool | Split:
        if quiet < SHORTEST_QUIET:
            return False
        speech = self._measure(state)
        if quiet >= speech.complete_after:
            return True
        is_long = speech.fraction_voiced >= STALLED_SHARE
        if quiet >= STALLED and is_long and not speech.released:
            return True  # nothing more comes
        end = _split_point(speech, state, quiet)
        if end is None or (self.is_streamed and end < speech.waiting):
            return False
        if not state.text:
            return True
        self._measured = None  # less sound waits
        return Split(end, self.rate.spoken(state.text, end))

    def learn(self, text: str, seconds: float) -> None:
        self.rate.learn(text, seconds)

    def _expected(self, state: SegmentState) -> float:
        return self.rate.expects(state.released_text + state.text)

    def _is_short(self, state: SegmentState) -> bool:
        """True if it cannot be complete, however little of its sound is a pause."""
        if self._knows_speech(state):
            needed = self.rate.expects_sound(state.text)
            return state.waiting < COMPLETE_SHARE * needed
        sound = state.released + state.waiting
        return sound < COMPLETE_SHARE * self._expected(state)

    def _knows_speech(self, state: SegmentState) -> bool:
        """True if the speech of a whole sentence can be compared with its words."""
        is_whole = bool(state.text.strip()) and not state.released
        return is_whole and self.rate.sounding_samples > 0

    def _measure(self, state: SegmentState) -> PendingSpeech:
        if self._measured is None:
            levels = analyse(_frames_to_the_end(state.sound))
            rest = levels.trailing_silence(TAIL_SECONDS)
            self._measured = rest, levels.sounding_seconds
        rest, sounding = self._measured
        share = None
        if self._knows_speech(state):
            share = sounding / self.rate.expects_sound(state.text)
        return PendingSpeech(
            self._expected(state),
            state.waiting,
            rest,
            state.released,
            state.gap,
            share,
        )


def _frames_to_the_end(sound: Pcm) -> Pcm:
    """The sound from where its frames are whole: an incomplete last one tells nothing.

    A few milliseconds that are not measured would count as silence.
    """
    frame = 2 * round(FRAME_SECONDS * sound.sample_rate)
    return Pcm(sound.sample_rate, sound.data[len(sound.data) % frame :])


def _split_point(
    speech: PendingSpeech, state: SegmentState, quiet: float
) -> float | None:
    """Up to where (seconds) an incomplete sentence is to be released after all."""
    if quiet >= STUCK:
        return speech.waiting
    if quiet < STALLED or speech.released:
        return None
    if speech.rest >= REST:
        return speech.waiting
    pauses = analyse(state.sound).pauses
    return pauses[-1] if pauses else None
