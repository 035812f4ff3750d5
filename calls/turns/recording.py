"""Decides if a call is recorded, from its bot's settings and its turns. Pure."""

from collections.abc import Iterable
from enum import StrEnum

from bots.config.bot_config import BotConfig
from calls.turns.turn import Turn, TurnKind


class RecordingState(StrEnum):
    """The recording as the call wants it."""

    OFF = "off"
    ON = "on"
    PAUSED = "paused"


def is_heard_consent(turn: Turn) -> bool:
    """True for a consent message that was played to its end."""
    is_heard = bool(turn.heard_text) and not turn.interrupted
    return turn.kind is TurnKind.CONSENT and turn.ended_at is not None and is_heard


def may_record(config: BotConfig, turns: Iterable[Turn]) -> bool:
    """True if the bot records its calls and, where it asks, the caller has agreed."""
    if config.recording != "consent":
        return config.recording == "always"
    if config.recording_consent_key:
        return any(turn.kind is TurnKind.RECORDING_AGREED for turn in turns)
    return any(map(is_heard_consent, turns))


def awaits_key(config: BotConfig, turns: Iterable[Turn], key: str) -> bool:
    """True if this key means that the caller agrees to be recorded."""
    if config.recording != "consent" or key != config.recording_consent_key:
        return False
    kinds = {turn.kind for turn in turns}
    return TurnKind.CONSENT in kinds and TurnKind.RECORDING_AGREED not in kinds
