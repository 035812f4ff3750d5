"""What a call knows by itself: its variables, and day and time for its bot."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone

from bots.abilities import Target
from bots.hours import DAY_MINUTES
from bots.profile import Profile
from bots.variables import bounded
from calls.functions import present
from calls.models import Call


def variables(
    call: Call, profile: Profile, parameters: dict[str, str], now: datetime
) -> dict[str, str]:
    """The values for the bot's texts; the carrier's parameters do not replace ours."""
    there = now.astimezone(_zone(profile))
    return {
        **bounded({**call.variables, **parameters}),
        "caller_number": call.from_number,
        "called_number": call.to_number,
        "bot_name": profile.name,
        "now": f"{there:%A, %d %B %Y, %H:%M}",
        "call_sid": call.call_sid,
    }


def minute_of_week(profile: Profile, now: datetime) -> int:
    """Minutes since Monday, 0:00, in the bot's time zone."""
    there = now.astimezone(_zone(profile))
    return there.weekday() * DAY_MINUTES + there.hour * 60 + there.minute


def whoever_is_there(profile: Profile, now: datetime) -> Target | None:
    """The first person who takes calls now, where the bot itself cannot."""
    return next(iter(present(profile.people, minute_of_week(profile, now))), None)


def _zone(profile: Profile) -> ZoneInfo:
    try:
        return ZoneInfo(profile.time_zone or timezone.get_current_timezone_name())
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
