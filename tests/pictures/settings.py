"""Server settings for screenshots: a time zone in which it is afternoon now."""

from datetime import UTC, datetime

from voicebot.settings import *  # noqa: F403

AFTERNOON = 17
_ahead = (AFTERNOON - datetime.now(UTC).hour + 12) % 24 - 12
TIME_ZONE = f"Etc/GMT{-_ahead:+d}"  # the signs of these zones are reversed
