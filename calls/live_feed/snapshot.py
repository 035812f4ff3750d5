"""What a viewer sees of a call in progress, as messages that any layer can carry."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from bots.config.bot_config import TRANSFER_NUMBER, BotConfig
from bots.config.capabilities import TransferTarget
from calls.conversation.conversation import Conversation
from calls.conversation.dtmf import MASKED, digits_text
from calls.conversation.events import CallerSpoke, Event
from calls.models import Call
from calls.review.masking import masked
from calls.review.tool_call_view import use_of
from calls.review.visibility import for_list
from calls.transfer import Transfer
from calls.turns.heard_text import heard_and_not
from calls.turns.turn import Turn, TurnKind

# What is sent of one turn, in characters, and of one call, in turns.
TEXT_LIMIT = 4000
TURN_LIMIT = 60
# What is sent of a tool's arguments, and of its result, in characters.
USE_LIMIT = 300

Update = dict[str, Any]


class CallSnapshot:
    """One call's news, numbered, so that a viewer notices what it missed."""

    def __init__(self, call: Call, profile: BotConfig, talk: Conversation) -> None:
        self.call = call
        self.profile = profile
        self.talk = talk
        self.partial = ""  # what the caller is saying now
        self.number = 0
        self.reason = ""  # why the bot hung up, if it did
        self.away = ""  # how far a caller is whom it put through
        self.latest_state: Update = {}

    def on_event(self, event: Event) -> None:
        """Keep what a conversation does not: words that are not final."""
        if isinstance(event, CallerSpoke):
            self.partial = "" if event.final else event.text

    def put_through(self, transfer: Mapping[str, Any]) -> None:
        """The bot sends the caller on to a person."""
        to = Transfer.of(transfer)
        self.reason, self.away = f"The caller is put through to {to.name}", to.display

    def turn_update(self, turn: Turn, began: float) -> Update:
        """A turn is new, or not what it was."""
        return self._news(turn=turn_seen(turn, began))

    def state_news(self) -> Update | None:
        """What the bot does now; None when it still does what was told before."""
        state = self._state()
        if state == self.latest_state:
            return None
        self.latest_state = state
        return self._news(state=state)

    def end_news(self, reason: str) -> Update:
        """The bot's part of the call is over."""
        return self._news(ended=self.reason or reason, away=self.away)

    def full(self, began: float, now: float) -> Update:
        """Everything about the call so far, without counting as news."""
        turns = [turn_seen(turn, began) for turn in self.talk.turns[-TURN_LIMIT:]]
        return {
            "call": self.call.call_sid,
            "number": self.number,
            "about": self._about(now) | {"seconds": round(now - began, 1)},
            "state": self._state(),
            "turns": turns,
        }

    def _news(self, **what: Any) -> Update:
        self.number += 1
        return {"call": self.call.call_sid, "number": self.number, **what}

    def _about(self, now: float) -> Update:
        there = self.talk.state.available_targets(now)
        told = [
            {"name": each.name, "label": _label(each), "open": each in there}
            for each in self.talk.config.transfer_targets
        ]
        return {**call_header(self.call), "people": told}

    def _state(self) -> Update:
        keys = self.talk.digits.keys
        if keys:
            hidden = self.talk.config.mask_dtmf or self.talk.digits.is_secret
            keys = MASKED if hidden else digits_text(keys)
        return {
            "doing": activity(self.talk),
            "partial": self.partial[:TEXT_LIMIT],
            "keys": keys[:TEXT_LIMIT],
        }


def call_header(call: Call) -> Update:
    """Who speaks with which bot."""
    caller, called = for_list(call)
    return {
        "id": call.pk,
        "bot": call.bot_name,
        "from": caller,
        "to": called,
        "test": call.is_test,
    }


def activity(talk: Conversation) -> str:
    """What the bot does: transferring, leaving, speaking, thinking or listening."""
    if talk.final_message and talk.final_message.transfer:
        return "transferring"
    if talk.final_message or talk.is_over:
        return "leaving"
    if talk.playback.pending():
        return "speaking"
    if talk.replies.is_writing or talk.responder.next_attempt:
        return "thinking"
    return "listening"


def turn_seen(turn: Turn, began: float) -> Update:
    """A turn as viewers see it: secrets hidden, heard apart from not heard."""
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
        "use": _use_seen(turn),
        "error": turn.error[:300],
        "seconds": round(max(turn.started_at - began, 0.0), 1),
    }


def _use_seen(turn: Turn) -> Update | None:
    """What a turn did, where it is the use of a tool, in two lines."""
    did = use_of(turn.tool_call, turn.latency_ms)
    if did is None:
        return None
    given = ", ".join(f"{each.name}: {each.value}" for each in did.arguments)
    return {
        "title": did.title,
        "given": given[:USE_LIMIT],
        "result": did.result[:USE_LIMIT],
        "failed": did.failed,
        "ms": did.ms,
    }


def _label(target: TransferTarget) -> str:
    number = masked(target.number) if settings.MASK_CALLER_NUMBERS else target.number
    return number if target.name == TRANSFER_NUMBER else f"{target.name}, {number}"


def shortened(text: str) -> str:
    """As much of a text as is sent."""
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]} …"
