"""Converts between a session's monotonic clock and wall time."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from django.utils import timezone


@dataclass(frozen=True, slots=True)
class Clock:
    """One session's clock; unaffected by changes of the system clock."""

    started: float = field(default_factory=monotonic)
    started_at: datetime = field(default_factory=timezone.now)

    @property
    def now(self) -> datetime:
        """The wall time now, consistent with all others of the session."""
        return self.wall_time(monotonic())

    def wall_time(self, at: float) -> datetime:
        """Convert monotonic seconds to wall time."""
        return self.started_at + timedelta(seconds=at - self.started)

    def monotonic_time(self, time: datetime) -> float:
        """Convert wall time to monotonic seconds."""
        return self.started + (time - self.started_at).total_seconds()
