"""One reply as it streams in: what has come of it, and which segments are ready."""

from dataclasses import dataclass, field
from random import uniform
from time import monotonic

from django.conf import settings

from bots.inworld.errors import InworldError, RateLimited
from bots.inworld.events import (
    Audio,
    Event,
    ModelChosen,
    Text,
    ToolCallPart,
    Usage,
)
from bots.inworld.segments import Segment, Segmenter
from bots.inworld.tool_calls import ToolCalls
from calls import metrics
from calls.conversation.events import ReplyEnded
from calls.logs import CallLog
from calls.speech.audio import QUIET, loudness, pauses, trailing_silence
from calls.speech.segment_end import (
    COMPLETE,
    MOST_SHARE,
    SURELY_SHARE,
    PendingSpeech,
    SpeakingRate,
)

# A request refused for its rate is repeated about this much later, in seconds, unless
# the refusal names a time; spread, so that not all calls come back at once.
BACK_OFF = 0.4
# How much more sound must have come before the opening clause is looked for again.
POLL_AGAIN_SECONDS = 0.1
# As much of the sound's end as it takes to tell silence from speech.
TAIL_SECONDS = 0.6
# How much of the longest gap in the sound still counts at the next piece.
LASTING = 0.8
# As much of what words take is enough to have been them.
HALF = 0.5


@dataclass(slots=True)
class ReplyStream:
    """How far one streamed reply has come; `marks` are monotonic seconds by stage.

    With `early_first_clause` the opening clause is a segment of its own.
    """

    number: int
    log: CallLog
    voice: SpeakingRate
    early_first_clause: bool = False
    segmenter: Segmenter = field(default_factory=Segmenter)
    calls: ToolCalls = field(default_factory=ToolCalls)
    marks: dict[str, float] = field(default_factory=dict)
    sounded_at: float = 0.0  # when the latest sound arrived
    gap: float = 0.0  # what the stream leaves between two pieces of a sentence, lately
    released: float = 0.0  # seconds let go of the sentence that is being collected
    words: str = ""  # and its words let go of
    wordless: float = 0.0  # seconds of speech since the latest words
    looked_at: float = 0.0  # seconds of sound when an opening was last looked for
    loudest: int = 0  # the loudest sample of the latest sentence
    model: str = ""
    usage: Usage | None = None
    error: str = ""
    retryable: bool = True
    retry_after: float | None = None

    def feed(self, event: Event) -> list[Segment]:
        """Take in what the stream brought; the segments that are ready."""
        self._note(event)
        begun, is_behind = self.segmenter.has_audio, self.segmenter.transcript_is_late
        segments = self.segmenter.feed(event)
        if segments or self.segmenter.has_audio > begun:
            self._learn(segments, sure=not is_behind)
            # The next sentence; what was let go of the one before is not its own.
            self.released, self.words = 0.0, ""
        if segments:
            self.early_first_clause = False
        elif isinstance(event, Audio):
            return self._opening() or self._pause_at_end() or self._overlong()
        return segments

    def poll(self) -> list[Segment]:
        """Release what is complete by its sound; called while the stream is quiet."""
        if not self.segmenter.seconds:
            return []
        idle = monotonic() - self.sounded_at
        if idle < COMPLETE:
            return []
        sound = self._sound()
        if self.voice.is_complete(sound, idle):
            return self._release_all()
        end = self.voice.split_point(sound, pauses(self.segmenter.collected), idle)
        if end is None:
            return []
        text, is_all = self.segmenter.text, end == sound.waiting
        if not text or (is_all and sound.fraction_voiced >= MOST_SHARE):
            return self._release_all()
        return self._split(end, self.voice.spoken(text, end))

    def is_silence(self, segment: Segment) -> bool:
        """Whether a segment is only the silence after a sentence already released."""
        loud = loudness(segment.pcm)
        if segment.text:
            self.loudest, self.wordless = loud, 0.0
            return False
        is_rest = loud < QUIET * self.loudest
        self.wordless += 0.0 if is_rest else segment.pcm.seconds
        return is_rest

    @property
    def text_without_audio(self) -> str:
        """At the end: what was written and not voiced.

        Speech whose words never came is taken for the words that have no speech.
        """
        text = self.segmenter.text_without_audio
        return text if self.wordless < HALF * self.voice.expects(text) else ""

    def set_usage(self, error: InworldError) -> None:
        """Keep what Inworld could not do, in plain words."""
        # They may quote the caller's, so they stand with the turn only.
        self.log.warning("Reply %d failed upstream: %s", self.number, error.kind)
        metrics.count_error(error)
        self.error = str(error)
        self.retryable = error.retryable
        if isinstance(error, RateLimited):
            self.retry_after = error.retry_after or BACK_OFF * uniform(0.5, 1.5)  # noqa: S311

    def record_stage(self, stage: str) -> None:
        """Note when a stage was first reached."""
        self.marks.setdefault(stage, monotonic())

    def ended(self) -> ReplyEnded:
        """The report on this reply."""
        return ReplyEnded(
            self.number,
            text=self.segmenter.written.strip(),
            error=self.error,
            retryable=self.retryable,
            retry_after=self.retry_after,
            model=self.model,
            prompt_tokens=self.usage.prompt_tokens if self.usage else None,
            completion_tokens=self.usage.completion_tokens if self.usage else None,
            timestamps=self.marks,
            # Half a call is none.
            calls=() if self.error else self.calls.complete(),
        )

    def _note(self, event: Event) -> None:
        match event:
            case ModelChosen(model):
                self.model = model
            case Usage():
                self.usage = event
            case Text():
                self.record_stage("first_token")
            case ToolCallPart():
                self.record_stage("first_token")
                self.calls.feed(event)
            case Audio():
                self.record_stage("first_audio")
                since, self.sounded_at = self.sounded_at, monotonic()
                if self.segmenter.seconds or self.released:
                    self.gap = max(self.sounded_at - since, LASTING * self.gap)

    def _learn(self, last: list[Segment], *, sure: bool) -> None:
        """Take in how long a sentence was, now that it is known to be over."""
        words = self.words + "".join(segment.text for segment in last)
        rest = sum(segment.pcm.seconds for segment in last)
        if sure:
            self.voice.learn(words, self.released + rest)

    def _sound(self) -> PendingSpeech:
        rest = trailing_silence(self.segmenter.last_seconds(TAIL_SECONDS))
        waiting = self.segmenter.seconds
        return PendingSpeech(self._expected(), waiting, rest, self.released, self.gap)

    def _expected(self) -> float:
        """How long the sentence being collected will be by its words, in seconds."""
        return self.voice.expects(self.words + self.segmenter.text)

    def _split(self, end: float, words: str) -> list[Segment]:
        if segments := self.segmenter.split(end, words):
            self._emit(end, words)
        return segments

    def _release_all(self) -> list[Segment]:
        # More of the same sentence may come, its words gone with this.
        self._emit(self.segmenter.seconds, self.segmenter.text)
        return self.segmenter.on_quiet()

    def _emit(self, seconds: float, words: str) -> None:
        self.released += seconds
        self.words += words
        self.early_first_clause = False

    def _opening(self) -> list[Segment]:
        """The first clause of a reply, as soon as it has been heard."""
        seconds = self.segmenter.seconds
        if not self.early_first_clause or seconds < self.looked_at + POLL_AGAIN_SECONDS:
            return []
        self.looked_at = seconds
        found_pauses = pauses(self.segmenter.collected)
        found = self.voice.opening(self.segmenter.text, found_pauses)
        if found is None:
            return []
        return self._split(*found)

    def _pause_at_end(self) -> list[Segment]:
        """A sentence whose latest sound sounds like its last."""
        whole = self._expected()
        if self.released + self.segmenter.seconds < SURELY_SHARE * whole or not whole:
            return []  # too early for a closer look
        sound = self._sound()
        return self._release_all() if self.voice.is_at_its_end(sound) else []

    def _overlong(self) -> list[Segment]:
        too_long = self.segmenter.seconds > settings.CLIP_MAX_SECONDS
        return self._release_all() if too_long else []
