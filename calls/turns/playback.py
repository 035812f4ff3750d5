"""The playback clock: which clips the caller has heard, and how far.

The carrier plays what we send as one first-in-first-out queue and says little about
it: perhaps when speech starts and stops, and, when the caller cuts in, for how long
the clip of that moment had been playing. Clip lengths are known to the sample, so
the rest is arithmetic. All times are seconds on one monotonic clock.
"""

import math
from dataclasses import dataclass, field

from calls.turns.word_timing import are_same, joined, words_within

# From our `play` to sound on the line, until a fetch or a speaker event says better.
START_DELAY = 0.25
# From the carrier's fetch of a clip to its sound, when nothing plays before it.
FETCHED_DELAY = 0.05
# How far the reported position may exceed a clip's own length.
MAX_OVERRUN_SECONDS = 0.25
# The last of a clip, and the first, in which its neighbour still counts (s).
ENDING = 0.5
# How fast a carrier's own voice speaks.
CHARACTERS_PER_SECOND = 15.0


@dataclass(frozen=True, slots=True)
class Clip:
    """A piece of speech the carrier can play: one segment of a reply.

    `text` is what it says, `seconds` its length and `pace` when it sounds (see
    `calls.speech.audio`); `url` is empty where the carrier speaks with its own voice. A
    `shared` clip is also other calls', so it cannot be taken away.
    """

    id: str
    url: str
    text: str
    seconds: float
    speech_frames: bytes = b""
    shared: bool = False

    @property
    def is_own(self) -> bool:
        """Whether it is a clip of this call only, which can be taken away."""
        return bool(self.url) and not self.shared


def twilio_tts_clip(text: str) -> Clip:
    """A sentence for the carrier's own voice; its length is an estimate."""
    return Clip("", "", text, len(text) / CHARACTERS_PER_SECOND)


@dataclass(slots=True)
class QueuedClip:
    """A clip in the carrier's queue; `heard` is in seconds, None until known.

    `before` is how much of it was heard when it was played, and cut off, before.
    `assumed` is one that has ended by our clock, and not yet by the carrier's word.
    """

    reply: int
    clip: Clip
    sent_at: float
    starts_at: float
    heard: float | None = None
    heard_before: float = 0.0
    ended_by_clock: bool = False

    @property
    def ends_at(self) -> float:
        return self.starts_at + self.clip.seconds

    @property
    def heard_text(self) -> str:
        """The words of this clip that were played."""
        return "" if self.heard is None else self.words_in(self.heard)

    @property
    def is_unheard(self) -> bool:
        """Whether something of it was not heard; some clips have no words."""
        if self.clip.text:
            return self.heard_text != self.clip.text
        return (self.heard or 0.0) < self.clip.seconds - ENDING

    def words_in(self, seconds: float) -> str:
        """The words of this clip that so much of its sound has."""
        clip = self.clip
        if seconds >= clip.seconds:
            return clip.text
        return words_within(clip.text, seconds, clip.seconds, clip.speech_frames)


@dataclass(slots=True)
class Playback:
    """Everything sent to the carrier in one call, in order."""

    cues: list[QueuedClip] = field(default_factory=list)
    is_audible: bool = False  # by the carrier's word

    def add(self, reply: int, clip: Clip, at: float, before: float = 0.0) -> None:
        """Queue a clip that was just sent."""
        self.settle(at)
        waiting = self.pending()
        starts_at = at + START_DELAY
        if waiting:
            starts_at = max(starts_at, waiting[-1].ends_at)
        self.cues.append(QueuedClip(reply, clip, at, starts_at, heard_before=before))

    def fetched(self, clip_id: str, at: float) -> None:
        """The carrier downloaded a clip: it cannot have started earlier than this."""
        waiting = self.pending()
        if waiting and waiting[0].clip.id == clip_id:
            self._start(waiting[0], at + FETCHED_DELAY)

    def speaking(self, on: bool, at: float) -> None:
        """The carrier reports that its output began or fell silent."""
        waiting = self.pending()
        ended, self.is_audible = self.is_audible and not on, on
        if on and waiting:
            self._start(waiting[0], at)
        elif ended and waiting:
            # Whether output pauses between clips is not known: one has surely ended,
            # unless it was counted already, the next ones only where the clock agrees.
            surely = 0 if self._confirm(at) else 1
            for place, cue in enumerate(waiting):
                if place < surely or cue.starts_at + cue.clip.seconds / 2 <= at:
                    cue.heard = cue.clip.seconds
                    cue.starts_at = min(cue.starts_at, at - cue.heard)

    def settle(self, at: float) -> None:
        """Count as heard what must have ended by now."""
        for cue in self.pending():
            if cue.ends_at <= at:
                cue.heard, cue.ended_by_clock = cue.clip.seconds, True

    def interrupt(
        self, at: float, position: float | None, since: float
    ) -> list[QueuedClip]:
        """The caller cut in: settle what played and return the cues that never will.

        `position` is the carrier's word (seconds) on the clip playing now, if it gave
        one. Cues sent after `since` were queued behind the interruption and survive.
        """
        self.is_audible = False
        queued = [cue for cue in self.pending() if cue.sent_at < since]
        current = _playing(queued, at, position)
        for place, cue in enumerate(queued):
            reached = at - cue.starts_at if position is None else position
            if place != current:
                reached = cue.clip.seconds if place < current else 0.0
            cue.heard = min(max(reached, cue.heard_before), cue.clip.seconds)
            # Nothing of it sounded after this moment, whatever the clock says.
            cue.starts_at = min(cue.starts_at, at - cue.heard)
        free_at = at
        for cue in self.pending():  # has no longer anything to wait for
            cue.starts_at = max(free_at, cue.sent_at + START_DELAY)
            free_at = cue.ends_at
        return [cue for cue in queued if cue.is_unheard]

    def withdraw(self, reply: int) -> list[Clip]:
        """Take back what can be taken back of a reply that is not audible yet."""
        gone = [cue for cue in self._of(reply) if cue.heard is None and cue.clip.is_own]
        for cue in gone:
            cue.heard = cue.heard_before
        return [cue.clip for cue in gone]

    def started(self, reply: int, at: float) -> bool:
        """Whether anything of a reply has been audible by now."""
        return any(
            cue.heard or (cue.heard is None and cue.starts_at <= at)
            for cue in self._of(reply)
        )

    def is_playing(self, reply: int, at: float) -> bool:
        """Whether a clip of a reply is audible just now."""
        return any(cue.reply == reply and cue.starts_at <= at for cue in self.pending())

    def latest_text(self, at: float) -> str:
        """The words heard to their end last, or ending now."""
        latest = ""
        for cue in self.cues:
            position = at - cue.starts_at if cue.heard is None else cue.heard
            if position >= cue.clip.seconds - ENDING:
                latest = cue.clip.text
            elif position > ENDING:
                latest = ""
        return latest.rstrip()

    def first(self, reply: int) -> QueuedClip | None:
        """The first clip of a reply."""
        return next(iter(self._of(reply)), None)

    def audible_at(self, reply: int) -> float | None:
        """When a reply became audible, None when it never did."""
        cue = self.first(reply)
        return cue.starts_at if cue and cue.heard else None

    def pending(self) -> list[QueuedClip]:
        """Cues whose end is not known yet."""
        return [cue for cue in self.cues if cue.heard is None]

    def has_pending(self, *, sent_before: float) -> bool:
        """Whether anything sent before that moment may still be playing."""
        return any(cue.sent_at < sent_before for cue in self.pending())

    def ends_at(self) -> float | None:
        """When the queue will have been played, None when nothing is queued."""
        waiting = self.pending()
        return waiting[-1].ends_at if waiting else None

    def queued_seconds(self, at: float) -> float:
        """How long what is queued will still be heard, in seconds."""
        return max((self.ends_at() or at) - at, 0.0)

    @property
    def ended_at(self) -> float:
        """When the latest sound that is known to have ended did so."""
        ends = (cue.starts_at + cue.heard for cue in self.cues if cue.heard)
        return max(ends, default=-math.inf)

    def heard_text(self, reply: int, text: str) -> str:
        """What was heard of a reply that reads `text`, cut at a word."""
        own = self._of(reply)
        return _told(text, own, [cue.heard or 0.0 for cue in own])

    def clip_ids(self, reply: int) -> list[str]:
        """The clips of a reply that were heard or still may be, in order."""
        own = self._of(reply)
        return [cue.clip.id for cue in own if cue.clip.url and cue.heard != 0]

    def expected_text(self, reply: int, text: str) -> str:
        """What will have been heard of a reply when nobody cuts in."""
        own = self._of(reply)
        heard = (cue.clip.seconds if cue.heard is None else cue.heard for cue in own)
        return _told(text, own, [*heard])

    def _of(self, reply: int) -> list[QueuedClip]:
        return [cue for cue in self.cues if cue.reply == reply]

    def _confirm(self, at: float) -> bool:
        """Take the carrier's word for the end of a clip that was assumed just now."""
        assumed = [cue for cue in self.cues if cue.ended_by_clock]
        for cue in assumed:
            cue.ended_by_clock = False
        return any(at - ENDING < cue.ends_at <= at for cue in assumed)

    def _start(self, cue: QueuedClip, at: float) -> None:
        cue.starts_at = at
        ends_at = cue.ends_at
        for later in self.pending():
            if later is not cue:
                later.starts_at = max(later.starts_at, ends_at)
                ends_at = later.ends_at


def _told(text: str, cues: list[QueuedClip], heard: list[float]) -> str:
    """The words of `text` that were heard, so much (s) being heard of each clip."""
    if not any(cue.clip.text for cue in cues):  # nobody knows which has which
        length = sum(cue.clip.seconds for cue in cues)
        return words_within(text, sum(heard), length) if cues else ""
    told = joined(cue.words_in(s) for cue, s in zip(cues, heard, strict=True))
    return text if are_same(told, text) else told


def _playing(queued: list[QueuedClip], at: float, position: float | None) -> int:
    """Place of the cue that was on the line, by position where the carrier gave one."""
    if position is None:
        ended = (cue.ends_at <= at for cue in queued)
        return sum(ended)
    fits = [
        (abs(at - cue.starts_at - position), place)
        for place, cue in enumerate(queued)
        if position <= cue.clip.seconds + MAX_OVERRUN_SECONDS
    ]
    return min(fits)[1] if fits else len(queued) - 1
