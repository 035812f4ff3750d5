"""`Finding`: the result of one check, for the doctor and the console."""

from dataclasses import dataclass
from enum import StrEnum

from calls.webhooks.connect import OUT_OF_ORDER

# Values of `Finding.caller_hears`.
SORRY = f"“{OUT_OF_ORDER}”"
TWILIO_ERROR = "Twilio's error message: “An application error has occurred.”"
NO_CALL = "nothing: no phone call reaches this server."
LINE_DROPS = "the line drop: the call's WebSocket does not come through."
NO_VOICE = "silence where the bot speaks: its clips cannot be fetched."
WRONG_SPEED = "answers at the wrong speed."
TWILIO_VOICE = "Twilio's own voice instead of the bot's."
APOLOGY = "an apology instead of answers, in Twilio's own voice."


class Level(StrEnum):
    """Severity of a finding. A failure is one that callers notice."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check: the part checked, its state, and the remedy if it is bad.

    `caller_hears` is set where every caller hears it. `link` leads to the page on
    which an operator can put it right.
    """

    level: Level
    name: str
    message: str
    hint: str = ""
    caller_hears: str = ""
    link: str = ""
    link_text: str = ""

    @property
    def is_failure(self) -> bool:
        return self.level == Level.FAILURE

    @property
    def text(self) -> str:
        """Message and hint as one paragraph."""
        return f"{self.message} {self.hint}".rstrip()


def ok(name: str, message: str) -> Finding:
    return Finding(Level.OK, name, message)


def warning(name: str, message: str, hint: str = "", **details: str) -> Finding:
    """A finding for a problem despite which calls work."""
    return Finding(Level.WARNING, name, message, hint, **details)


def failure(name: str, message: str, hint: str = "", **details: str) -> Finding:
    """A finding for a problem because of which some or all calls fail."""
    return Finding(Level.FAILURE, name, message, hint, **details)
