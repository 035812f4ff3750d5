"""The decision to stream the first sentence of an answer, and its result. Pure.

A streamed clip is sent to Twilio while it still grows. Whether Twilio plays it before
its body has ended is not known beforehand.
"""

from dataclasses import dataclass
from typing import Protocol

from calls.clips.clip_format import ClipFormat, format_of

OFF, ON, AUTO = "off", "on", "auto"


@dataclass(slots=True)
class StreamedClip:
    """One streamed clip, as its call saw it. All times are monotonic seconds.

    `began_at` and `ended_at` are those of the body: when its first and last sound could
    be fetched. It may go on until `cut` by an interruption or the end of the call.
    `audible_at` and `silent_at` are Twilio's reports on its output, the first of each
    after `played_at`. `next_played_at` and `next_fetched_at` belong to the clip that
    follows. It `was_idle` if nothing else was queued or playing at `played_at`. What
    was not seen is None.
    """

    account_sid: str
    call_sid: str
    clip_id: str
    played_at: float
    began_at: float | None = None
    ended_at: float | None = None
    seconds: float = 0.0
    fetched_at: float | None = None
    audible_at: float | None = None
    silent_at: float | None = None
    next_played_at: float | None = None
    next_fetched_at: float | None = None
    was_idle: bool = False
    refused: bool = False
    cut: bool = False

    @property
    def format(self) -> ClipFormat:
        """The format in which it grew."""
        return format_of(self.clip_id)


class StreamingPolicy(Protocol):
    """Decides for all calls of one process."""

    def stream_format(self, account_sid: str, call_sid: str) -> ClipFormat | None:
        """The format in which the next answer is streamed; None if it is sent whole.

        Called once per answer, when its first sound comes. Test calls in a browser
        have no account.
        """

    def observe(self, clip: StreamedClip) -> None:
        """Learn from a streamed clip, once nothing more can be seen of it."""

    def call_ended(self, call_sid: str) -> None:
        """The call is over: nothing more can be seen of it."""


@dataclass(frozen=True, slots=True)
class FixedPolicy:
    """Streams WAV always or never, whatever it sees."""

    is_on: bool

    def stream_format(self, account_sid: str, call_sid: str) -> ClipFormat | None:
        """The same for all calls."""
        return ClipFormat.WAV if self.is_on else None

    def observe(self, clip: StreamedClip) -> None:
        """Nothing to learn."""

    def call_ended(self, call_sid: str) -> None:
        """Nothing to give back."""


def streaming_policy(mode: str) -> StreamingPolicy:
    """The policy of `STREAM_CLIPS`."""
    return FixedPolicy(mode == ON)
