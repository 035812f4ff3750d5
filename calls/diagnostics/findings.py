"""What a caller would hear, found out before one calls: every part is tried once."""

from dataclasses import dataclass
from enum import StrEnum

from calls.webhooks.connect import (
    OUT_OF_ORDER,
)

SORRY = f"“{OUT_OF_ORDER}”"
TWILIO_ERROR = "Twilio's error message: “An application error has occurred.”"
NO_CALL = "nothing: no phone call reaches this server."
LINE_DROPS = "the line drop: the call's socket does not come through."
NO_VOICE = "silence where the bot speaks: its clips cannot be fetched."
CARRIER_VOICE = "the carrier's own voice instead of the bot's."
APOLOGY = "an apology instead of answers, in the carrier's own voice."


class Level(StrEnum):
    """How bad a finding is; a failure is what a caller suffers from."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was tried, what came of it and what to do.

    `hears` is what every caller hears because of it; empty where calls still work.
    """

    mark: Level
    name: str
    message: str
    caller_hears: str = ""


def ok(name: str, words: str) -> Finding:
    """Something works."""
    return Finding(Level.OK, name, words)


def warning(name: str, words: str) -> Finding:
    """Something is not as it should be; calls work all the same."""
    return Finding(Level.WARNING, name, words)


def failure(name: str, words: str, hears: str = "") -> Finding:
    """Calls fail, some of them or all."""
    return Finding(Level.FAILURE, name, words, hears)
