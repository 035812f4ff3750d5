"""What a caller's cutting in means: a question, or only a noise. Pure."""

import math
from dataclasses import dataclass

from bots.config.rules import QUESTION_MARKS
from calls.conversation.actions import Action, Discard, Withhold
from calls.conversation.replies import Reply
from calls.conversation.responder import Answers
from calls.turns.playback import Cue

# A frame that a key or a word caused may arrive before the interrupt it caused (s).
LATE_INTERRUPT = 1.0
# A `play` this young may have crossed the interrupt on its way, and be played after it.
IN_FLIGHT = 1.0


@dataclass(slots=True)
class Hold:
    """Speech that was cut off, kept until it is clear whether that was meant.

    `cut_short` says that more was being written.
    """

    cues: list[Cue]
    cut_short: bool


class Interruptions:
    """Cuts the bot off, and lets it go on where nothing was meant by it."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.replies = answers.replies
        self.hold: Hold | None = None

    def cut(self, at: float, position_ms: float | None) -> list[Action]:
        """The carrier stopped and purged its queue; `position_ms` as it reported."""
        since = self._since(at)
        # Zero is also what a carrier reports that has measured nothing.
        position = position_ms / 1000 if position_ms else None
        again, lost = self._spared(self.replies.cut(at, position, since), at)
        reply = self.replies.current
        if reply is None or not self._is_cut(reply, lost, since, at):
            clips = tuple(cue.clip for cue in lost)
            return [*again, *([Discard(clips, queued=False)] if clips else [])]
        stopped = self.replies.stop()
        if lost or stopped:
            # Of a fixed sentence there is no more than its clip.
            more = bool(stopped) and (reply.wanted or reply.goes_on)
            if more and reply.follows and reply.turn is None:
                # It said nothing yet: what led to it is asked for again.
                more = False
                self.answers.postpone()
            before = self.hold or Hold([], cut_short=False)
            cut_short = more or before.cut_short
            self.hold = Hold([*before.cues, *lost], cut_short)
        return [*again, *stopped, *_withhold(lost, at)]

    def release(self) -> list[Action]:
        """It was meant: what was cut off is never played."""
        hold, self.hold = self.hold, None
        clips = tuple(cue.clip for cue in hold.cues) if hold else ()
        return [Discard(clips, queued=False)] if clips else []

    def resume(self, at: float) -> list[Action]:
        """It was noise: go on from the first clip that was not heard."""
        hold, self.hold = self.hold, None
        if hold is None:
            return []
        again = self.replies.replay(hold.cues, at)
        return [*again, *(self.answers.go_on(at) if hold.cut_short else [])]

    def may_be_aside(self, at: float) -> bool:
        """Whether a "mhm" now only says that the caller listens.

        It does while there is more to be heard; after a question it is an answer.
        """
        playback = self.replies.playback
        if not (self.hold or playback.pending()):
            return False
        return not playback.latest_text(at).endswith(QUESTION_MARKS)

    def _spared(self, lost: list[Cue], at: float) -> tuple[list[Action], list[Cue]]:
        """Play again at once what must be heard to its end; the rest stays lost."""
        numbered = self.replies.numbered
        spared = [cue for cue in lost if not numbered[cue.reply - 1].interruptible]
        again = self.replies.replay(spared, at)
        return again, [cue for cue in lost if cue not in spared]

    def _since(self, at: float) -> float:
        """The moment after which what was sent is not what the caller cut off.

        The interrupt a key causes comes after the key, perhaps after our answer to it.
        """
        asked_at = self.answers.asked_at
        late = at - asked_at < LATE_INTERRUPT
        if late and self.replies.playback.has_pending(sent_before=asked_at):
            return asked_at
        return math.inf

    def _is_cut(self, reply: Reply, lost: list[Cue], since: float, at: float) -> bool:
        """Whether the current reply is what the caller cut off."""
        if not reply.interruptible:
            return False
        if since != math.inf and reply.asked_at >= since:
            return False
        # An operator's line is said after what was cut off here, so it waits for that.
        follows = reply.goes_on or reply.follows or bool(reply.line)
        if any(cue.reply == reply.number or follows for cue in lost):
            return True
        return reply.writing and self.replies.playback.started(reply.number, at)


def _withhold(lost: list[Cue], at: float) -> list[Action]:
    clips = tuple(
        cue.clip for cue in lost if not cue.heard and cue.sent_at > at - IN_FLIGHT
    )
    return [Withhold(clips)] if clips else []
