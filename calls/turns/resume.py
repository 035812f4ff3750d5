"""How a call goes on whose relay session was lost: whether, and from where. Pure."""

import json
from collections.abc import Sequence

from calls.turns.playback import CHARACTERS_PER_SECOND, START_DELAY
from calls.turns.turn import (
    ASKED,
    CONSENT,
    FILLER,
    NOTICE,
    RESUMED,
    SWITCH_LANGUAGE,
    TRANSFER_CALL,
    Turn,
)
from calls.turns.word_timing import words_within

# The result of a tool whose answer came to nobody; the call may go on, or be over.
RELAY_LOST = "The line was gone before an answer came."


def close_open_turns(turns: Sequence[Turn], disconnected_at: float) -> list[Turn]:
    """Close what was being said when the line broke; the turns that were changed.

    How much was heard is told by the clock, because nobody is left to ask.
    """
    unfinished = [
        turn for turn in turns if turn.ended_at is None or is_pending_transfer(turn)
    ]
    for turn in unfinished:
        turn.ended_at = max(disconnected_at, turn.started_at)
        if turn.role == "caller":
            turn.heard_text = turn.text
            continue
        if turn.tool_call:
            turn.tool_call.result, turn.tool_call.failed = RELAY_LOST, True
            continue
        played = max(disconnected_at - turn.started_at - START_DELAY, 0.0)
        length = len(turn.text) / CHARACTERS_PER_SECOND
        turn.heard_text = words_within(turn.text, played, length)
        turn.interrupted = turn.heard_text != turn.text
    return unfinished


def is_unanswered(turns: Sequence[Turn]) -> bool:
    """Whether the caller's latest words still want an answer.

    An answer of which nothing was heard is none, nor is what was said before a tool.
    """
    no_answer = (RESUMED, CONSENT, ASKED, FILLER, NOTICE)
    for turn in reversed(turns):
        if turn.is_backchannel or turn.model in no_answer:
            continue
        if turn.role in ("caller", "tool"):
            return True
        if turn.heard_text:
            return False
    return False


def is_pending_transfer(turn: Turn) -> bool:
    """Whether a turn is a transfer that has yet to be made, its notice being heard."""
    use = turn.tool_call
    return (
        use is not None and use.name == TRANSFER_CALL and not (use.result or use.failed)
    )


def current_language(turns: Sequence[Turn]) -> str:
    """The language that was changed to last; empty where none was."""
    uses = (turn.tool_call for turn in reversed(turns) if turn.tool_call)
    done = (use for use in uses if use.name == SWITCH_LANGUAGE and not use.failed)
    use = next(done, None)
    return str(json.loads(use.arguments).get("language", "")) if use else ""


def record_failed_transfer(turns: Sequence[Turn], why: str) -> list[Turn]:
    """Note why the caller who was to be put through is back; the turn that says so.

    Nobody is who has not left: then there is no reason.
    """
    for turn in reversed(turns if why else ()):
        # One that failed has led nowhere, however late it was asked for.
        if (
            turn.tool_call
            and turn.tool_call.name == TRANSFER_CALL
            and not turn.tool_call.failed
        ):
            turn.tool_call.result = why
            return [turn]
    return []
