"""The end of a call: a final message, then hanging up or a transfer. Pure."""

import json
import math
from dataclasses import dataclass, replace

from bots.config.capabilities import TransferTarget
from calls.conversation.actions import Action, DropClips, HangUp, SaveTurn
from calls.conversation.call_state import CallState
from calls.conversation.dtmf import without_digits
from calls.conversation.fallback import FallbackStep
from calls.conversation.interruptions import Interruptions
from calls.conversation.replies import Reply
from calls.conversation.responder import Responder
from calls.turns.clip import CHARACTERS_PER_SECOND
from calls.turns.turn import TRANSFER_CALL, TurnKind, add_tool_call

# Allowance for clock error before a reply counts as played to its end (s).
SETTLE_MARGIN = 0.5
# How long after its expected end a final message may delay the end of the call (s).
FINAL_MESSAGE_TIMEOUT = 20.0
# Length of a caller's own words that serve as a summary for the transfer target.
MIN_SUMMARY_WORDS, MAX_SUMMARY_WORDS = 3, 40


@dataclass(frozen=True, slots=True)
class FinalMessage:
    """The last thing said in a call, as part of a reply; the call ends by `due_at`."""

    reason: str
    reply: int
    due_at: float
    transfer: TransferTarget | None = None
    summary: str = ""


class CallEnding:
    """Says the final message and hangs up after it."""

    def __init__(
        self, state: CallState, responder: Responder, interruptions: Interruptions
    ) -> None:
        self.state = state
        self.responder = responder
        self.interruptions = interruptions
        self.replies = responder.replies
        self.playback = responder.replies.playback
        self.final_message: FinalMessage | None = None
        self.is_over = False

    @property
    def has_said_goodbye(self) -> bool:
        """True if the bot has said goodbye and the caller has heard it."""
        turns = self.state.turns
        # In a greeting, "Good night!" is no goodbye.
        if not any(turn.role == "caller" for turn in turns):
            return False
        last = turns[-1]
        if last.role != "bot" or last.interrupted:
            return False
        return last.heard_text == last.text and self.state.config.is_goodbye(last.text)

    def say_goodbye(
        self, text: str, reason: str, at: float, *, fixed: bool = True
    ) -> list[Action]:
        """Say a message that cannot be interrupted, then end the call."""
        stopped = self._stop()
        message = self.responder.say_message(text, at, interruptible=False, fixed=fixed)
        self._finish(reason, len(self.replies.by_number), at, text=text)
        return [*stopped, *message]

    def end_now(self, reason: str, at: float) -> list[Action]:
        """End the call without another message."""
        stopped = self._stop()
        self._finish(reason, len(self.replies.by_number), at)
        return stopped

    def end_after_reply(self, reply: Reply, reason: str, at: float) -> list[Action]:
        """End the call once the caller has heard a reply."""
        stopped = self._stop()
        reply.interruptible = False
        self._finish(reason, reply.number, at)
        return stopped

    def transfer(
        self,
        target: TransferTarget,
        at: float,
        *,
        summary: str = "",
        announced_by: Reply | None = None,
    ) -> list[Action]:
        """Transfer the caller after the transfer notice, or after another reply."""
        stopped = self._stop()
        notice, text = list[Action](), ""
        if announced_by is None:
            text = self.state.config.transfer_notice
            notice = self.responder.say_message(
                text, at, kind=TurnKind.TRANSFER_NOTICE, interruptible=False
            )
            announced_by = self.replies.by_number[-1]
        announced_by.interruptible = False
        self._finish("transferred", announced_by.number, at, target, summary, text)
        return [*stopped, *notice]

    def end_after_failure(self, step: FallbackStep, at: float) -> list[Action]:
        """The model gives no answers: transfer the caller, or say goodbye."""
        target = self.state.available_target(at)
        if target and step is FallbackStep.TRANSFER:
            return self._record_and_transfer(target, at)
        goodbye = self.state.config.goodbye_message
        return self.say_goodbye(goodbye, "bot-failed", at)

    def end_by_operator(self, at: float) -> list[Action]:
        """End the call with a goodbye; at once if an operator asks a second time."""
        reason = "operator-ended"
        if self.final_message is None:
            return self.say_goodbye(self.state.config.goodbye_message, reason, at)
        self.is_over = True
        return [*self.responder.stop_all(), HangUp(reason)]

    def transfer_to(self, name: str, at: float) -> list[Action]:
        """Transfer the caller for an operator or a key, if the target is available."""
        target = self.state.available_target(at, name)
        if self.final_message or target is None:
            return []
        return self._record_and_transfer(target, at)

    def on_interrupt(self, position_ms: float | None, at: float) -> list[Action]:
        """Replay the final message, which the caller has to hear to its end.

        `position_ms` is the position in the current clip, as Twilio reported it.
        """
        position = position_ms / 1000 if position_ms else None
        lost = self.replies.interrupt(at, position, math.inf)
        final = self.final_message.reply if self.final_message else 0
        message = [queued for queued in lost if queued.reply == final]
        others = tuple(queued.clip for queued in lost if queued.reply != final)
        dropped: list[Action] = [DropClips(others, queued=False)] if others else []
        return [*dropped, *self.replies.replay(message, at)]

    def hang_up_when_heard(self, at: float) -> list[Action]:
        """Hang up once the caller has heard the final message."""
        message = self.final_message
        if message is None or self.is_over:
            return []
        is_speaking = (
            self.replies.is_writing
            or self.playback.pending()
            or at < self.playback.ended_at + SETTLE_MARGIN
        )
        if is_speaking and at < message.due_at:
            return []
        self.is_over = True
        return [HangUp(message.reason, message.transfer, message.summary)]

    def on_disconnect(self, at: float) -> list[Action]:
        """The caller is gone."""
        self.is_over = True
        stopped = self.responder.stop_all()
        self.replies.interrupt(at, None, math.inf)
        return stopped

    def _record_and_transfer(self, target: TransferTarget, at: float) -> list[Action]:
        """Transfer the caller, recorded as if the model had called its tool."""
        summary = self._last_caller_text()
        arguments = json.dumps({"target": target.name})
        turn = add_tool_call(self.state.turns, TRANSFER_CALL, arguments, at).turn
        turn.ended_at = at
        return [SaveTurn(replace(turn)), *self.transfer(target, at, summary=summary)]

    def _last_caller_text(self) -> str:
        """The caller's latest utterance that is long enough to say something."""
        for turn in reversed(self.state.turns):
            words = without_digits(turn.display_text[0]).split()
            is_speech = turn.role == "caller" and not turn.is_backchannel
            if is_speech and len(words) >= MIN_SUMMARY_WORDS:
                return " ".join(words[:MAX_SUMMARY_WORDS])
        return ""

    def _stop(self) -> list[Action]:
        return [*self.interruptions.discard_paused(), *self.responder.stop_all()]

    def _finish(
        self,
        reason: str,
        reply: int,
        at: float,
        transfer: TransferTarget | None = None,
        summary: str = "",
        text: str = "",
    ) -> None:
        timeout = max(FINAL_MESSAGE_TIMEOUT, 2 * len(text) / CHARACTERS_PER_SECOND)
        due_at = at + self.playback.queued_seconds(at) + timeout
        self.final_message = FinalMessage(reason, reply, due_at, transfer, summary)
