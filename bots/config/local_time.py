"""Day and time where a bot is."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone

from bots.config.opening_hours import DAY_MINUTES


def in_time_zone(moment: datetime, zone: str) -> datetime:
    """A moment in a bot's time zone; in the server's, where the bot names none."""
    try:
        place = ZoneInfo(zone or timezone.get_current_timezone_name())
    except (ZoneInfoNotFoundError, ValueError, OSError):  # half typed, or no name
        place = ZoneInfo("UTC")
    return moment.astimezone(place)


def spoken_time(moment: datetime, zone: str) -> str:
    """What {{now}} says."""
    return f"{in_time_zone(moment, zone):%A, %d %B %Y, %H:%M}"


def minute_of_week(moment: datetime, zone: str) -> int:
    """Minutes since Monday, 0:00, where the bot is."""
    local = in_time_zone(moment, zone)
    return local.weekday() * DAY_MINUTES + local.hour * 60 + local.minute
