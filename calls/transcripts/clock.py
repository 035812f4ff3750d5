"""A call's monotonic clock and the wall time it stands for."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from django.utils import timezone


@dataclass(frozen=True, slots=True)
class Clock:
    """Turns moments of one session into wall time and back."""

    started: float = field(default_factory=monotonic)
    started_at: datetime = field(default_factory=timezone.now)

    @property
    def now(self) -> datetime:
        """This moment, as the others are: whatever the machine's clock was set to."""
        return self.wall_time(monotonic())

    def wall_time(self, at: float) -> datetime:
        """The wall time of a monotonic moment."""
        return self.started_at + timedelta(seconds=at - self.started)

    def monotonic_time(self, moment: datetime) -> float:
        """The monotonic moment of a wall time."""
        return self.started + (moment - self.started_at).total_seconds()
