"""One streamed reply: its segments as they become ready, and the report on it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import uniform
from time import monotonic

from django.conf import settings

from bots.inworld.errors import InworldError, RateLimited, StreamFailed
from bots.inworld.events import (
    Audio,
    Event,
    ModelChosen,
    Reasoning,
    Text,
    ToolCallPart,
    UnplayableAudio,
    Usage,
)
from bots.inworld.segments import Segment, Segmenter
from bots.inworld.tool_calls import ToolCalls
from calls import metrics
from calls.conversation.events import ReplyEnded
from calls.logs import CallLog
from calls.prices.usage import Meter, name_asked_for
from calls.speech.first_tokens import FirstTokens
from calls.speech.levels import QUIET, Levels
from calls.speech.segment_end import SegmentEnd, SpeakingRate

# A request refused for its rate is repeated about this much later, unless the refusal
# names a time. The delays are spread, so that not all calls come back at once.
BACK_OFF_SECONDS = 0.4
# Speech without words that lasts this share of a text's length is taken for the text.
ENOUGH_SPEECH_SHARE = 0.5


@dataclass(slots=True)
class ReplyStream:
    """The state of one streamed reply; `marks` are monotonic seconds by stage."""

    number: int
    log: CallLog
    rate: SpeakingRate
    policy: SegmentEnd = field(init=False)
    segmenter: Segmenter = field(init=False)
    calls: ToolCalls = field(default_factory=ToolCalls)
    marks: dict[str, float] = field(default_factory=dict)
    wordless: float = 0.0  # seconds of speech since the latest words
    loudest: int = 0  # the loudest sample of the latest sentence
    unplayable: str = ""  # why some sound was left out
    model: str = ""
    is_begun: bool = False
    usage: Usage | None = None
    error: str = ""
    retryable: bool = True
    retry_after: float | None = None

    def __post_init__(self) -> None:
        max_seconds = settings.CLIP_MAX_SECONDS
        self.policy = SegmentEnd(self.rate, max_seconds)
        self.segmenter = Segmenter(self.policy, settings.INWORLD_REPLY_SAMPLE_RATE)

    def feed(self, event: Event) -> list[Segment]:
        """Process an event of the stream; return the segments that are ready."""
        self._record(event)
        return self.segmenter.feed(event, monotonic())

    def poll(self) -> list[Segment]:
        """Return the segments that are ready because the stream is quiet."""
        return self.segmenter.poll(monotonic())

    def due_in(self) -> float | None:
        """Seconds until `poll` is worth a call, if nothing comes meanwhile."""
        now = monotonic()
        due = self.segmenter.due(now)
        return None if due is None else max(due - now, 0.0)

    def is_silence(self, text: str, levels: Levels) -> bool:
        """True if a segment is only the silence after a sentence already released."""
        if text:
            self.loudest, self.wordless = levels.loudest, 0.0
            return False
        is_silence = levels.loudest < QUIET * self.loudest
        self.wordless += 0.0 if is_silence else levels.seconds
        return is_silence

    @property
    def text_without_audio(self) -> str:
        """At the end: the text that was written and not voiced.

        Speech whose words never came is taken for the words that have no speech.
        """
        text = self.segmenter.text_without_audio
        enough = ENOUGH_SPEECH_SHARE * self.rate.expects(text)
        return text if self.wordless < enough else ""

    def fail(self, error: InworldError) -> None:
        """Record an error of Inworld in the report."""
        # Its message may quote the caller, so it is stored with the turn only.
        self.log.warning("Reply %d failed at Inworld: %s", self.number, error.kind)
        metrics.count_error(error)
        self.error = str(error)
        self.retryable = error.retryable
        if isinstance(error, RateLimited):
            delay = BACK_OFF_SECONDS * uniform(0.5, 1.5)  # noqa: S311
            self.retry_after = error.retry_after or delay

    def refuse(self, reason: str) -> None:
        """Report that the reply was not asked for, and will not be."""
        self.error, self.retryable = reason, False

    def notices_first_token(self) -> bool:
        """True the first time that this is asked after the first token."""
        is_first = "first_token" in self.marks and not self.is_begun
        self.is_begun |= is_first
        return is_first

    def teach(self, first_tokens: FirstTokens) -> None:
        """Add the time to the first token to what is usual for the bot."""
        began_at = self.marks.get("first_token")
        first_tokens.learn(self.marks["request_sent"], began_at, monotonic())

    def count(self, meter: Meter, models: Sequence[str], voice_model: str) -> None:
        """Count what the reply took, of one of the `models` that were asked.

        Only a reply that was refused before its first word took nothing. One that was
        stopped took tokens that the model did not get to tell.
        """
        model = name_asked_for(self.model, models)
        if self.usage:
            tokens = self.usage
            meter.tokens(
                model,
                tokens.prompt_tokens,
                tokens.cached_tokens,
                tokens.completion_tokens,
            )
        elif self.model or not self.error:
            meter.unknown_tokens(model)
        if "first_audio" in self.marks:
            written, rest = self.segmenter.written, self.segmenter.text_without_audio
            meter.speech(voice_model, len(written) - len(rest))

    def record_stage(self, stage: str) -> None:
        """Store the time at which a stage was first reached."""
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
            # The calls of a reply that broke off may be incomplete.
            calls=() if self.error else self.calls.complete(),
            calls_lost=bool(self.error and self.calls.calls),
        )

    def _record(self, event: Event) -> None:
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
            case Reasoning(fields):
                self.calls.reasoning.add(fields)
            case Audio():
                self.record_stage("first_audio")
            case UnplayableAudio(reason) if not self.unplayable:
                # The words that it left without speech are synthesised at the end.
                self.unplayable = reason
                self.log.warning("Reply %d has sound left out: %s", self.number, reason)
                metrics.count_error(StreamFailed(reason))
