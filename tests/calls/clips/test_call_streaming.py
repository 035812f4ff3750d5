"""Which segments of a call are streamed, and what its policy learns of each."""

from dataclasses import dataclass, field

from calls.clips.call_streaming import NEARLY_PLAYED, CallStreaming
from calls.clips.clip_format import ClipFormat
from calls.clips.head_start import UNKNOWN_SECONDS, HeadStart
from calls.clips.streaming_policy import StreamedClip
from calls.conversation.events import (
    CallerInterrupted,
    CallerSpoke,
    ClipFetched,
    ClipRefused,
    PlaybackChanged,
)
from calls.turns.clip import Clip

GROWING = Clip("a", "https://x/a", "Hello.", 2.0, available=0.0)
NEXT = Clip("b", "https://x/b", "Bye.", 1.0)


@dataclass
class Policy:
    """Says yes as long as it `is_on`, and keeps what it is told."""

    is_on: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)
    seen: list[StreamedClip] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def stream_format(self, account_sid: str, call_sid: str) -> ClipFormat | None:
        self.asked.append((account_sid, call_sid))
        return ClipFormat.MP3 if self.is_on else None

    def observe(self, clip: StreamedClip) -> None:
        self.seen.append(clip)

    def call_ended(self, call_sid: str) -> None:
        self.ended.append(call_sid)


def call(*, is_on: bool = True) -> tuple[CallStreaming, Policy]:
    policy = Policy(is_on)
    return CallStreaming(policy, HeadStart(), "CA1", "AC1"), policy


def begins(
    streaming: CallStreaming,
    queued: float = 0.0,
    *,
    is_first: bool = True,
    is_whole: bool = True,
) -> bool:
    """True if a segment that begins to sound is streamed."""
    streamed = streaming.begin_segment(
        is_first=is_first, is_whole=is_whole, queued=lambda: queued
    )
    assert streamed in (None, (ClipFormat.MP3, UNKNOWN_SECONDS))
    return streamed is not None


def test_the_policy_learns_of_the_last_clip_and_then_that_the_call_ended() -> None:
    streaming, policy = call()
    streaming.played(GROWING, 1.0, was_idle=True)
    streaming.end()
    assert ([clip.clip_id for clip in policy.seen], policy.ended) == (["a"], ["CA1"])


def test_the_policy_is_asked_once_an_answer() -> None:
    streaming, policy = call()
    assert begins(streaming)
    assert begins(streaming, is_first=False)
    assert policy.asked == [("AC1", "CA1")]
    policy.is_on = False
    assert not begins(streaming)
    assert not begins(streaming, is_first=False)
    assert len(policy.asked) == 2


def test_a_later_sentence_is_streamed_if_the_queue_is_nearly_empty() -> None:
    streaming, _ = call()
    assert begins(streaming, queued=9)
    assert not begins(streaming, NEARLY_PLAYED + 0.1, is_first=False)
    assert begins(streaming, NEARLY_PLAYED, is_first=False)


def test_the_rest_of_a_sentence_is_not_streamed() -> None:
    streaming, _ = call()
    assert begins(streaming)
    assert not begins(streaming, is_first=False, is_whole=False)


def test_all_that_was_seen_is_reported_once() -> None:
    streaming, policy = call()
    streaming.played(GROWING, 1.0, was_idle=True)
    assert streaming.watches_next
    streaming.on_event(ClipFetched("a"), 1.1)
    streaming.on_event(PlaybackChanged(True), 1.2)
    streaming.body("a", 1.15, 1.5, 2.0)
    streaming.played(NEXT, 1.6, was_idle=False)
    assert not streaming.watches_next
    streaming.on_event(ClipFetched("b"), 3.0)
    streaming.close()
    assert policy.seen == [
        StreamedClip(
            "AC1",
            "CA1",
            "a",
            1.0,
            began_at=1.15,
            ended_at=1.5,
            seconds=2.0,
            fetched_at=1.1,
            audible_at=1.2,
            next_played_at=1.6,
            next_fetched_at=3.0,
            was_idle=True,
        )
    ]


def test_an_interruption_ends_what_can_be_seen() -> None:
    streaming, policy = call()
    streaming.played(GROWING, 1.0, was_idle=True)
    streaming.on_event(PlaybackChanged(True), 1.2)
    streaming.on_event(CallerInterrupted(300), 1.5)
    streaming.body("a", 1.1, 1.6, 0.5)  # the end of the body is that of the cut
    (seen,) = policy.seen
    assert (seen.cut, seen.ended_at, seen.audible_at) == (True, None, 1.2)


def test_the_callers_next_words_do_too() -> None:
    streaming, policy = call()
    streaming.played(GROWING, 1.0, was_idle=True)
    streaming.on_event(PlaybackChanged(True), 1.2)
    streaming.on_event(PlaybackChanged(False), 3.2)
    streaming.on_event(CallerSpoke("Th", final=False), 4.0)
    assert not policy.seen
    streaming.on_event(CallerSpoke("Thanks."), 4.5)
    assert [clip.silent_at for clip in policy.seen] == [3.2]


def test_after_a_refusal_the_call_gets_whole_clips() -> None:
    streaming, policy = call()
    assert begins(streaming)
    streaming.played(GROWING, 1.0, was_idle=True)
    streaming.on_event(ClipRefused("https://x/other"), 1.1)
    assert not policy.seen
    streaming.on_event(ClipRefused(GROWING.url), 1.2)
    assert [clip.refused for clip in policy.seen] == [True]
    assert not begins(streaming)
    assert len(policy.asked) == 1


def test_a_test_call_in_a_browser_gets_whole_clips() -> None:
    policy = Policy()
    assert not begins(CallStreaming(policy, HeadStart(), "CA1"))
    assert policy.asked == []


def test_whole_clips_are_not_reported() -> None:
    streaming, policy = call()
    streaming.played(NEXT, 1.0, was_idle=True)
    streaming.on_event(ClipFetched("b"), 1.1)
    streaming.close()
    assert policy.seen == []
