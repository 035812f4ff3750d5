"""When a message may be sent: at once or as a digest, within its channel's limit. Pure.

All times have a zone. Clocks may change in the night: an hour that is left out counts
as the next one, and of an hour that comes twice the first one counts.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Things that happen so soon after a message wait for each other.
GATHERING = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def next_hour(after: datetime, zone: ZoneInfo) -> datetime:
    """The next full hour of the local clock."""
    local = after.astimezone(zone)
    begin = local.replace(minute=0, second=0, microsecond=0)
    following = begin.astimezone(UTC) + HOUR
    # It is not full if the clocks change by half an hour.
    return following - timedelta(minutes=following.astimezone(zone).minute)


def next_day(after: datetime, hour: int, zone: ZoneInfo) -> datetime:
    """The next time that the local clock shows this hour."""
    today = after.astimezone(zone).date()
    planned = _local(today, hour, zone)
    if planned > after:
        return planned
    return _local(today + timedelta(days=1), hour, zone)


def _local(day: date, hour: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(hour), zone).astimezone(UTC)


def within_limit(
    now: datetime, planned: Sequence[datetime], hourly_limit: int
) -> tuple[datetime, bool]:
    """The earliest time of another message, and True if the limit delays it.

    `planned` are the times of the channel's latest messages, the newest first.
    """
    gathered = max(now, planned[0] + GATHERING) if planned else now
    if len(planned) < hourly_limit:
        return gathered, False
    free = planned[hourly_limit - 1] + HOUR
    return max(gathered, free), free > gathered
