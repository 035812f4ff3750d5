"""TODO."""

from collections.abc import Sequence

from calls.conversation.fallback import FallbackStep
from calls.metrics import FALLBACKS, INTERRUPTIONS, RESPONSE_LATENCY, STAGES, TURNS
from calls.turns.resume import is_unanswered
from calls.turns.turn import Turn, TurnKind

# What may come between the caller's words and their answer.
NOT_ANSWERS = {
    TurnKind.RESUMED,
    TurnKind.CONSENT,
    TurnKind.FILLER,
    TurnKind.DIGIT_PROMPT,
}

for step in FallbackStep:
    FALLBACKS.labels(step)  # zero is a figure too


class TurnMetrics:
    """One call's turns, each counted once however often it is recorded."""

    def __init__(self) -> None:
        self.callers: set[int] = set()
        self.beside: set[int] = set()  # neither ask anything nor answer it
        self.settled: set[int] = set()
        self.timed: set[tuple[int, str]] = set()

    def record(self, turn: Turn) -> None:
        """Count what is settled of a turn; more may become known of it later."""
        if turn.role == "tool" or turn.is_backchannel or turn.kind in NOT_ANSWERS:
            self.beside.add(turn.index)
        if turn.ended_at is None:
            return
        if turn.role == "caller":
            self.callers.add(turn.index)
        if turn.index not in self.settled:
            self.settled.add(turn.index)
            TURNS.labels(turn.role).inc()
            if turn.role == "bot" and turn.interrupted:
                INTERRUPTIONS.inc()
        if turn.role == "bot" and self._is_answer(turn.index):
            self._time(turn)

    def recall(self, turns: Sequence[Turn]) -> None:
        """Take in what was said before a reconnect: the caller may wait for an answer.

        Its times count from when the line was back.
        """
        asked = [t.index for t in turns if t.role == "caller" and not t.is_backchannel]
        if asked and is_unanswered(turns):
            self.callers.add(asked[-1])
            self.beside |= {turn.index for turn in turns if turn.index > asked[-1]}

    def _is_answer(self, index: int) -> bool:
        """Whether a turn follows words of the caller; else it answers nothing."""
        before = index - 1
        while before in self.beside:
            before -= 1
        return index not in self.beside and before in self.callers

    def _time(self, turn: Turn) -> None:
        for stage in STAGES:
            if stage in turn.latency_ms and (turn.index, stage) not in self.timed:
                self.timed.add((turn.index, stage))
                # A caller who plays clips faster than they last hears them too early.
                seconds = max(turn.latency_ms[stage], 0) / 1000
                RESPONSE_LATENCY.labels(stage).observe(seconds)
