"""Date and time in a bot's time zone."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone

from bots.config.opening_hours import DAY_MINUTES


def in_time_zone(time: datetime, zone: str) -> datetime:
    """Convert to a bot's time zone; an empty `zone` is that of the server."""
    try:
        tz = ZoneInfo(zone or timezone.get_current_timezone_name())
    except (ZoneInfoNotFoundError, ValueError, OSError):  # e.g. half typed
        tz = ZoneInfo("UTC")
    return time.astimezone(tz)


def spoken_time(time: datetime, zone: str) -> str:
    """Return the value of {{now}}."""
    return f"{in_time_zone(time, zone):%A, %d %B %Y, %H:%M}"


def minute_of_week(time: datetime, zone: str) -> int:
    """Return the minutes since Monday 0:00 in the bot's time zone."""
    local = in_time_zone(time, zone)
    return local.weekday() * DAY_MINUTES + local.hour * 60 + local.minute
