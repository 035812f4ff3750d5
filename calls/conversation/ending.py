"""How a call ends: nothing is answered any more, a last word is heard. Pure."""

import json
import math
from dataclasses import dataclass, replace

from bots.config.bot_config import BotConfig
from bots.config.capabilities import TransferTarget
from calls.conversation.actions import Action, DropClips, HangUp, SaveTurn
from calls.conversation.dtmf import masked_digits
from calls.conversation.fallback import FallbackStep
from calls.conversation.interruptions import Interruptions
from calls.conversation.replies import Reply
from calls.conversation.responder import Responder
from calls.conversation.tool_definitions import available_targets
from calls.turns.turn import NOTICE, TRANSFER_CALL, add_tool_call

# Room for the clock's error before a reply counts as played to its end (s).
SETTLE_MARGIN = 0.5
# A last word that never ends, for whatever reason, ends the call this much later (s).
FINAL_MESSAGE_TIMEOUT = 20.0
# How often in one call somebody is rung up for the caller.
MAX_TRANSFERS = 3
# Of the caller's own words for that person: fewer say nothing, more take too long.
FEWEST_WORDS, MOST_WORDS = 3, 40


@dataclass(frozen=True, slots=True)
class FinalMessage:
    """The last word of a call: why it ends, in which reply it is said, until when."""

    reason: str
    reply: int
    due_at: float
    transfer: TransferTarget | None = None
    summary: str = ""


class CallEnding:
    """Says the last word and hangs up after it; `over` once there is nothing more."""

    def __init__(self, answers: Responder, interruptions: Interruptions) -> None:
        self.answers = answers
        self.interruptions = interruptions
        self.replies = answers.replies
        self.playback = answers.replies.playback
        self.farewell: FinalMessage | None = None
        self.over = False
        answers.ladder.can_transfer = lambda at: self.available_target(at) is not None

    @property
    def has_said_goodbye(self) -> bool:
        """Whether the bot has said goodbye and the caller has heard it."""
        turns = self.answers.turns
        # Before the caller has said anything, "Good night!" is how one says hello.
        if not any(turn.role == "caller" for turn in turns):
            return False
        last = turns[-1]
        if last.role != "bot" or last.interrupted:
            return False
        return last.heard_text == last.text and self.manners.is_goodbye(last.text)

    @property
    def manners(self) -> BotConfig:
        """The rules in the language that is spoken now."""
        return self.answers.manners

    def say_goodbye(
        self, text: str, reason: str, at: float, *, kept: bool = True
    ) -> list[Action]:
        """Say a last word, which cannot be interrupted, and end the call after it."""
        gone = self._cease()
        last_word = self.answers.say_message(text, at, interruptible=False, kept=kept)
        self._last(reason, len(self.replies.by_number), at)
        return [*gone, *last_word]

    def end_now(self, reason: str, at: float) -> list[Action]:
        """End the call: the last word has been said."""
        gone = self._cease()
        self._last(reason, len(self.replies.by_number), at)
        return gone

    def end_after_reply(self, reply: Reply, reason: str, at: float) -> list[Action]:
        """End the call once a reply has been heard: it was the last word."""
        gone = self._cease()
        reply.interruptible = False
        self._last(reason, reply.number, at)
        return gone

    def transfer(
        self,
        target: TransferTarget,
        at: float,
        *,
        summary: str = "",
        said: Reply | None = None,
    ) -> list[Action]:
        """Put the caller through, after a notice, or after what was `said`."""
        gone, reason = self._cease(), "transferred"
        notice: list[Action] = []
        if said is None:
            words = self.manners.transfer_notice
            notice = self.answers.say_message(words, at, interruptible=False)
            said = self.replies.by_number[-1]
            said.kind = NOTICE
        said.interruptible = False
        self._last(reason, said.number, at, target, summary)
        return [*gone, *notice]

    def end_after_failure(self, rung: FallbackStep, at: float) -> list[Action]:
        """No answer can be had: put the caller through, or say goodbye."""
        target = self.available_target(at) if rung is FallbackStep.TRANSFER else None
        if target:
            return self._note_and_hand_over(target, at)
        return self.say_goodbye(self.manners.goodbye_message, "bot-failed", at)

    def end_by_operator(self, at: float) -> list[Action]:
        """An operator ends the call: with a goodbye, and at once when asked again."""
        reason = "operator-ended"
        if self.farewell is None:
            return self.say_goodbye(self.manners.goodbye_message, reason, at)
        self.over = True
        return [*self.answers.stop_all(), HangUp(reason)]

    def transfer_to(self, name: str, at: float) -> list[Action]:
        """An operator or a key puts the caller through, where somebody is there."""
        target = self.available_target(at, name)
        if self.farewell or target is None:
            return []
        return self._note_and_hand_over(target, at)

    def available_target(self, at: float, name: str = "") -> TransferTarget | None:
        """The person of that name, else the first one who takes calls now."""
        if self.transfer_limit_reached:
            return None
        there = available_targets(
            self.manners.transfer_targets, self.answers.minute_of_week(at)
        )
        named = (each for each in there if each.name == name)
        return next(named, None) if name else next(iter(there), None)

    @property
    def transfer_limit_reached(self) -> bool:
        """Whether so many people were rung up that nobody more is bothered."""
        ended = (t.tool_call for t in self.answers.turns if t.ended_at is not None)
        tried = [use for use in ended if use and use.name == TRANSFER_CALL]
        return sum(not use.failed for use in tried) >= MAX_TRANSFERS

    def on_interrupt(self, position_ms: float | None, at: float) -> list[Action]:
        """The caller cut in on a last word: it is heard to its end all the same.

        `position_ms` is the carrier's word on the clip that was playing.
        """
        assert self.farewell  # noqa: S101  (for the type checker)
        position = position_ms / 1000 if position_ms else None
        lost = self.replies.interrupt(at, position, math.inf)
        last = [cue for cue in lost if cue.reply == self.farewell.reply]
        gone = tuple(cue.clip for cue in lost if cue.reply != self.farewell.reply)
        discarded: list[Action] = [DropClips(gone, queued=False)] if gone else []
        return [*discarded, *self.replies.replay(last, at)]

    def hang_up_when_heard(self, at: float) -> list[Action]:
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
        return [HangUp(farewell.reason, farewell.transfer, farewell.summary)]

    def on_disconnect(self, at: float) -> list[Action]:
        """The caller is not on the line any more."""
        self.over = True
        stopped = self.answers.stop_all()
        self.replies.interrupt(at, None, math.inf)
        return stopped

    def _note_and_hand_over(self, target: TransferTarget, at: float) -> list[Action]:
        """The same as if the model had wanted it, for the transcript and the model."""
        summary = self._last_caller_text()
        asked = json.dumps({"target": target.name})
        turn = add_tool_call(self.answers.turns, TRANSFER_CALL, asked, at)
        turn.ended_at = at
        return [SaveTurn(replace(turn)), *self.transfer(target, at, summary=summary)]

    def _last_caller_text(self) -> str:
        """What the caller said last that says anything: nobody has summed it up."""
        for turn in reversed(self.answers.turns):
            words = masked_digits(turn.display_text[0]).split()
            says = turn.role == "caller" and not turn.is_backchannel
            if says and len(words) >= FEWEST_WORDS:
                return " ".join(words[:MOST_WORDS])
        return ""

    def _cease(self) -> list[Action]:
        return [*self.interruptions.discard_paused(), *self.answers.stop_all()]

    def _last(
        self,
        reason: str,
        number: int,
        at: float,
        transfer: TransferTarget | None = None,
        summary: str = "",
    ) -> None:
        limit = at + self.playback.queued_seconds(at) + FINAL_MESSAGE_TIMEOUT
        self.farewell = FinalMessage(reason, number, limit, transfer, summary)
