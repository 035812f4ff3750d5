"""The server's settings for pictures: it is afternoon here, whatever the hour is."""

from datetime import UTC, datetime

from voicebot.settings import *  # noqa: F403

AFTERNOON = 17
_ahead = (AFTERNOON - datetime.now(UTC).hour + 12) % 24 - 12
TIME_ZONE = f"Etc/GMT{-_ahead:+d}"  # whose signs are the other way round
