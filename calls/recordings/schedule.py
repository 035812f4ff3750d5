"""Pauses between attempts to fetch, ask and delete, and their number. Pure."""

from datetime import timedelta

# Pauses after failed attempts; the last one repeats.
PAUSES = (10, 30, 60, 300, 900, 3600)
# Twilio has no sound for a while after it has reported it; later there is none.
MAX_MISSING = 7
# Attempts at asking for a recording that never ended: about two days.
MAX_QUESTIONS = 50


def pause_after(attempts: int, jitter: float) -> timedelta:
    """The pause after so many failed attempts; `jitter` is a number from 0 to 1."""
    seconds = PAUSES[min(max(attempts, 1), len(PAUSES)) - 1]
    return timedelta(seconds=seconds * (1 + 0.2 * jitter))
