"""When which call does what: the timetable of one measurement."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from tests.bench.turns import KINDS, arrives_in

LEAD_SECONDS = 4.0  # from dialling to the first words, for the greeting
DIALS_PER_SECOND = 25.0
FEW_CALLS = 5  # dialled all at once
AFTERWARDS_SECONDS = 0.5
# In the last turns; the rest are standard.
MIXED = ("interrupted", "held", "slow", "interrupted", "interrupted")
FEWEST_MIXED = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """One measurement, as the load generator is told of it.

    Every call takes `standard` turns, one each `every` seconds, then `mixed` others.
    """

    calls: int
    servers: list[str]
    pids: list[int]
    every: float
    standard: int
    mixed: int
    pace: float
    lead: float = LEAD_SECONDS

    @classmethod
    def of(cls, **values: Any) -> Self:
        """A plan from what JSON kept of one."""
        return cls(**values)

    def json(self) -> dict[str, Any]:
        return asdict(self)

    def with_a_window(self) -> Self:
        """The same with enough standard turns for all calls to be there at once."""
        rounds = -(-self.ramp // self.every)
        return replace(self, standard=max(self.standard, int(rounds) + 1))

    def awakening(self) -> Self:
        """A call to each server, with one turn."""
        lead = min(self.lead, 1.0)
        return replace(self, calls=len(self.servers), standard=1, mixed=0, lead=lead)

    @property
    def ramp(self) -> float:
        """Seconds in which all calls are dialled, in step with their turns."""
        if self.calls <= FEW_CALLS:
            return 0.0
        rounds = 1
        while self.calls / (rounds * self.every) > DIALS_PER_SECOND and rounds < 10:
            rounds += 1
        return self.every * rounds

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return self.ends_at(self.calls - 1)

    @property
    def mixed_turns(self) -> int:
        """So many that a few calls, too, have one of each kind."""
        fewest = -(-FEWEST_MIXED // self.calls)
        return max(self.mixed, fewest) if self.mixed else 0

    @property
    def window(self) -> tuple[float, float]:
        """From when to when all calls are there and take standard turns only."""
        end = self.lead + self.standard * self.every
        return min(self.ramp + self.lead, end - self.every), end

    def dials_at(self, call: int) -> float:
        """When a call is dialled."""
        return self.ramp * call / self.calls

    def ends_at(self, call: int) -> float:
        """When a call hangs up: once its last reply has arrived."""
        kinds = KINDS if self.mixed else ["standard"]
        slowest = max(arrives_in(kind, self.pace) for kind in kinds)
        return self.turns(call)[-1][0] + slowest + AFTERWARDS_SECONDS

    def turns(self, call: int) -> list[tuple[float, str]]:
        """When a call says something, and which kind of turn it is."""
        kinds = ["standard"] * self.standard
        for turn in range(self.mixed_turns):
            kinds.append(MIXED[(call + turn) % len(MIXED)])
        began = self.dials_at(call) + self.lead
        return [(began + n * self.every, kind) for n, kind in enumerate(kinds)]
