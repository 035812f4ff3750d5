"""The caller's words and keys: into the transcript, or to the bot's menu. Pure."""

import re
from dataclasses import replace

from bots.config.capabilities import MenuEntry
from calls.conversation.actions import Action, HideKey, SaveTurn, SetRecording
from calls.conversation.call_state import CallState
from calls.conversation.dtmf import (
    INTER_DIGIT_TIMEOUT,
    MASKED,
    CompletedRequest,
    DigitBuffer,
    DigitRequest,
    digits_text,
)
from calls.conversation.ending import CallEnding
from calls.conversation.events import DtmfReceived, Event
from calls.conversation.replies import Replies
from calls.conversation.responder import Responder
from calls.conversation.timeouts import PARTIAL_LASTS
from calls.conversation.tool_calls import ToolCalls
from calls.turns.clip import QueuedClip
from calls.turns.recording import RecordingState, awaits_key, may_record
from calls.turns.turn import COLLECT_DIGITS, Turn, TurnKind, next_index

# The longest turn of a caller, in characters. The end of a longer one is kept.
MAX_TURN_LENGTH = 20_000
# A request for secret digits, in the JSON of its arguments.
_SECRET = re.compile(r'"secret"\s*:\s*true')


class CallerInput:
    """Records what the caller says and types; `buffer` holds incomplete digits."""

    def __init__(self, state: CallState, replies: Replies) -> None:
        self.state = state
        self.turns = state.turns
        self.replies = replies
        self.buffer = DigitBuffer()
        self.unfinished = "", 0.0  # words that are not final yet, and their time

    @property
    def due_at(self) -> float | None:
        """When the digits count as complete.

        A caller who has not typed anything yet hears the question to its end first.
        """
        buffer, playback = self.buffer, self.replies.playback
        if buffer.request is None or buffer.keys or buffer.due_at is None:
            return buffer.due_at
        heard_at = playback.ends_at() or playback.ended_at
        return max(buffer.due_at, heard_at + buffer.request.timeout)

    def commit(self, text: str, at: float) -> list[Action]:
        """Add the typed digits and the spoken text to the transcript."""
        masked, actions = self.buffer.is_secret, list[Action]()
        if self.buffer.keys:
            actions = self.record_digits(self.buffer.take(at), at, masked=masked)
        return [*actions, *self.record_speech(text, at)] if text else actions

    def take_unfinished(self, at: float) -> str:
        """The words of a caller who is cut off while speaking, once."""
        (words, spoken_at), self.unfinished = self.unfinished, ("", 0.0)
        return words if at < spoken_at + PARTIAL_LASTS else ""

    def add_digit(self, key: str, at: float) -> bool:
        """Add a key to the buffer; true if the digits are complete."""
        self.buffer.masks |= self.is_masked(at)
        return self.buffer.press(key, at)

    def record_digits(
        self, keys: str, at: float, *, masked: bool = False
    ) -> list[Action]:
        """Add digits to the transcript, masked if they or all of the bot's are."""
        redacted = MASKED if masked or self.state.config.mask_dtmf else None
        return self.record_speech(digits_text(keys), at, redacted)

    def is_trailing_terminator(self, at: float) -> bool:
        """True for a key pressed right after an entry of fixed length is complete.

        Many callers press # by habit; it is no new entry.
        """
        completed = self.buffer.completed
        if completed is None or not completed.by_length:
            return False
        if at >= completed.at + INTER_DIGIT_TIMEOUT:
            return False
        return not self._is_answered(completed.at, at)

    def hides_keys(self, at: float) -> bool:
        """True while the caller types, or may type, keys that stay secret."""
        buffer, hides_all = self.buffer, self.state.config.mask_dtmf
        is_hidden = buffer.is_secret or (hides_all and bool(buffer.request))
        return is_hidden or (hides_all and bool(buffer.keys)) or self.is_masked(at)

    def is_masked(self, at: float) -> bool:
        """True if a key may belong to a request for secret digits that is over.

        Until the answer plays, a key may correct the entry. After an incomplete entry
        the caller may start late: as long after the answer as after the question.
        """
        completed = self.buffer.completed
        if completed is None or not completed.request.secret:
            return False
        if completed.is_complete:
            return not self._is_answered(completed.at, at)
        answer = self._first_answer(completed.at)
        if not answer or self.replies.by_number[answer[0].reply - 1].writing:
            return True
        last = answer[-1]
        heard = last.clip.seconds if last.heard is None else last.heard
        return at < last.starts_at + heard + completed.request.timeout

    def restore(self, at: float) -> None:
        """After a reconnect, go on masking if secret digits were asked for last."""
        for turn in reversed(self.turns):
            is_prompt = turn.kind is TurnKind.DIGIT_PROMPT
            if turn.role == "bot" and turn.heard_text and not is_prompt:
                return
            if record := turn.tool_call:
                if record.name == COLLECT_DIGITS and _SECRET.search(record.arguments):
                    request = DigitRequest(record.call_id, secret=True)
                    self.buffer.completed = CompletedRequest(request, at)
                return

    def record_speech(
        self,
        text: str,
        at: float,
        redacted: str | None = None,
        *,
        is_backchannel: bool = False,
    ) -> list[Action]:
        """Add words to the caller's turn, or to a new one if the bot came between.

        `redacted` replaces the words in the transcript.
        """
        turn = self.turns[-1] if self.turns else None
        if (
            turn is None
            or turn.role != "caller"
            or turn.is_backchannel
            or is_backchannel
        ):
            index = next_index(self.turns)
            turn = Turn(index, "caller", at, is_backchannel=is_backchannel)
            self.turns.append(turn)
        if redacted is not None or turn.redacted is not None:
            before = turn.text if turn.redacted is None else turn.redacted
            added = text if redacted is None else redacted
            turn.redacted = f"{before} {added}".strip()[-MAX_TURN_LENGTH:]
        turn.text = f"{turn.text} {text}".strip()[-MAX_TURN_LENGTH:]
        turn.heard_text, turn.ended_at = turn.text, at
        return [SaveTurn(replace(turn))]

    def _is_answered(self, since: float, at: float) -> bool:
        """True if the first answer after `since` has begun to play."""
        return any(queued.starts_at <= at for queued in self._first_answer(since))

    def _first_answer(self, since: float) -> list[QueuedClip]:
        """Clips of the first answer after `since` that were or may be heard."""
        answers = {reply.number for reply in self.replies.by_number if reply.is_answer}
        clips = [
            queued
            for queued in self.replies.playback.clips
            if queued.sent_at >= since and queued.heard != 0 and queued.reply in answers
        ]
        return [queued for queued in clips if queued.reply == clips[0].reply]


class CallRecording:
    """Follows the call: is it to be recorded now, and would that record a secret?"""

    def __init__(self, state: CallState, caller_input: CallerInput) -> None:
        self.call = state
        self.caller_input = caller_input
        self.state = RecordingState.OFF
        self.hid_keys = False

    def begin(self, at: float) -> None:
        """An event comes."""
        is_recorded = self.call.config.recording != "never"
        self.hid_keys = is_recorded and self.caller_input.hides_keys(at)

    def update(self, event: Event, at: float) -> list[Action]:
        """The event was handled."""
        if not may_record(self.call.config, self.call.turns):
            return []
        hides_keys = self.caller_input.hides_keys(at)
        is_secret = isinstance(event, DtmfReceived) and (self.hid_keys or hides_keys)
        actions: list[Action] = [HideKey()] if is_secret else []
        before = self.state
        self.state = RecordingState.PAUSED if hides_keys else RecordingState.ON
        if self.state is before:
            return actions
        change = SetRecording(self.state)
        # The key that ends an entry was pressed during the pause.
        return [change, *actions] if hides_keys else [*actions, change]

    def agree(self, key: str, at: float) -> list[Action] | None:
        """The caller agrees to be recorded; None if the key means something else."""
        turns, buffer = self.call.turns, self.caller_input.buffer
        if (
            buffer.keys
            or buffer.request
            or not awaits_key(self.call.config, turns, key)
        ):
            return None
        text = f"The caller pressed {key} and agreed to be recorded."
        turn = Turn(next_index(turns), "system", at, text, text, ended_at=at)
        turn.kind = TurnKind.RECORDING_AGREED
        turns.append(turn)
        return [SaveTurn(replace(turn))]


class DtmfMenu:
    """Keys that do something at once, without the model."""

    def __init__(
        self,
        state: CallState,
        responder: Responder,
        ending: CallEnding,
        caller_input: CallerInput,
        tool_calls: ToolCalls,
    ) -> None:
        self.state = state
        self.responder = responder
        self.ending = ending
        self.caller_input = caller_input
        self.tool_calls = tool_calls

    def lookup(self, key: str, at: float) -> MenuEntry | None:
        """The menu entry of a key.

        A key has none while the caller types digits, hears an uninterruptible
        message, or the call ends.
        """
        buffer = self.caller_input.buffer
        is_typing = buffer.request or buffer.masks or self.caller_input.is_masked(at)
        is_ending = self.ending.final_message is not None
        if is_typing or is_ending or self.responder.is_uninterruptible:
            return None
        return self.state.config.menu_entry(key)

    def run(self, entry: MenuEntry, at: float) -> list[Action]:
        """Do what the key is for. It replaces all that was being said or answered."""
        replies, interruptions = self.responder.replies, self.ending.interruptions
        replies.playback.settle(at)
        stopped = [
            *interruptions.discard_paused(),
            *replies.abandon(at),
            *self.responder.stop_all(),
        ]
        before = self.caller_input.commit("", at)  # digits typed without a request
        pressed = self.caller_input.record_digits(entry.key, at)
        if entry.action != "say":  # a message needs no results of tools
            self.tool_calls.block_reply()
        return [*stopped, *before, *pressed, *self._action(entry, at)]

    def _action(self, entry: MenuEntry, at: float) -> list[Action]:
        text = entry.message_or_target
        match entry.action:
            case "say":
                return self.responder.say_message(text, at)
            case "transfer":
                transferred = self.ending.transfer_to(text, at)
                return transferred or self.tool_calls.transfer_unavailable(text, at)
            case "tool" if entry.tool:
                return self.tool_calls.start_from_key(entry.tool, at)
        goodbye = self.state.config.goodbye_message
        return self.ending.say_goodbye(goodbye, "bot-hung-up", at)
