"""Date and time in a bot's time zone."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone

from bots.config.opening_hours import DAY_MINUTES


def zone_of(name: str) -> ZoneInfo:
    """The time zone of a bot or a number; an empty name is that of the server.

    Not that of the console's settings, which is for people who read its pages.
    """
    try:
        return ZoneInfo(name or timezone.get_default_timezone_name())
    except (ZoneInfoNotFoundError, ValueError, OSError):  # e.g. half typed
        return ZoneInfo("UTC")


def in_time_zone(time: datetime, zone: str) -> datetime:
    """Convert to a bot's time zone."""
    return time.astimezone(zone_of(zone))


def spoken_time(time: datetime, zone: str) -> str:
    """Return the value of {{now}}."""
    return f"{in_time_zone(time, zone):%A, %d %B %Y, %H:%M}"


def minute_of_week(time: datetime, zone: str) -> int:
    """Return the minutes since Monday 0:00 in the bot's time zone."""
    local = in_time_zone(time, zone)
    return local.weekday() * DAY_MINUTES + local.hour * 60 + local.minute
