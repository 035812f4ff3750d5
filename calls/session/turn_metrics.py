"""Counts the turns of a call and the latency of its responses for `/metrics`."""

from collections.abc import Sequence

from calls.conversation.fallback import FallbackStep
from calls.metrics import FALLBACKS, INTERRUPTIONS, RESPONSE_LATENCY, STAGES, TURNS
from calls.turns.lost_session import is_unanswered
from calls.turns.turn import Turn, TurnKind

# Kinds of bot turns that may stand between the caller's words and their answer.
NOT_ANSWERS = {
    TurnKind.RESUMED,
    TurnKind.CONSENT,
    TurnKind.RECORDING_AGREED,
    TurnKind.FILLER,
    TurnKind.DIGIT_PROMPT,
}

for step in FallbackStep:
    FALLBACKS.labels(step)  # present as 0 from the start, so that rates work


class TurnMetrics:
    """One call's turns, each counted once however often it is recorded."""

    def __init__(self) -> None:
        self.caller_turns: set[int] = set()
        self.skipped: set[int] = set()  # neither questions nor answers
        self.counted: set[int] = set()
        self.timed: set[tuple[int, str]] = set()

    def record(self, turn: Turn) -> None:
        """Count a turn once it has ended; later records may add latency stages."""
        if turn.role == "tool" or turn.is_backchannel or turn.kind in NOT_ANSWERS:
            self.skipped.add(turn.index)
        if turn.ended_at is None:
            return
        if turn.role == "caller":
            self.caller_turns.add(turn.index)
        if turn.index not in self.counted:
            self.counted.add(turn.index)
            TURNS.labels(turn.role).inc()
            if turn.role == "bot" and turn.interrupted:
                INTERRUPTIONS.inc()
        if turn.role == "bot" and self._is_answer(turn.index):
            self._observe_latency(turn)

    def restore(self, turns: Sequence[Turn]) -> None:
        """Take over an unanswered caller turn from before a reconnect.

        The latency of its answer counts from the reconnect.
        """
        indexes = [
            turn.index
            for turn in turns
            if turn.role == "caller" and not turn.is_backchannel
        ]
        if indexes and is_unanswered(turns):
            self.caller_turns.add(indexes[-1])
            self.skipped |= {turn.index for turn in turns if turn.index > indexes[-1]}

    def _is_answer(self, index: int) -> bool:
        """True if the turn follows a caller turn; other bot turns answer nothing."""
        before = index - 1
        while before in self.skipped:
            before -= 1
        return index not in self.skipped and before in self.caller_turns

    def _observe_latency(self, turn: Turn) -> None:
        for stage in STAGES:
            if stage in turn.latency_ms and (turn.index, stage) not in self.timed:
                self.timed.add((turn.index, stage))
                # Negative if a simulated caller plays clips faster than real time.
                seconds = max(turn.latency_ms[stage], 0) / 1000
                RESPONSE_LATENCY.labels(stage).observe(seconds)
