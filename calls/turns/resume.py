"""How a call goes on whose relay session was lost: whether, and from where. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from calls.turns.playback import CHARACTERS_PER_SECOND, START_DELAY
from calls.turns.turn import (
    ASKED,
    CONSENT,
    FILLER,
    LANGUAGE,
    NOTICE,
    RESUMED,
    TRANSFER,
    Turn,
)
from calls.turns.word_timing import words_within

# Fresh sessions that a call is given before it is given up.
MAX_RECONNECTS = 3
# The result of a tool whose answer came to nobody; the call may go on, or be over.
LOST = "The line was gone before an answer came."


class Verdict(StrEnum):
    """What the carrier is told to do with a call that has lost its session."""

    RECONNECT = "reconnect"  # with a fresh relay
    REPEAT = "repeat"  # the answer it was given before
    PUT_THROUGH = "put-through"  # to a person, as the lost session was about to
    IGNORE = "ignore"  # nothing, it has gone on
    GIVE_UP = "give-up"  # apologise, and put the caller through or hang up


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a call; `lost` are its sessions that were replaced, in order.

    `has_offer` says that a relay was given out that nobody has connected to yet,
    `leaves` that the caller is on the way to a person. `reconnects` counts only what
    was lost, not who came back from a person.
    """

    is_open: bool
    reconnects: int = 0
    lost: Sequence[str] = ()
    has_offer: bool = False
    leaves: bool = False


def verdict(call: Standing, session_id: str) -> Verdict:
    """Judge the carrier's report that a session failed; it may come again, and late.

    The carrier repeats a report whose answer it never got, so that answer is repeated.
    Once the next session has begun nobody waits for an answer any more.
    """
    is_known = bool(session_id) and session_id in call.lost
    if is_known and session_id != call.lost[-1]:
        return Verdict.IGNORE
    if not call.is_open:
        return Verdict.GIVE_UP if is_known else Verdict.IGNORE
    if is_known and call.has_offer:
        return Verdict.REPEAT
    if call.leaves:
        return Verdict.PUT_THROUGH
    if is_known:
        return Verdict.IGNORE
    if call.reconnects >= MAX_RECONNECTS:
        return Verdict.GIVE_UP
    return Verdict.RECONNECT


def settle(turns: Sequence[Turn], lost_at: float) -> list[Turn]:
    """Close what was being said when the line broke; the turns that were changed.

    How much was heard is told by the clock, because nobody is left to ask.
    """
    unfinished = [turn for turn in turns if turn.ended_at is None or is_unmade(turn)]
    for turn in unfinished:
        turn.ended_at = max(lost_at, turn.started_at)
        if turn.role == "caller":
            turn.heard = turn.text
            continue
        if turn.tool:
            turn.tool.result, turn.tool.failed = LOST, True
            continue
        played = max(lost_at - turn.started_at - START_DELAY, 0.0)
        length = len(turn.text) / CHARACTERS_PER_SECOND
        turn.heard = words_within(turn.text, played, length)
        turn.interrupted = turn.heard != turn.text
    return unfinished


def is_unanswered(turns: Sequence[Turn]) -> bool:
    """Whether the caller's latest words still want an answer.

    An answer of which nothing was heard is none, nor is what was said before a tool.
    """
    no_answer = (RESUMED, CONSENT, ASKED, FILLER, NOTICE)
    for turn in reversed(turns):
        if turn.aside or turn.model in no_answer:
            continue
        if turn.role in ("caller", "tool"):
            return True
        if turn.heard:
            return False
    return False


def is_unmade(turn: Turn) -> bool:
    """Whether a turn is a transfer that has yet to be made, its notice being heard."""
    use = turn.tool
    return use is not None and use.name == TRANSFER and not (use.result or use.failed)


def language_of(turns: Sequence[Turn]) -> str:
    """The language that was changed to last; empty where none was."""
    uses = (turn.tool for turn in reversed(turns) if turn.tool)
    done = (use for use in uses if use.name == LANGUAGE and not use.failed)
    use = next(done, None)
    return str(json.loads(use.arguments).get("language", "")) if use else ""


def take_back(turns: Sequence[Turn], why: str) -> list[Turn]:
    """Note why the caller who was to be put through is back; the turn that says so.

    Nobody is who has not left: then there is no reason.
    """
    for turn in reversed(turns if why else ()):
        # One that failed has led nowhere, however late it was asked for.
        if turn.tool and turn.tool.name == TRANSFER and not turn.tool.failed:
            turn.tool.result = why
            return [turn]
    return []
