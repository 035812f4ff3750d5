"""Prepares the turns of a call whose relay session was lost for another one. Pure."""

import json
from collections.abc import Sequence

from calls.turns.clip import CHARACTERS_PER_SECOND
from calls.turns.playback import START_DELAY
from calls.turns.turn import (
    SWITCH_LANGUAGE,
    TRANSFER_CALL,
    Turn,
    TurnKind,
    tool_turns,
)
from calls.turns.word_timing import words_within

# The result of a tool call that was running when the connection was lost.
RELAY_LOST = "The line was gone before an answer came."
# Kinds of turns that are no answer to the caller.
NO_ANSWER = {
    TurnKind.RESUMED,
    TurnKind.CONSENT,
    TurnKind.RECORDING_AGREED,
    TurnKind.DIGIT_PROMPT,
    TurnKind.FILLER,
    TurnKind.TRANSFER_NOTICE,
}


def close_open_turns(turns: Sequence[Turn], disconnected_at: float) -> list[Turn]:
    """Close the turns that were open when the connection was lost; return them.

    How much the caller heard is estimated from the time.
    """
    changed = [
        turn for turn in turns if turn.ended_at is None or is_pending_transfer(turn)
    ]
    for turn in changed:
        turn.ended_at = max(disconnected_at, turn.started_at)
        if turn.role == "caller":
            turn.heard_text = turn.text
        elif turn.tool_call:
            turn.tool_call.result, turn.tool_call.failed = RELAY_LOST, True
        else:
            played = max(disconnected_at - turn.started_at - START_DELAY, 0.0)
            length = len(turn.text) / CHARACTERS_PER_SECOND
            turn.heard_text = words_within(turn.text, played, length)
            # An open consent does not say whether Twilio fetched it.
            is_consent = turn.kind is TurnKind.CONSENT
            turn.interrupted = is_consent or turn.heard_text != turn.text
    return changed


def is_unanswered(turns: Sequence[Turn]) -> bool:
    """True if the caller's latest words or a tool's result still need an answer.

    An answer that was not heard does not count.
    """
    for turn in reversed(turns):
        if turn.is_backchannel or turn.kind in NO_ANSWER:
            continue
        if turn.role in ("caller", "tool"):
            return True
        if turn.heard_text:
            return False
    return False


def is_pending_transfer(turn: Turn) -> bool:
    """True for a transfer that has not been made yet: its notice is being played."""
    record = turn.tool_call
    if record is None or record.name != TRANSFER_CALL:
        return False
    return not (record.result or record.failed)


def current_language(turns: Sequence[Turn]) -> str:
    """Return the language of the last switch; empty if there was none."""
    for _, record in tool_turns(reversed(turns)):
        if record.name == SWITCH_LANGUAGE and not record.failed:
            return str(json.loads(record.arguments).get("language", ""))
    return ""


def record_failed_transfer(turns: Sequence[Turn], reason: str) -> list[Turn]:
    """Store why the last transfer failed in its tool call, and return that turn.

    `reason` is empty if there was no transfer.
    """
    if not reason:
        return []
    for turn, record in tool_turns(reversed(turns)):
        # A tool call that failed at once transferred nobody.
        if record.name == TRANSFER_CALL and not record.failed:
            record.result = reason
            return [turn]
    return []
