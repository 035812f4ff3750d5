"""What a call knows by itself: its variables, and day and time for its bot."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone

from bots.hours import DAY_MINUTES
from bots.profile import Profile
from bots.variables import bounded
from calls.models import Call


def variables(
    call: Call, profile: Profile, parameters: dict[str, str], now: datetime
) -> dict[str, str]:
    """The values for the bot's texts; the carrier's parameters do not replace ours."""
    return {
        **bounded({**call.variables, **parameters}),
        "caller_number": call.from_number,
        "called_number": call.to_number,
        "bot_name": profile.name,
        "now": moment_there(profile, now),
        "call_sid": call.call_sid,
    }


def moment_there(profile: Profile, moment: datetime) -> str:
    """Day, date and time in the bot's time zone, in words."""
    there = moment.astimezone(_zone(profile))
    return f"{there:%A, %d %B %Y, %H:%M}"


def minute_of_week(profile: Profile, now: datetime) -> int:
    """Minutes since Monday, 0:00, in the bot's time zone."""
    there = now.astimezone(_zone(profile))
    return there.weekday() * DAY_MINUTES + there.hour * 60 + there.minute


def _zone(profile: Profile) -> ZoneInfo:
    try:
        return ZoneInfo(profile.time_zone or timezone.get_current_timezone_name())
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
