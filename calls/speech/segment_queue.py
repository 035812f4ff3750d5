"""The segments of one reply on their way to the caller, some while they still grow."""

import asyncio
from collections.abc import Callable
from time import monotonic

from bots.inworld.segment_policy import SegmentState
from bots.inworld.segments import Segment
from calls.clips.head_start import Delivery, HeadStart
from calls.speech.growing_clip import GrowingClip
from calls.speech.reply_stream import ReplyStream

# Decides about a segment that begins to sound; None if it is sent as a whole.
Grow = Callable[[SegmentState], GrowingClip | None]


class SegmentQueue:
    """Passes segments on in their order: whole, or as clips that grow."""

    def __init__(self, stream: ReplyStream, head_start: HeadStart, grow: Grow) -> None:
        self.stream = stream
        self.head_start = head_start
        self.grow = grow
        self.ready: asyncio.Queue[Segment | GrowingClip | None] = asyncio.Queue()
        self.growing: GrowingClip | None = None
        self.delivery: Delivery | None = None  # of the segment that sounds
        self.length = 0  # of its sound in bytes

    def sound(self) -> None:
        """Sound has come, and completed no segment."""
        state = self.stream.segmenter.state
        if len(state.audio) < 2:
            return
        if self.delivery is None:
            self.delivery = Delivery()
            self.growing = self.grow(state)
            if self.growing:
                self.stream.policy.is_streamed = True
                self.ready.put_nowait(self.growing)
        seconds = (len(state.audio) - self.length) / 2 / state.sample_rate
        self.delivery.add(seconds, monotonic())
        self.length = len(state.audio)
        if self.growing:
            self.growing.feed(state.audio, state.text or self.stream.segmenter.written)

    def put(self, segment: Segment) -> None:
        """A segment is complete."""
        growing, self.growing = self.growing, None
        if self.delivery:
            self.head_start.learn(self.delivery)
        self.delivery, self.length = None, 0
        self.stream.policy.is_streamed = False
        if growing:
            growing.finish(segment)
        else:
            self.ready.put_nowait(segment)

    def close(self) -> None:
        """Nothing more comes."""
        if self.growing:
            self.growing.cut()
        self.ready.put_nowait(None)
