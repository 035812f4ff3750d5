"""Streamed events in, segments out: a piece of speech and the words it speaks. Pure.

No event marks the end of a segment. As far as is known a `Transcript` comes before
its audio, so the next transcript closes a segment. A stream whose first audio comes
before any transcript is read the other way round: each transcript closes the audio
before it. Between transcripts, an `EndPolicy` may end a segment earlier.
"""

import re
from dataclasses import dataclass

from bots.audio.pcm import Pcm
from bots.config.phrases import SENTENCE_END
from bots.inworld.events import Audio, Done, Event, Failed, Text, Transcript
from bots.inworld.segment_policy import EndPolicy, SegmentState, Split

DEFAULT_SAMPLE_RATE = 48_000

STEERING_TAG = re.compile(r"\[[^\[\]]*\]\s*")
# Letters enough to recognise a position in the text.
ANCHOR_LETTERS = 12
# The share of the longest gap in the sound that still counts at the next piece.
GAP_DECAY = 0.8


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a reply; `text` may be empty if the words are not known."""

    text: str
    pcm: Pcm


class Segmenter:
    """Pairs the words of one reply with its speech and releases both in order.

    Times are monotonic seconds, which the caller reads from its clock. `sample_rate`
    (Hz) is that of sound without a header.
    """

    def __init__(
        self, policy: EndPolicy, sample_rate: int = DEFAULT_SAMPLE_RATE
    ) -> None:
        self._policy = policy
        self._content = ""
        self._transcripts = ""  # all of them
        self._voiced = 0  # how much of the transcripts has got its audio
        self._last_transcript = ""
        self._text = ""  # of the segment being collected
        self._begun = 0  # how many times words began to be collected
        self._late = ""  # words of what was released without them
        self._audio = bytearray()
        self._sample_rate = sample_rate
        self._transcript_trails: bool | None = None  # None: nothing to tell by yet
        self._transcript_pending = False
        self._spoke = False
        # The part of the current sentence that the policy has already released.
        self._released = 0.0
        self._released_text = ""
        self._sounded_at = 0.0  # when the latest sound arrived
        self._gap = 0.0  # what the stream leaves between two pieces of a sentence

    @property
    def written(self) -> str:
        """All the model wrote so far, without steering tags."""
        return _spoken(self._content or self._transcripts)

    @property
    def text_without_audio(self) -> str:
        """After `end`: what the model wrote and never got audio for."""
        if not self._spoke:
            return self.written if _letters(self.written) else ""
        if self._transcript_pending:
            # The words of the last speech never came: assume it was the rest.
            return ""
        return _after(self.written, _letters(self._transcripts[: self._voiced]))

    def feed(self, event: Event, now: float = 0.0) -> list[Segment]:
        """Process one event; return the segments that it completes."""
        if isinstance(event, Audio):
            self._measure_gap(now)
        begun, is_late = self._begun, bool(self._late)
        segments = self._process(event)
        if segments or self._begun > begun:
            self._finish_sentence(segments, is_certain=not is_late)
        if isinstance(event, Audio) and not segments:
            return self._apply(self._policy.after_sound(self.state))
        return segments

    def poll(self, now: float) -> list[Segment]:
        """Return what the policy releases while the stream is quiet."""
        if not self._audio:
            return []
        quiet = now - self._sounded_at
        return self._apply(self._policy.after_quiet(self.state, quiet))

    def due(self, now: float) -> float | None:
        """When to poll next if nothing comes; None while nothing waits."""
        if not self._audio:
            return None
        quiet = max(now - self._sounded_at, 0.0)
        after = self._policy.look_after(self.state, quiet)
        return None if after is None else self._sounded_at + after

    def end(self) -> list[Segment]:
        """Release the rest: nothing more will come."""
        return self._release()

    def _process(self, event: Event) -> list[Segment]:
        match event:
            case Text(text):
                self._content += text
            case Transcript(text):
                return self._transcribe(text)
            case Audio():
                self._collect(event)
            case Done() | Failed():
                return self.end()
        return []

    @property
    def state(self) -> SegmentState:
        """The segment being collected."""
        return SegmentState(
            text=_spoken(self._text),
            released=self._released,
            released_text=self._released_text,
            gap=self._gap,
            is_first=not self._spoke,
            sample_rate=self._sample_rate,
            audio=self._audio,
        )

    def _measure_gap(self, now: float) -> None:
        since, self._sounded_at = self._sounded_at, now
        if self._audio or self._released:
            self._gap = max(now - since, GAP_DECAY * self._gap)

    def _finish_sentence(self, last: list[Segment], *, is_certain: bool) -> None:
        """Let the policy learn from a sentence, and begin the next."""
        if is_certain:
            words = self._released_text + "".join(segment.text for segment in last)
            waited = sum(segment.pcm.seconds for segment in last)
            self._policy.learn(words, self._released + waited)
        self._released, self._released_text = 0.0, ""

    def _apply(self, decision: bool | Split) -> list[Segment]:
        if isinstance(decision, Split):
            return self._split(decision)
        return self._release_early() if decision else []

    def _release_early(self) -> list[Segment]:
        """Release all that waits; the same sentence may go on, without its words."""
        state = self.state
        self._released += state.waiting
        self._released_text += state.text
        half_a_sample = self._audio[len(self._audio) & ~1 :]
        segments = self._release()
        self._audio[:] = half_a_sample
        return segments

    def _split(self, split: Split) -> list[Segment]:
        """Release the beginning of what waits."""
        end = 2 * round(split.seconds * self._sample_rate)
        head, rest = self._audio[:end], self._audio[end:]
        text, words = _spoken(self._text), split.words
        if len(head) < 2 or not text.startswith(words):
            return []
        self._released += split.seconds
        self._released_text += words
        self._audio, self._text = rest, text[len(words) :]
        self._voiced = max(self._voiced, len(self._transcripts) - len(self._text))
        self._spoke = True
        return [Segment(words, Pcm(self._sample_rate, bytes(head)))]

    def _collect(self, sound: Audio) -> None:
        if self._transcript_trails is None and sound.data:
            self._transcript_trails = True
        if sound.sample_rate:
            # A header starts on a new sample; half a one before it stays incomplete.
            del self._audio[len(self._audio) & ~1 :]
            self._sample_rate = sound.sample_rate
        self._audio += sound.data

    def _transcribe(self, text: str) -> list[Segment]:
        if self._is_repeated(text):
            return []
        self._last_transcript = text
        if self._transcript_trails is None and text.strip():
            self._transcript_trails = False
        if self._transcript_trails:
            return self._label(text)
        closes = _letters(text) and (
            not _letters(self._text) or _is_complete(self._text)
        )
        segments = self._release() if closes else []
        self._add(text)
        return segments

    def _label(self, text: str) -> list[Segment]:
        self._add(text)
        if self._has_audio:
            return self._release() if _is_complete(self._text) else []
        if self._transcript_pending:
            # These are the words of sound that was released while the stream was quiet.
            self._transcript_pending = False
            self._audio.clear()
            self._voiced = len(self._transcripts)
            self._late, self._text = _joined(self._late, self._text), ""
        return []

    def _release(self) -> list[Segment]:
        if not self._has_audio:
            self._audio.clear()
            return []
        samples = bytes(self._audio[: len(self._audio) & ~1])
        text = _spoken(_joined(self._late, self._text))
        segment = Segment(text, Pcm(self._sample_rate, samples))
        wordless = not self._text.strip()
        self._transcript_pending = wordless and bool(self._transcript_trails)
        self._voiced = len(self._transcripts)
        self._spoke = True
        self._text = self._late = ""
        self._audio.clear()
        return [segment]

    def _add(self, text: str) -> None:
        self._begun += bool(text) and not _spoken(self._text)
        self._text = _joined(self._text, text)
        self._transcripts = _joined(self._transcripts, text)

    def _is_repeated(self, text: str) -> bool:
        if text != self._last_transcript:
            return False
        if self._transcript_trails and self._has_audio:
            return False
        # "No. No." is said twice where the model also wrote it twice.
        said = _letters(self._transcripts + text)
        return not _letters(self._content).startswith(said)

    @property
    def _has_audio(self) -> bool:
        return len(self._audio) >= 2


def _spoken(text: str) -> str:
    return STEERING_TAG.sub("", text)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, _spoken(text)))


def _is_complete(text: str) -> bool:
    return SENTENCE_END.search(_spoken(text)) is not None


def _joined(left: str, right: str) -> str:
    glued = left.endswith(tuple(".!?…:;")) and right[:1].isalnum()
    return f"{left} {right}" if glued else left + right


def _after(written: str, voiced: str) -> str:
    """The text written after the letters that were voiced."""
    letters = _letters(written)
    if letters.startswith(voiced):
        return _skip_letters(written, len(voiced))
    # The voice may read "$20" as "twenty dollars": look for the last words only.
    anchor = voiced[-ANCHOR_LETTERS:]
    start = letters.rfind(anchor)
    return _skip_letters(written, start + len(anchor)) if start >= 0 else ""


def _skip_letters(text: str, count: int) -> str:
    positions = [at for at, letter in enumerate(text) if letter.isalnum()]
    if count >= len(positions):
        return ""
    if not count:
        return text
    # Punctuation after the last skipped letter belongs to it.
    return re.sub(r"^[^\w\s]*\s*", "", text[positions[count - 1] + 1 :])
