"""Barge-in: stops the bot, and resumes it if the interruption was not meant. Pure."""

import math
from dataclasses import dataclass

from bots.config.phrases import QUESTION_MARKS
from calls.conversation.actions import Action, DropClips, MuteClips
from calls.conversation.call_state import CallState
from calls.conversation.events import OperatorSaid
from calls.conversation.replies import Reply
from calls.conversation.responder import Responder
from calls.turns.clip import QueuedClip
from calls.turns.operator_line import OperatorLine
from calls.turns.turn import TurnKind

# The frame of a key or of words may arrive before the interrupt that it caused (s).
LATE_INTERRUPT = 1.0
# A `play` frame this young may cross the interrupt on its way and be played after it.
MAX_IN_FLIGHT_SECONDS = 1.0


@dataclass(slots=True)
class PausedSpeech:
    """Speech that was interrupted, kept until it is clear whether that was meant.

    If `is_incomplete`, the model was still writing when the interrupt came.
    """

    clips: list[QueuedClip]
    is_incomplete: bool


class Interruptions:
    """Pauses the bot's speech, then discards or resumes it."""

    def __init__(self, state: CallState, responder: Responder) -> None:
        self.state = state
        self.responder = responder
        self.replies = responder.replies
        self.paused: PausedSpeech | None = None

    def interrupt(self, at: float, position_ms: float | None) -> list[Action]:
        """Pause the bot. Twilio has stopped playing and purged its queue.

        `position_ms` is the position in the current clip, as Twilio reported it.
        """
        cutoff = self._cutoff(at)
        # Twilio also reports zero if it has not measured anything.
        position = position_ms / 1000 if position_ms else None
        lost = self.replies.interrupt(at, position, cutoff)
        replayed, lost = self._replay_uninterruptible(lost, at)
        dropped, lost = self._drop_fillers(lost)
        reply = self.replies.current
        if reply is None or not self._is_interrupted(reply, lost, cutoff, at):
            return [*replayed, *dropped, *_drop(lost)]
        was_writing = reply.writing
        stopped = self.replies.stop()
        if lost or was_writing:
            # A fixed sentence is one clip: there is nothing left to write.
            has_more = was_writing and (reply.is_answer or reply.continues)
            if has_more and reply.after_tool and reply.turn is None:
                # Nothing was said since the tool call: the answer is asked for again.
                has_more = False
                self.responder.ask_again_later()
            before = self.paused or PausedSpeech([], is_incomplete=False)
            self.paused = PausedSpeech(
                [*before.clips, *lost], has_more or before.is_incomplete
            )
        return [*replayed, *dropped, *stopped, *_mute_in_flight(lost, at)]

    def discard_paused(self) -> list[Action]:
        """The interruption was meant: the paused speech is never played."""
        paused, self.paused = self.paused, None
        return _drop(paused.clips) if paused else []

    def resume(self, at: float) -> list[Action]:
        """It was noise: continue with the first clip that was not heard."""
        paused, self.paused = self.paused, None
        if paused is None:
            return []
        actions = self.replies.replay(paused.clips, at)
        rest = self.responder.continue_reply(at) if paused.is_incomplete else []
        return [*actions, *rest]

    def take_line(
        self, event: OperatorSaid, at: float, *, is_ending: bool
    ) -> list[Action]:
        """Queue an operator's line; one that comes now interrupts the bot first."""
        text = event.text.strip()
        if not text:
            return []
        line = OperatorLine(event.line, text, event.now)
        self.replies.operator_lines.append(line)
        if not event.now or is_ending:
            self.replies.lines.append(line)
            return []
        actions = self.discard_paused()
        if not self.responder.is_uninterruptible:
            actions += [*self.responder.drop_answer(), *self.replies.make_way(at)]
        self.replies.lines.appendleft(line)
        return actions

    def may_be_backchannel(self, at: float) -> bool:
        """True if a "mhm" now means that the caller is listening.

        It does while the bot has more to say, except after a question.
        """
        playback = self.replies.playback
        if not (self.paused or playback.pending()):
            return False
        return not playback.latest_text(at).endswith(QUESTION_MARKS)

    def _replay_uninterruptible(
        self, lost: list[QueuedClip], at: float
    ) -> tuple[list[Action], list[QueuedClip]]:
        """Replay at once what the caller must hear; return the actions and the rest."""
        replies = self.replies.by_number
        kept = [
            queued for queued in lost if not replies[queued.reply - 1].interruptible
        ]
        actions = self.replies.replay(kept, at)
        return actions, [queued for queued in lost if queued not in kept]

    def _drop_fillers(
        self, lost: list[QueuedClip]
    ) -> tuple[list[Action], list[QueuedClip]]:
        """Drop wait phrases, which are no part of an answer; return the rest, too."""
        replies = self.replies.by_number
        fillers = [
            queued
            for queued in lost
            if replies[queued.reply - 1].kind is TurnKind.FILLER
        ]
        return _drop(fillers), [queued for queued in lost if queued not in fillers]

    def _cutoff(self, at: float) -> float:
        """Clips sent after this time were not interrupted.

        The interrupt that a key causes arrives after the key, perhaps even after the
        answer to it.
        """
        caller_done_at = self.state.caller_done_at
        is_late = at - caller_done_at < LATE_INTERRUPT
        if is_late and self.replies.playback.has_pending(sent_before=caller_done_at):
            return caller_done_at
        return math.inf

    def _is_interrupted(
        self, reply: Reply, lost: list[QueuedClip], cutoff: float, at: float
    ) -> bool:
        """True if the caller interrupted the current reply."""
        if not reply.interruptible:
            return False
        if cutoff != math.inf and reply.caller_done_at >= cutoff:
            return False
        # An operator's line follows the interrupted reply, so it waits for that.
        follows = reply.continues or reply.after_tool or bool(reply.operator_line)
        if any(queued.reply == reply.number or follows for queued in lost):
            return True
        return reply.writing and self.replies.playback.started(reply.number, at)


def _drop(lost: list[QueuedClip]) -> list[Action]:
    clips = tuple(queued.clip for queued in lost)
    return [DropClips(clips, queued=False)] if clips else []


def _mute_in_flight(lost: list[QueuedClip], at: float) -> list[Action]:
    clips = tuple(
        queued.clip
        for queued in lost
        if not queued.heard and queued.sent_at > at - MAX_IN_FLIGHT_SECONDS
    )
    return [MuteClips(clips)] if clips else []
