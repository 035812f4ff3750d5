"""What a caller's cutting in means: a question, or only a noise. Pure."""

import math
from dataclasses import dataclass

from bots.config.phrases import QUESTION_MARKS
from calls.conversation.actions import Action, DropClips, MuteClips
from calls.conversation.replies import Reply
from calls.conversation.responder import Responder
from calls.turns.playback import QueuedClip

# A frame that a key or a word caused may arrive before the interrupt it caused (s).
LATE_INTERRUPT = 1.0
# A `play` this young may have crossed the interrupt on its way, and be played after it.
MAX_IN_FLIGHT_SECONDS = 1.0


@dataclass(slots=True)
class PausedSpeech:
    """Speech that was cut off, kept until it is clear whether that was meant.

    `cut_short` says that more was being written.
    """

    cues: list[QueuedClip]
    cut_short: bool


class Interruptions:
    """Cuts the bot off, and lets it go on where nothing was meant by it."""

    def __init__(self, answers: Responder) -> None:
        self.answers = answers
        self.replies = answers.replies
        self.hold: PausedSpeech | None = None

    def interrupt(self, at: float, position_ms: float | None) -> list[Action]:
        """The carrier stopped and purged its queue; `position_ms` as it reported."""
        since = self._cutoff(at)
        # Zero is also what a carrier reports that has measured nothing.
        position = position_ms / 1000 if position_ms else None
        again, lost = self._replay_uninterruptible(
            self.replies.interrupt(at, position, since), at
        )
        reply = self.replies.current
        if reply is None or not self._is_cut(reply, lost, since, at):
            clips = tuple(cue.clip for cue in lost)
            return [*again, *([DropClips(clips, queued=False)] if clips else [])]
        stopped = self.replies.stop()
        if lost or stopped:
            # Of a fixed sentence there is no more than its clip.
            more = bool(stopped) and (reply.is_answer or reply.continues)
            if more and reply.after_tool and reply.turn is None:
                # It said nothing yet: what led to it is asked for again.
                more = False
                self.answers.ask_again_later()
            before = self.hold or PausedSpeech([], cut_short=False)
            cut_short = more or before.cut_short
            self.hold = PausedSpeech([*before.cues, *lost], cut_short)
        return [*again, *stopped, *_withhold(lost, at)]

    def discard_paused(self) -> list[Action]:
        """It was meant: what was cut off is never played."""
        hold, self.hold = self.hold, None
        clips = tuple(cue.clip for cue in hold.cues) if hold else ()
        return [DropClips(clips, queued=False)] if clips else []

    def resume(self, at: float) -> list[Action]:
        """It was noise: go on from the first clip that was not heard."""
        hold, self.hold = self.hold, None
        if hold is None:
            return []
        again = self.replies.replay(hold.cues, at)
        return [*again, *(self.answers.continue_reply(at) if hold.cut_short else [])]

    def may_be_backchannel(self, at: float) -> bool:
        """Whether a "mhm" now only says that the caller listens.

        It does while there is more to be heard; after a question it is an answer.
        """
        playback = self.replies.playback
        if not (self.hold or playback.pending()):
            return False
        return not playback.latest_text(at).endswith(QUESTION_MARKS)

    def _replay_uninterruptible(
        self, lost: list[QueuedClip], at: float
    ) -> tuple[list[Action], list[QueuedClip]]:
        """Play again at once what must be heard to its end; the rest stays lost."""
        numbered = self.replies.by_number
        spared = [cue for cue in lost if not numbered[cue.reply - 1].interruptible]
        again = self.replies.replay(spared, at)
        return again, [cue for cue in lost if cue not in spared]

    def _cutoff(self, at: float) -> float:
        """The moment after which what was sent is not what the caller cut off.

        The interrupt a key causes comes after the key, perhaps after our answer to it.
        """
        asked_at = self.answers.caller_done_at
        late = at - asked_at < LATE_INTERRUPT
        if late and self.replies.playback.has_pending(sent_before=asked_at):
            return asked_at
        return math.inf

    def _is_cut(
        self, reply: Reply, lost: list[QueuedClip], since: float, at: float
    ) -> bool:
        """Whether the current reply is what the caller cut off."""
        if not reply.interruptible:
            return False
        if since != math.inf and reply.caller_done_at >= since:
            return False
        # An operator's line is said after what was cut off here, so it waits for that.
        follows = reply.continues or reply.after_tool or bool(reply.operator_line)
        if any(cue.reply == reply.number or follows for cue in lost):
            return True
        return reply.writing and self.replies.playback.started(reply.number, at)


def _withhold(lost: list[QueuedClip], at: float) -> list[Action]:
    clips = tuple(
        cue.clip
        for cue in lost
        if not cue.heard and cue.sent_at > at - MAX_IN_FLIGHT_SECONDS
    )
    return [MuteClips(clips)] if clips else []
