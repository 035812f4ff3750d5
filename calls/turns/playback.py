"""The playback clock: which clips the caller has heard, and how much of them. Pure.

Twilio plays clips as one first-in-first-out queue and reports little about it:
perhaps when its output starts and stops, and, after an interruption, the position in
the current clip. The length of each clip is known exactly, so the rest is arithmetic.
All times are seconds on one monotonic clock.
"""

import math
from dataclasses import dataclass, field

from calls.turns.clip import ENDING, Clip, QueuedClip
from calls.turns.word_timing import beginning, joined, words_within

# From our `play` frame to sound, unless Twilio reports something better.
START_DELAY = 0.25
# From Twilio's download of a clip to its sound, if nothing plays before it.
FETCHED_DELAY = 0.05
# How far the reported position may exceed the length of a clip.
MAX_OVERRUN_SECONDS = 0.25
# An error of Twilio about our latest frame arrives within this time (s).
MAX_REFUSAL_DELAY = 2.0
# Why a clip was not played.
REFUSED = "Twilio refused to play this, or a part of it."
NOT_FETCHED = "Twilio did not fetch the sound of this."
NOT_STORED = (
    "The sound of this, or of a part of it, was lost: the caller heard silence."
)


@dataclass(slots=True)
class Playback:
    """Every clip sent to Twilio in one call, in order."""

    clips: list[QueuedClip] = field(default_factory=list)
    is_audible: bool = False  # as Twilio reported
    lost: list[QueuedClip] = field(default_factory=list)  # since `take_lost`

    def add(
        self,
        reply: int,
        clip: Clip,
        at: float,
        *,
        heard_before: float = 0.0,
        needs_fetch: bool = False,
    ) -> QueuedClip:
        """Queue a clip that was just sent."""
        self.settle(at)
        pending = self.pending()
        starts_at = at + START_DELAY
        if pending:
            starts_at = max(starts_at, pending[-1].ends_at)
        queued = QueuedClip(
            *(reply, clip, at, starts_at),
            heard_before=heard_before,
            needs_fetch=needs_fetch,
            streamed=clip.is_growing,
        )
        self.clips.append(queued)
        return queued

    def latest(self, clip_id: str) -> QueuedClip | None:
        """The clip of that id, as it was queued last."""
        clips = (queued for queued in reversed(self.clips) if queued.clip.id == clip_id)
        return next(clips, None)

    def grew(self, queued: QueuedClip, clip: Clip, reached: float, at: float) -> None:
        """A clip has grown, perhaps for the last time.

        Its sound came so late that at most `reached` seconds can have been played.
        """
        queued.clip = clip
        if queued.heard is None:
            self._start(queued, max(queued.starts_at, at - reached))

    def requeue(self, queued: QueuedClip, at: float) -> None:
        """Queue an interrupted clip again, which was just sent a second time."""
        self.clips.remove(queued)
        again = self.add(
            *(queued.reply, queued.clip, at),
            heard_before=queued.heard or 0.0,
            needs_fetch=queued.needs_fetch,
        )
        # Twilio may keep a clip that it has fetched.
        again.fetched = queued.fetched

    def refused(self, sound: str, at: float) -> None:
        """Twilio refused to play a clip.

        `sound` is the URL or the text of the clip. If it is empty, Twilio has not said
        which one: the latest, unless it was fetched or is too old.
        """
        for queued in reversed(self.clips):
            if queued.lost:
                continue
            if sound and sound == (queued.clip.url or queued.clip.text):
                return self._lose(queued, REFUSED)
            if not sound:
                is_recent = at - queued.sent_at <= MAX_REFUSAL_DELAY
                if is_recent and not queued.fetched:
                    self._lose(queued, REFUSED)
                return None
        return None

    def replaced(self, clip_id: str) -> None:
        """Twilio got silence instead of a clip, and has not played the clip before."""
        for queued in self.clips:
            is_over = queued.heard is not None and not queued.ended_by_clock
            if queued.clip.id == clip_id and not is_over:
                return self._lose(queued, NOT_STORED)
        return None

    def take_lost(self) -> list[QueuedClip]:
        """The clips that were lost since the last time, once they do not grow."""
        lost = [queued for queued in self.lost if not queued.clip.is_growing]
        self.lost = [queued for queued in self.lost if queued.clip.is_growing]
        return lost

    @property
    def awaits_fetch(self) -> bool:
        """True if a clip is not known to be heard until it is fetched."""
        return any(queued.awaits_fetch for queued in self.clips)

    def fetched(self, clip_id: str, at: float) -> None:
        """Twilio downloaded a clip, so it cannot have started before."""
        for queued in self.clips:
            if queued.clip.id == clip_id and not queued.fetched:
                queued.fetched = True
                break
        pending = self.pending()
        if pending and pending[0].clip.id == clip_id:
            self._start(pending[0], at + FETCHED_DELAY)

    def speaking(self, on: bool, at: float) -> None:
        """Twilio reports that its output began or fell silent."""
        pending = self.pending()
        ended, self.is_audible = self.is_audible and not on, on
        if on and pending:
            self._start(pending[0], at - (pending[0].paused_at or 0.0))
        elif ended and pending and pending[0].clip.is_growing:
            pending[0].paused_at = pending[0].position(at)
        elif ended and pending:
            # Twilio may or may not report pauses between clips. So one clip has surely
            # ended, unless the clock ended it already; others only if the clock agrees.
            certain = 0 if self._confirm(at) else 1
            for place, queued in enumerate(pending):
                if queued.awaits_fetch:
                    continue
                half = queued.starts_at + queued.clip.seconds / 2
                if place < certain or half <= at:
                    queued.heard = queued.clip.seconds
                    queued.starts_at = min(queued.starts_at, at - queued.heard)

    def settle(self, at: float) -> None:
        """Count clips as heard that have ended by the clock, or as lost."""
        for queued in self.pending():
            if queued.settles_at > at:
                continue
            if queued.awaits_fetch:
                self._lose(queued, NOT_FETCHED)
            else:
                queued.heard, queued.ended_by_clock = queued.clip.seconds, True

    def interrupt(
        self, at: float, position: float | None, cutoff: float
    ) -> list[QueuedClip]:
        """Settle what was heard before an interruption; return the unheard clips.

        `position` is the position in the current clip in seconds, if Twilio reported
        it. Clips sent after `cutoff` were not interrupted and stay queued.
        """
        self.is_audible = False
        purged = [queued for queued in self.pending() if queued.sent_at < cutoff]
        current = _current_place(purged, at, position)
        for place, queued in enumerate(purged):
            heard = at - queued.starts_at if position is None else position
            if place != current:
                heard = queued.clip.seconds if place < current else 0.0
            if queued.awaits_fetch:
                heard = 0.0
            heard = max(heard, queued.heard_before)
            queued.heard = min(heard, queued.clip.audible_seconds)
            # It ended by now, whatever the clock says.
            queued.starts_at = min(queued.starts_at, at - queued.heard)
        free_at = at
        for queued in self.pending():  # nothing plays before these any more
            queued.starts_at = max(free_at, queued.sent_at + START_DELAY)
            free_at = queued.ends_at
        return [queued for queued in purged if queued.is_unheard]

    def withdraw(self, reply: int, starts_after: float = -math.inf) -> list[Clip]:
        """Take the clips of a reply out of the queue that can be deleted."""
        withdrawn = [
            queued
            for queued in self._of(reply)
            if queued.heard is None
            and queued.clip.is_own
            and queued.starts_at > starts_after
        ]
        for queued in withdrawn:
            queued.heard = queued.heard_before
        return [queued.clip for queued in withdrawn]

    def started(self, reply: int, at: float) -> bool:
        """True if the caller has heard something of a reply by now."""
        return any(
            queued.heard or (queued.heard is None and queued.starts_at <= at)
            for queued in self._of(reply)
        )

    def is_playing(self, reply: int, at: float) -> bool:
        """True if a clip of a reply plays now."""
        return any(
            queued.reply == reply and queued.starts_at <= at
            for queued in self.pending()
        )

    def latest_text(self, at: float) -> str:
        """The text of the clip that ended last or is about to end."""
        latest = ""
        for queued in self.clips:
            playing = at - queued.starts_at
            position = playing if queued.heard is None else queued.heard
            if position >= queued.clip.seconds - ENDING:
                latest = queued.clip.text
            elif position > ENDING:
                latest = ""
        return latest.rstrip()

    def first(self, reply: int) -> QueuedClip | None:
        """The first clip of a reply."""
        return next(iter(self._of(reply)), None)

    def audible_at(self, reply: int) -> float | None:
        """When a reply became audible; None if it did not."""
        queued = self.first(reply)
        return queued.starts_at if queued and queued.heard else None

    def pending(self) -> list[QueuedClip]:
        """Clips that have not ended yet."""
        return [queued for queued in self.clips if queued.heard is None]

    def has_pending(self, *, sent_before: float) -> bool:
        """True if a clip that was sent before that time may still play."""
        return any(queued.sent_at < sent_before for queued in self.pending())

    def ends_at(self) -> float | None:
        """When the queue will be empty; None if it is."""
        pending = self.pending()
        if not pending:
            return None
        last = pending[-1]
        return last.ends_at if last.clip.is_growing else last.settles_at

    def settles_at(self) -> float | None:
        """The same; None, too, if that is not known, because a clip still grows."""
        pending = self.pending()
        return None if pending and pending[-1].clip.is_growing else self.ends_at()

    def queued_seconds(self, at: float) -> float:
        """Seconds that the queue will still play."""
        return max((self.ends_at() or at) - at, 0.0)

    @property
    def ended_at(self) -> float:
        """When the latest clip ended; minus infinity if none has."""
        ends = (
            queued.starts_at + queued.heard for queued in self.clips if queued.heard
        )
        return max(ends, default=-math.inf)

    def heard_text(self, reply: int, text: str) -> str:
        """The part of a reply's `text` that the caller heard, cut at a word."""
        clips = self._of(reply)
        return _text_heard(text, clips, [queued.heard or 0.0 for queued in clips])

    def expected_text(self, reply: int, text: str) -> str:
        """The part of a reply that is heard if nobody interrupts."""
        clips = self._of(reply)
        heard = [
            queued.clip.seconds if queued.heard is None else queued.heard
            for queued in clips
        ]
        return _text_heard(text, clips, heard)

    def clip_ids(self, reply: int) -> list[str]:
        """Ids of the clips of a reply that were or may be heard, in order."""
        return [
            queued.clip.id
            for queued in self._of(reply)
            if queued.clip.url and queued.heard != 0
        ]

    def _of(self, reply: int) -> list[QueuedClip]:
        return [queued for queued in self.clips if queued.reply == reply]

    def _confirm(self, at: float) -> bool:
        """True if Twilio's report is about a clip that the clock has just ended."""
        assumed = [queued for queued in self.clips if queued.ended_by_clock]
        for queued in assumed:
            queued.ended_by_clock = False
        return any(at - ENDING < queued.ends_at <= at for queued in assumed)

    def _lose(self, lost: QueuedClip, why: str) -> None:
        """Count a clip as never played: the clips behind it have moved up."""
        lost.was_due = lost.heard is None or lost.ended_by_clock
        lost.heard, lost.ended_by_clock, lost.lost = lost.heard_before, False, why
        self.lost.append(lost)
        free_at = lost.starts_at
        for later in self.clips[self.clips.index(lost) :]:
            if later.heard is None:
                later.starts_at = max(free_at, later.sent_at + START_DELAY)
                free_at = later.ends_at

    def _start(self, queued: QueuedClip, at: float) -> None:
        queued.starts_at = at
        ends_at = queued.ends_at
        for later in self.pending():
            if later is not queued:
                later.starts_at = max(later.starts_at, ends_at)
                ends_at = later.ends_at


def _text_heard(text: str, clips: list[QueuedClip], heard: list[float]) -> str:
    """The words of `text` in the first `heard` seconds of each clip."""
    if not any(queued.clip.text for queued in clips):  # unknown which says what
        length = sum(queued.clip.seconds for queued in clips)
        return words_within(text, sum(heard), length) if clips else ""
    words = joined(
        queued.words_in(seconds) for queued, seconds in zip(clips, heard, strict=True)
    )
    written = beginning(text, words)
    return words if written is None else written


def _current_place(clips: list[QueuedClip], at: float, position: float | None) -> int:
    """Place of the clip that was playing, by Twilio's position if it is known."""
    if position is None:
        return sum(queued.ends_at <= at for queued in clips)
    fitting = [
        (abs(at - queued.starts_at - position), place)
        for place, queued in enumerate(clips)
        if position <= queued.clip.seconds + MAX_OVERRUN_SECONDS
    ]
    return min(fitting)[1] if fitting else len(clips) - 1
