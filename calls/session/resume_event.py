"""The settings of a relay session, and the event with which it resumes a call."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bots.config.bot_config import BotConfig
from bots.config_builder import config_from_json
from calls import models
from calls.conversation.events import CallResumed
from calls.models import Call
from calls.transcripts.clock import Clock
from calls.transcripts.stored_turns import turn_of
from calls.turns.lost_session import current_language

# Assumed seconds from a lost relay to the next socket, if the loss was not recorded.
MAX_RESUME_GAP = 1.5


def session_config(call: Call, earlier_turns: Sequence[models.Turn]) -> BotConfig:
    """The settings with which a session runs.

    Reduced TwiML declares no languages, so that Twilio cannot switch: the call stays in
    the one that it has switched to.
    """
    config = config_from_json(call.settings)
    if not call.settings_refused_at:
        return config
    clock = Clock()
    language = current_language([turn_of(row, clock) for row in earlier_turns])
    return replace(config.in_language(language), languages=())


def resume_event(
    call: Call,
    earlier_turns: Sequence[models.Turn],
    clock: Clock,
    values: Mapping[str, str],
    minute: int,
    late_after: float | None,
) -> CallResumed:
    """The first event of a session that resumes a call; `values` are its variables.

    `late_after`: see `CallResumed`.
    """
    disconnected_at = clock.started - MAX_RESUME_GAP
    if call.disconnected_at:
        disconnected_at = clock.monotonic_time(call.disconnected_at)
    age = clock.started_at - (call.answered_at or call.started_at)
    turns = tuple(turn_of(row, clock) for row in earlier_turns)
    seconds = max(age.total_seconds(), 0.0)
    returned = str(call.transfer.get("returned", ""))
    return CallResumed(
        turns, disconnected_at, seconds, values, minute, returned, late_after
    )
