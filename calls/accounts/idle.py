"""Idleness: people who have done nothing for a while are signed out."""

from time import time
from typing import Any

from django.conf import settings

# The key of the time of the latest page or command, in the session.
LAST_SEEN = "last_seen"
# A session is saved no more often than this.
SEEN_STEP_SECONDS = 60


def is_idle(session: Any) -> bool:
    """True after SESSION_IDLE_MINUTES without a page or a command."""
    now = int(time())
    idle: int = now - session.get(LAST_SEEN, now)
    return idle > settings.SESSION_IDLE_SECONDS


def note_activity(session: Any) -> bool:
    """Note the time in the session, for others to save; False if it is recent."""
    now = int(time())
    if now - session.get(LAST_SEEN, 0) < SEEN_STEP_SECONDS:
        return False
    session[LAST_SEEN] = now
    return True
