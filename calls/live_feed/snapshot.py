"""A call in progress as messages for its viewers: a full snapshot, and updates."""

from collections.abc import Mapping
from time import time
from typing import Any

from bots.config.bot_config import TRANSFER_NUMBER
from bots.config.capabilities import TransferTarget
from bots.phone_numbers.masking import masked
from calls.conversation.conversation import Conversation
from calls.conversation.dtmf import MASKED, digits_text
from calls.conversation.events import CallerSpoke, Event
from calls.live_feed.bot_words import operator_lines, words_in_queue
from calls.models import Call
from calls.review.tool_call_view import tool_call_view
from calls.review.visibility import numbers_of, shown_numbers
from calls.transfer import Transfer
from calls.turns.heard_text import heard_and_not
from calls.turns.turn import Turn, TurnKind

# Longest text of a turn, in characters, and most turns of a call.
TEXT_LIMIT = 4000
TURN_LIMIT = 60
# Longest arguments, and longest result, of a tool call, in characters.
TOOL_CALL_LIMIT = 300

Update = dict[str, Any]


class CallSnapshot:
    """Numbers the updates of one call, so that viewers notice a missing one.

    Viewers get all times in seconds since `began`, on the monotonic clock.
    """

    def __init__(self, call: Call, conversation: Conversation, began: float) -> None:
        self.call = call
        self.conversation = conversation
        self.began = began
        self.partial = ""  # the caller's words so far, before they are final
        self.number = 0
        self.end_reason = ""  # set if the bot hung up
        self.transfer_status = ""  # set if the bot transferred the caller
        self.latest_state: Update = {}
        self.transfer: Mapping[str, Any] = {}
        self.variables: Mapping[str, str] | None = None  # with those `numbers`
        self.numbers: list[str] = []

    def on_event(self, event: Event) -> None:
        """Keep the partial transcript, which the conversation does not."""
        if isinstance(event, CallerSpoke):
            self.partial = "" if event.final else event.text

    def on_transfer(self, transfer: Mapping[str, Any]) -> None:
        """Keep where the bot transfers the caller to."""
        self.transfer, self.variables = transfer, None
        to = Transfer.of(transfer)
        self.end_reason = f"The caller is transferred to {to.name}"
        self.transfer_status = to.display

    def turn_update(self, turn: Turn) -> Update:
        """The update for a new or changed turn."""
        return self._update(turn=turn_fields(turn, self.began))

    def state_update(self) -> Update | None:
        """The update for a changed state; None if it has not changed."""
        state = self._state()
        if state == self.latest_state:
            return None
        self.latest_state = state
        return self._update(state=state)

    def end_update(self, reason: str) -> Update:
        """The update for the end of the bot's part of the call."""
        ended = self.end_reason or reason
        return self._update(ended=ended, away=self.transfer_status)

    def full(self, now: float) -> Update:
        """The call so far, under the number of the latest update."""
        latest = self.conversation.turns[-TURN_LIMIT:]
        turns = [turn_fields(turn, self.began) for turn in latest]
        clock = {"seconds": round(now - self.began, 1), "at": round(time(), 1)}
        return {
            "call": self.call.call_sid,
            "bot": self.call.bot_id,
            "number": self.number,
            "about": self._header(now) | clock,
            "state": self._state(),
            "turns": turns,
            **self._hidden(),
        }

    def _hidden(self) -> Update:
        """The call's numbers, for the live pages that must not show them."""
        if self.call.is_test:
            return {}
        variables = self.conversation.state.variables
        if variables is not self.variables:
            self.variables = variables
            self.numbers = numbers_of(self.call, dict(variables), dict(self.transfer))
        return {"numbers": self.numbers}

    def _update(self, **fields: Any) -> Update:
        self.number += 1
        call = {"call": self.call.call_sid, "bot": self.call.bot_id}
        return {**call, "number": self.number, **fields, **self._hidden()}

    def _header(self, now: float) -> Update:
        targets = self.conversation.config.transfer_targets
        available = self.conversation.state.available_targets(now)
        people = [
            {
                "name": target.name,
                "label": _label(target, target.number),
                "masked": _label(target, masked(target.number)),
                "open": target in available,
            }
            for target in targets
        ]
        return {**call_header(self.call), "people": people}

    def _state(self) -> Update:
        digits = self.conversation.digits
        keys = digits.keys
        if keys:
            hidden = self.conversation.config.mask_dtmf or digits.is_secret
            keys = MASKED if hidden else digits_text(keys)
        return {
            "doing": activity(self.conversation),
            "partial": self.partial[:TEXT_LIMIT],
            "keys": keys[:TEXT_LIMIT],
            "saying": words_in_queue(self.conversation, self.began),
            "lines": operator_lines(self.conversation, self.began),
        }


def call_header(call: Call) -> Update:
    """The bot and the two numbers of a call, and these as lists mask them."""
    caller, called = shown_numbers(call, hide=False)
    return {
        "id": call.pk,
        "bot": call.bot_name,
        "from": caller,
        "to": called,
        "masked": shown_numbers(call, hide=True),
        "test": call.is_test,
    }


def activity(conversation: Conversation) -> str:
    """One of: transferring, leaving, speaking, thinking, listening."""
    if conversation.final_message and conversation.final_message.transfer:
        return "transferring"
    if conversation.final_message or conversation.is_over:
        return "leaving"
    if conversation.playback.pending():
        return "speaking"
    if conversation.replies.is_writing or conversation.responder.next_attempt:
        return "thinking"
    return "listening"


def turn_fields(turn: Turn, began: float) -> Update:
    """A turn for viewers: secrets redacted, heard text apart from unheard text."""
    heard, missed = heard_and_not(turn)
    return {
        "index": turn.index,
        "role": turn.role,
        "heard": shortened(heard),
        "missed": shortened(missed),
        "cut": turn.interrupted,
        "operator": turn.kind is TurnKind.OPERATOR,
        "consent": turn.kind is TurnKind.CONSENT,
        "filler": turn.kind is TurnKind.FILLER,
        "use": _tool_call_fields(turn),
        "error": turn.error[:300],
        "seconds": round(max(turn.started_at - began, 0.0), 1),
    }


def _tool_call_fields(turn: Turn) -> Update | None:
    """The turn's tool call, shortened; None if the turn is no tool call."""
    tool_call = tool_call_view(turn.tool_call, turn.latency_ms)
    if tool_call is None:
        return None
    given = ", ".join(f"{item.name}: {item.value}" for item in tool_call.arguments)
    return {
        "title": tool_call.title,
        "given": given[:TOOL_CALL_LIMIT],
        "result": tool_call.result[:TOOL_CALL_LIMIT],
        "failed": tool_call.failed,
        "ms": tool_call.ms,
    }


def _label(target: TransferTarget, number: str) -> str:
    return number if target.name == TRANSFER_NUMBER else f"{target.name}, {number}"


def shortened(text: str) -> str:
    """The text, cut at `TEXT_LIMIT`."""
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]} …"
