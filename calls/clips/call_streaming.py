"""Streamed clips of one call: which are streamed, and what is seen of them. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from calls.clips.clip_format import ClipFormat
from calls.clips.head_start import HeadStart
from calls.clips.streaming_policy import StreamedClip, StreamingPolicy
from calls.conversation.events import (
    CallerInterrupted,
    CallerSpoke,
    ClipFetched,
    ClipRefused,
    Event,
    PlaybackChanged,
)
from calls.turns.clip import Clip
from calls.turns.clip_ids import is_early

# A later sentence is streamed or sent early, too, if what is queued ends so soon (s).
NEARLY_PLAYED = 0.5


@dataclass(slots=True)
class CallStreaming:
    """Asks the policy once an answer, and reports each streamed clip to it once.

    After Twilio has refused one, the rest of the call gets whole clips. So does a test
    call in a browser, which has no account: its page plays whole clips only.
    """

    policy: StreamingPolicy
    head_start: HeadStart
    call_sid: str
    account_sid: str = ""
    clip: StreamedClip | None = None  # not reported yet
    next_id: str = ""  # of the clip that was sent behind it
    answer_format: ClipFormat | None = None  # None: sent whole
    is_refused: bool = False

    def begin_segment(
        self, *, is_first: bool, is_whole: bool, queued: Callable[[], float]
    ) -> tuple[ClipFormat, float] | None:
        """The format and head start of a segment that is streamed; None if it is not.

        `is_whole` is false for the rest of a sentence and for sound without words.
        `queued` tells how many seconds are still to be played.
        """
        if is_first:
            streams = bool(self.account_sid) and not self.is_refused
            ask = self.policy.stream_format
            self.answer_format = (
                ask(self.account_sid, self.call_sid) if streams else None
            )
        elif not is_whole:
            return None
        if not self.answer_format or (not is_first and queued() > NEARLY_PLAYED):
            return None
        head_start = self.head_start.seconds
        return None if head_start is None else (self.answer_format, head_start)

    def sends_early(self, *, is_whole: bool, queued: Callable[[], float]) -> bool:
        """True if a whole clip's address may be sent before its sentence has ended.

        Not while a streamed clip is observed, whose next download tells something. A
        voice that is slow, or often stands still, would make its fetch wait long.
        """
        is_steady = self.head_start.seconds is not None
        is_quiet = is_whole and is_steady and self.clip is None
        return is_quiet and queued() <= NEARLY_PLAYED

    @property
    def watches_next(self) -> bool:
        """True if the next clip's download tells something about a streamed one."""
        return self.clip is not None and not self.next_id

    def played(self, clip: Clip, at: float, *, was_idle: bool) -> None:
        """A clip was sent; `was_idle` if nothing else was queued or playing."""
        if clip.is_growing and not is_early(clip.id):
            self.close()
            self.clip = StreamedClip(
                self.account_sid, self.call_sid, clip.id, at, was_idle=was_idle
            )
        elif self.clip and not self.next_id and clip.id != self.clip.clip_id:
            self.clip.next_played_at, self.next_id = at, clip.id

    def body(
        self,
        clip_id: str,
        began_at: float | None,
        ended_at: float | None,
        seconds: float,
    ) -> None:
        """The body of a streamed clip is complete."""
        if self.clip and self.clip.clip_id == clip_id:
            self.clip.began_at, self.clip.ended_at = began_at, ended_at
            self.clip.seconds = seconds

    def on_event(self, event: Event, at: float) -> None:
        """Take in what happened in the call."""
        clip = self.clip
        if clip is None:
            return
        match event:
            case PlaybackChanged(True) if clip.audible_at is None:
                clip.audible_at = at
            case PlaybackChanged(False) if clip.audible_at and clip.silent_at is None:
                clip.silent_at = at
            case ClipFetched(clip_id) if clip_id == clip.clip_id:
                clip.fetched_at = clip.fetched_at or at
            case ClipFetched(clip_id) if clip_id == self.next_id:
                clip.next_fetched_at = at
                self.close()
            case ClipRefused(sound) if sound.endswith(clip.clip_id):
                clip.refused = self.is_refused = True
                self.close()
            case CallerInterrupted():
                clip.cut = True
                self.close()
            case CallerSpoke(final=True):
                self.close()

    def end(self) -> None:
        """The call is over."""
        self.close()
        self.policy.call_ended(self.call_sid)

    def close(self) -> None:
        """Report a clip of which nothing more can be seen."""
        clip, self.clip, self.next_id = self.clip, None, ""
        if clip:
            self.policy.observe(clip)
