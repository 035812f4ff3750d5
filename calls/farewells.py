"""How a call ends: nothing is answered any more, a last word is heard. Pure."""

import math
from dataclasses import dataclass

from calls.actions import Action, Discard, HangUp
from calls.answers import Answers
from calls.interruptions import Interruptions
from calls.ladder import Rung

# Room for the clock's error before a reply counts as played to its end (s).
SETTLE_MARGIN = 0.5
# A last word that never ends, for whatever reason, ends the call this much later (s).
FAREWELL_LIMIT = 20.0


@dataclass(frozen=True, slots=True)
class Farewell:
    """The last word of a call: why it ends, in which reply it is said, until when."""

    reason: str
    reply: int
    due_at: float
    transfer: bool


class Farewells:
    """Says the last word and hangs up after it; `over` once there is nothing more."""

    def __init__(self, answers: Answers, interruptions: Interruptions) -> None:
        self.answers = answers
        self.interruptions = interruptions
        self.manners = answers.manners
        self.replies = answers.replies
        self.playback = answers.replies.playback
        self.farewell: Farewell | None = None
        self.over = False

    def leave(
        self, text: str, reason: str, at: float, *, transfer: bool = False
    ) -> list[Action]:
        """Say a last word, which cannot be interrupted, and end the call after it."""
        gone = [*self.interruptions.release(), *self.answers.cease()]
        queued = max((self.playback.ends_at() or at) - at, 0.0)
        last_word = self.answers.say(text, at, interruptible=False)
        number = len(self.replies.numbered)
        limit = at + queued + FAREWELL_LIMIT
        self.farewell = Farewell(reason, number, limit, transfer)
        return [*gone, *last_word]

    def give_up(self, rung: Rung, at: float) -> list[Action]:
        """No answer can be had: put the caller through, or say goodbye."""
        if rung is Rung.TRANSFER:
            return self._put_through(at)
        return self.leave(self.manners.goodbye, "bot-failed", at)

    def ordered(self, at: float) -> list[Action]:
        """An operator ends the call: with a goodbye, and at once when asked again."""
        reason = "operator-ended"
        if self.farewell is None:
            return self.leave(self.manners.goodbye, reason, at)
        self.over = True
        return [*self.answers.cease(), HangUp(reason)]

    def put_through(self, at: float) -> list[Action]:
        """An operator puts the caller through, where the bot has a number for it."""
        if self.farewell or not self.manners.can_transfer:
            return []
        return self._put_through(at)

    def cut(self, position: float | None, at: float) -> list[Action]:
        """The caller cut in on a last word: it is heard to its end all the same.

        `position` (seconds) is the carrier's word on the clip that was playing.
        """
        assert self.farewell  # noqa: S101  (for the type checker)
        lost = self.replies.cut(at, position, math.inf)
        last = [cue for cue in lost if cue.reply == self.farewell.reply]
        gone = tuple(cue.clip for cue in lost if cue.reply != self.farewell.reply)
        discarded: list[Action] = [Discard(gone, queued=False)] if gone else []
        return [*discarded, *self.replies.replay(last, at)]

    def part(self, at: float) -> list[Action]:
        """Hang up once the last word has been heard."""
        farewell = self.farewell
        if farewell is None or self.over:
            return []
        speaking = (
            self.replies.is_writing
            or self.playback.pending()
            or at < self.playback.ended_at + SETTLE_MARGIN
        )
        if speaking and at < farewell.due_at:
            return []
        self.over = True
        return [HangUp(farewell.reason, farewell.transfer)]

    def line_gone(self, at: float) -> list[Action]:
        """The caller is not on the line any more."""
        self.over = True
        stopped = self.answers.cease()
        self.replies.cut(at, None, math.inf)
        return stopped

    def _put_through(self, at: float) -> list[Action]:
        notice = self.manners.transfer_notice
        return self.leave(notice, "transferred", at, transfer=True)
