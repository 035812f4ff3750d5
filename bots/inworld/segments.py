"""Streamed events in, segments out: a piece of speech and the words it speaks.

No event marks the end of a segment. As far as is known a `Transcript` comes before
its audio, so the next transcript closes a segment; a stream whose first audio comes
before any transcript is read the other way round, each transcript closing the audio
before it.
"""

import re
from dataclasses import dataclass

from bots.audio.pcm import Pcm
from bots.audio.wav import strip_header
from bots.inworld.events import Audio, Done, Event, Failed, Text, Transcript

DEFAULT_SAMPLE_RATE = 48_000

STEERING_TAG = re.compile(r"\[[^\[\]]*\]\s*")
SENTENCE_END = re.compile(r"""[.!?…:;。！？：；؟।]["'”’»」』)\]]*\s*\Z""")  # noqa: RUF001
# Enough letters to know a place in the text by.
ANCHOR_LETTERS = 12


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a reply; `text` may be empty where the words are not known."""

    text: str
    pcm: Pcm


class Segmenter:
    """Pairs the words of one reply with its speech and releases both in order."""

    def __init__(self) -> None:
        self._content = ""
        self._transcripts = ""  # all of them
        self._voiced = 0  # how much of the transcripts has got its audio
        self._last_transcript = ""
        self._text = ""  # of the segment being collected
        self.has_audio = 0  # how many times words began to be collected
        self._late = ""  # words of what was released without them
        self._audio = bytearray()
        self._sample_rate = DEFAULT_SAMPLE_RATE
        self._transcript_trails: bool | None = None  # None: nothing to tell by yet
        self._owes_transcript = False
        self._spoke = False

    @property
    def written(self) -> str:
        """All the model wrote so far, without steering tags."""
        return _spoken(self._content or self._transcripts)

    @property
    def text_without_audio(self) -> str:
        """After `end`: what the model wrote and never got audio for."""
        if not self._spoke:
            return self.written if _letters(self.written) else ""
        if self._owes_transcript:
            # Speech whose words were not sent: take it for the rest of the text.
            return ""
        return _after(self.written, _letters(self._transcripts[: self._voiced]))

    def feed(self, event: Event) -> list[Segment]:
        """Take one event; return the segments it completes."""
        match event:
            case Text(text):
                self._content += text
            case Transcript(text):
                return self._transcribe(text)
            case Audio(data):
                self._hear(data)
            case Done() | Failed():
                return self.end()
        return []

    def on_quiet(self) -> list[Segment]:
        """Release what there is to hear: the stream has gone quiet for a while."""
        cut_sample = self._audio[len(self._audio) & ~1 :]
        segments = self._release()
        # The same sentence may go on, with the other half of a sample.
        self._audio[:] = cut_sample
        return segments

    @property
    def seconds(self) -> float:
        """How much sound is waiting to be released."""
        return len(self._audio) / 2 / self._sample_rate

    @property
    def text(self) -> str:
        """The words of the sentence being collected, as far as they are known."""
        return _spoken(self._text)

    @property
    def transcript_is_late(self) -> bool:
        """Whether words wait that belong to sound which has been released."""
        return bool(self._late)

    @property
    def collected(self) -> Pcm:
        """The sound that is waiting to be released."""
        return Pcm(self._sample_rate, bytes(self._audio[: len(self._audio) & ~1]))

    def last_seconds(self, seconds: float) -> Pcm:
        """The end of the sound that is waiting."""
        end = len(self._audio) & ~1
        start = max(end - 2 * round(seconds * self._sample_rate), 0)
        return Pcm(self._sample_rate, bytes(self._audio[start:end]))

    def split(self, seconds: float, words: str) -> list[Segment]:
        """Release the first `seconds` of what waits, as the leading `words`."""
        end = 2 * round(seconds * self._sample_rate)
        head, rest = self._audio[:end], self._audio[end:]
        text = self.text
        if len(head) < 2 or not text.startswith(words):
            return []
        self._audio, self._text = rest, text[len(words) :]
        self._voiced = max(self._voiced, len(self._transcripts) - len(self._text))
        self._spoke = True
        return [Segment(words, Pcm(self._sample_rate, bytes(head)))]

    def end(self) -> list[Segment]:
        """Release the rest: nothing more will come."""
        return self._release()

    def _hear(self, data: bytes) -> None:
        samples, rate = strip_header(data)
        if self._transcript_trails is None and samples:
            self._transcript_trails = True
        if rate or len(samples) < len(data):
            # A header starts on a new sample; half a one before it stays incomplete.
            del self._audio[len(self._audio) & ~1 :]
            self._sample_rate = rate or self._sample_rate
        self._audio += samples

    def _transcribe(self, text: str) -> list[Segment]:
        if self._is_repeated(text):
            return []
        self._last_transcript = text
        if self._transcript_trails is None and text.strip():
            self._transcript_trails = False
        if self._transcript_trails:
            return self._label(text)
        closes = _letters(text) and (not _letters(self._text) or _is_whole(self._text))
        segments = self._release() if closes else []
        self._add(text)
        return segments

    def _label(self, text: str) -> list[Segment]:
        self._add(text)
        if self._has_audio:
            return self._release() if _is_whole(self._text) else []
        if self._owes_transcript:
            # These are the words of what was released while the stream was quiet.
            self._owes_transcript = False
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
        self._owes_transcript = wordless and bool(self._transcript_trails)
        self._voiced = len(self._transcripts)
        self._spoke = True
        self._text = self._late = ""
        self._audio.clear()
        return [segment]

    def _add(self, text: str) -> None:
        self.has_audio += bool(text) and not self.text
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


def _is_whole(text: str) -> bool:
    return SENTENCE_END.search(_spoken(text)) is not None


def _joined(left: str, right: str) -> str:
    glued = left.endswith(tuple(".!?…:;")) and right[:1].isalnum()
    return f"{left} {right}" if glued else left + right


def _after(written: str, voiced: str) -> str:
    """Find what was written after the letters that were voiced."""
    letters = _letters(written)
    if letters.startswith(voiced):
        return _skip_letters(written, len(voiced))
    # The voice may read "$20" as "twenty dollars": look for the last words only.
    anchor = voiced[-ANCHOR_LETTERS:]
    place = letters.rfind(anchor)
    return _skip_letters(written, place + len(anchor)) if place >= 0 else ""


def _skip_letters(text: str, count: int) -> str:
    places = [place for place, letter in enumerate(text) if letter.isalnum()]
    if count >= len(places):
        return ""
    if not count:
        return text
    # The punctuation that follows the last of them belongs to them.
    return re.sub(r"^[^\w\s]*\s*", "", text[places[count - 1] + 1 :])
