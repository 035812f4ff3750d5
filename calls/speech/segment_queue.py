"""The segments of one reply on their way to the caller, some before their end."""

import asyncio
from collections.abc import Callable
from math import inf
from time import monotonic

from bots.inworld.segment_policy import SegmentState
from bots.inworld.segments import Segment
from calls.clips.head_start import Delivery, HeadStart
from calls.speech.early_clip import AHEAD_SECONDS, EarlyClip
from calls.speech.growing_clip import BegunClip, GrowingClip
from calls.speech.reply_stream import ReplyStream

# Decides about a segment that begins to sound; None if it is sent as a whole.
Grow = Callable[[SegmentState], GrowingClip | None]
# Decides about one that is nearly complete; None if it is sent at its end.
SendEarly = Callable[[SegmentState], EarlyClip | None]


class SegmentQueue:
    """Passes segments on in their order: whole, early, or as clips that grow."""

    def __init__(
        self,
        stream: ReplyStream,
        head_start: HeadStart,
        grow: Grow,
        send_early: SendEarly,
    ) -> None:
        self.stream = stream
        self.head_start = head_start
        self.grow = grow
        self.send_early = send_early
        self.ready = asyncio.Queue[Segment | BegunClip | None]()
        self.begun: BegunClip | None = None
        self.is_early_decided = False
        self.delivery: Delivery | None = None  # of the segment that sounds
        self.length = 0  # of its sound in bytes

    def sound(self) -> None:
        """Sound has come, and completed no segment."""
        state = self.stream.segmenter.state
        if len(state.audio) < 2:
            return
        if self.delivery is None:
            self.delivery = Delivery()
            if growing := self.grow(state):
                self.stream.policy.is_streamed = True
                self._begin(growing)
        seconds = (len(state.audio) - self.length) / 2 / state.sample_rate
        self.delivery.add(seconds, monotonic())
        self.length = len(state.audio)
        if self.begun:
            self.begun.feed(state.audio, state.text or self.stream.segmenter.written)
        elif not self.is_early_decided and self._is_nearly_complete(state):
            self.is_early_decided = True
            if early := self.send_early(state):
                self._begin(early)

    def put(self, segment: Segment) -> None:
        """A segment is complete."""
        begun, self.begun, self.is_early_decided = self.begun, None, False
        if self.delivery:
            self.head_start.learn(self.delivery)
        self.delivery, self.length = None, 0
        self.stream.policy.is_streamed = False
        if begun:
            begun.finish(segment)
        else:
            self.ready.put_nowait(segment)

    def close(self) -> None:
        """Nothing more comes."""
        if self.begun:
            self.begun.cut()
        self.ready.put_nowait(None)

    def _begin(self, clip: BegunClip) -> None:
        self.begun = clip
        self.ready.put_nowait(clip)

    def _is_nearly_complete(self, state: SegmentState) -> bool:
        """True if the rest should come within AHEAD_SECONDS, by words and pace."""
        expected = self.stream.rate.expects(state.text)
        pace = self.delivery.pace if self.delivery else inf
        if not expected or pace == inf:
            return False
        return expected - state.waiting <= AHEAD_SECONDS * pace
