"""When a segment that nothing ends is complete: by its sound and its words. Pure.

Upstream marks no segment's end. Waiting for the next one costs a gap, and a last
sentence would wait for the end of the stream; letting go at every pause would chop a
slow stream. So the length of the words says how much sound to expect.
"""

from dataclasses import dataclass

from calls.turns.word_timing import speech_length, words_within

# How often a quiet stream is looked at, in seconds.
POLL_SECONDS = 0.05
# After this much quiet a sentence that sounds complete is released...
COMPLETE = 0.05
# ...and one that is long enough but does not end in silence.
LONG_ENOUGH = 0.1
# Where the words are not known yet, a rest and this much quiet end a sentence.
UNKNOWN = 0.15
# A stream that stalls in the middle of a sentence is heard up to its last pause...
STALLED = 0.6
# ...and all of it when it has none, or when the sentence was divided before.
STUCK = 1.5
# Silence at the end of a sentence, in seconds.
REST = 0.06
# The share of the expected sound that makes a sentence complete if it rests there.
MOST_SHARE = 0.7
NEARLY_ALL_SHARE = 0.9
# The share, and the rest in seconds, with which one is over without any quiet.
SURELY_SHARE = 0.85
LONG_REST = 0.09
# Letters a second, until the voice is known better.
USUAL_RATE = 14.0
# The mean of so many segments, each longer than this (s), is taken for its pace.
MAX_SAMPLES = 8
MIN_SAMPLE_SECONDS = 0.5
# An opening clause is worth a clip of its own from this length on, in seconds.
MIN_OPENING_SECONDS = 0.6
CLAUSE_ENDS = (",", ";", ":", "–", "—", "，", "；", "：", "、")  # noqa: RUF001
# How far (in seconds) a rest may be from the comma it is taken for.
STRAY_LETTERS = 0.5


@dataclass(slots=True)
class PendingSpeech:
    """What was collected of a sentence; all in seconds.

    `with_related` is the length to be expected by its words, 0 where they are not known yet.
    `waiting` has not been released, `released` was before; `rest` is the silence at
    the end. `gap` is what this stream usually leaves between two pieces of sound.
    """

    whole: float
    waiting: float
    rest: float
    released: float = 0.0
    gap: float = 0.0

    @property
    def fraction_voiced(self) -> float:
        """How much of what is expected has come."""
        return (self.released + self.waiting) / self.whole if self.whole else 0.0


@dataclass(slots=True)
class SpeakingRate:
    """How fast a voice speaks, learned from complete segments."""

    rate: float = USUAL_RATE
    lessons: int = 0

    def expects(self, text: str) -> float:
        """How long `text` will take, in seconds."""
        return speech_length(text) / self.rate if text.strip() else 0.0

    def learn(self, text: str, seconds: float) -> None:
        """Take in a complete segment."""
        if seconds > MIN_SAMPLE_SECONDS and text:
            self.lessons = min(self.lessons + 1, MAX_SAMPLES)
            self.rate += (speech_length(text) / seconds - self.rate) / self.lessons

    def is_complete(self, sound: PendingSpeech, idle: float) -> bool:
        """Whether a sentence is to be released after `idle` seconds of quiet."""
        longer = 2 * sound.gap  # than this stream's own pauses
        if not sound.whole:
            is_quiet = idle >= max(UNKNOWN, longer)
            return sound.rest >= REST and is_quiet and not sound.released
        needed = NEARLY_ALL_SHARE if sound.released else MOST_SHARE
        if sound.rest >= REST and sound.fraction_voiced >= needed:
            return idle >= max(COMPLETE, 1.25 * sound.gap)
        is_quiet = idle >= max(LONG_ENOUGH, longer)
        return (
            is_quiet
            and sound.fraction_voiced >= NEARLY_ALL_SHARE
            and not sound.released
        )

    def is_at_its_end(self, sound: PendingSpeech) -> bool:
        """Whether a sentence is over with its latest sound, before any quiet."""
        return sound.fraction_voiced >= SURELY_SHARE and sound.rest >= LONG_REST

    def split_point(
        self, sound: PendingSpeech, pauses: list[float], idle: float
    ) -> float | None:
        """Up to where (seconds) an incomplete sentence is to be released after all."""
        if idle >= STUCK:
            return sound.waiting
        if idle < STALLED or sound.released:
            return None
        if sound.rest >= REST:
            return sound.waiting
        return pauses[-1] if pauses else None

    def spoken(self, text: str, seconds: float) -> str:
        """The words said in the first `seconds` of a sentence not yet complete."""
        words = words_within(text, seconds, max(self.expects(text), seconds))
        blank = len(text) - len(text.lstrip())
        return text[: blank + len(words)] if words else ""

    def opening(self, text: str, rests: list[float]) -> tuple[float, str] | None:
        """Where the first clause ends: the rest it ends in, and its words.

        `rests` are the middles (seconds) of the pauses heard so far.
        """
        for place, sign in enumerate(text):
            clause, rest = text[: place + 1], text[place + 1 :]
            if sign not in CLAUSE_ENDS or self.expects(clause) < MIN_OPENING_SECONDS:
                continue
            if sign.isascii() and not rest[:1].isspace():
                continue  # as in "9:30" or "1,250"
            due = self.expects(clause)
            near = [rest for rest in rests if abs(rest - due) <= STRAY_LETTERS]
            if near and min(near) >= MIN_OPENING_SECONDS:
                return min(near, key=lambda rest: abs(rest - due)), clause
            return None
        return None
