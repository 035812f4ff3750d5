"""The result of an attempt to send a message, and when to try again. Pure."""

from dataclasses import dataclass
from enum import StrEnum

# Seconds from one attempt to the next; after the last one the message is given up. What
# happens meanwhile waits for it, so no pause is long.
DELAYS = (30, 120, 300, 900, 1800, 1800, 3600, 3600, 3600)
# The longest pause that a receiver may ask for.
MAX_PAUSE = 3600.0
MAX_ANSWER_LENGTH = 300


class Result(StrEnum):
    """SENT: the receiver took it. LATER: it did not, and may take it later.

    REFUSED: it never will. UNKNOWN: it may have taken it, so it is not sent again.
    DELIVERED, LOST: what Twilio reports later about an SMS that it took.
    """

    SENT = "sent"
    LATER = "later"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    DELIVERED = "delivered"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A result in plain words; `answer` is the beginning of what the receiver said.

    `status` is the HTTP status, 0 without one. `pause` is the time in seconds that the
    receiver asked for. `sid` is Twilio's name of an SMS.
    """

    result: Result
    words: str = ""
    status: int = 0
    answer: str = ""
    pause: float = 0.0
    sid: str = ""


def delay_after(attempts: int, attempt: Attempt) -> float | None:
    """Seconds until the next attempt after so many failed ones; None: give up."""
    if attempts > len(DELAYS):
        return None
    return max(DELAYS[attempts - 1], min(attempt.pause, MAX_PAUSE))
