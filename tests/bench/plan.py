"""The schedule of one measurement: the time of each turn of each call."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from tests.bench.turns import HUNG, KINDS, arrives_in

LEAD_SECONDS = 4.0  # from dialling to the first words, for the greeting
DIALS_PER_SECOND = 25.0
FEW_CALLS = 5  # dialled all at once
AFTERWARDS_SECONDS = 1.0
# A caller whose question is never answered waits so long.
HUNG_SECONDS = 12.0
# In the last turns; the rest are standard.
MIXED = ("interrupted", "held", "slow", "interrupted", "interrupted")
MIN_MIXED = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """One measurement, as it is sent to the load generator.

    Every call takes `standard` turns of one `kind`, one each `every` seconds, then
    `mixed` others.
    """

    calls: int
    servers: list[str]
    pids: list[int]
    every: float
    standard: int
    mixed: int
    pace: float
    lead: float = LEAD_SECONDS
    kind: str = "standard"

    @classmethod
    def of(cls, **values: Any) -> Self:
        """Build a plan from its JSON fields."""
        return cls(**values)

    def json(self) -> dict[str, Any]:
        return asdict(self)

    def with_a_window(self) -> Self:
        """Return a plan with enough standard turns for all calls to overlap."""
        rounds = -(-self.ramp // self.every)
        return replace(self, standard=max(self.standard, int(rounds) + 1))

    def warm_up(self) -> Self:
        """Return a plan of one call with one turn to each server."""
        lead = min(self.lead, 1.0)
        kind = "standard" if self.kind == HUNG else self.kind
        one_each = replace(self, calls=len(self.servers), standard=1, mixed=0)
        return replace(one_each, lead=lead, kind=kind)

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
        """The duration of the measurement."""
        return self.ends_at(self.calls - 1)

    @property
    def mixed_turns(self) -> int:
        """The mixed turns of a call: enough that few calls, too, have each kind."""
        fewest = -(-MIN_MIXED // self.calls)
        return max(self.mixed, fewest) if self.mixed else 0

    @property
    def window(self) -> tuple[float, float]:
        """From when to when all calls are there and take standard turns only."""
        end = self.lead + self.standard * self.every
        return min(self.ramp + self.lead, end - self.every), end

    def dials_at(self, call: int) -> float:
        """Return the time when a call is dialled."""
        return self.ramp * call / self.calls

    def ends_at(self, call: int) -> float:
        """Return the time when a call hangs up: after its last reply has arrived."""
        last = self.turns(call)[-1][0]
        if self.kind == HUNG:
            return last + HUNG_SECONDS
        kinds = KINDS if self.mixed else [self.kind]
        slowest = max(arrives_in(kind, self.pace) for kind in kinds)
        return last + slowest + AFTERWARDS_SECONDS

    def turns(self, call: int) -> list[tuple[float, str]]:
        """Return the time and the kind of each turn of a call."""
        kinds = [self.kind] * self.standard
        for turn in range(self.mixed_turns):
            kinds.append(MIXED[(call + turn) % len(MIXED)])
        start = self.dials_at(call) + self.lead
        return [(start + n * self.every, kind) for n, kind in enumerate(kinds)]
