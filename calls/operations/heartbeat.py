"""Records which calls this process carries, so that the reaper leaves them alone."""

from calls.background import PeriodicTask
from calls.session.active_calls import ActiveCalls
from calls.transcripts.writer import TranscriptWriter
from calls.transcripts.writes import CallsAlive

BEAT_SECONDS = 30.0


class Heartbeat(PeriodicTask):
    """Updates `last_seen_at` of this process's calls."""

    def __init__(self, calls: ActiveCalls, transcripts: TranscriptWriter) -> None:
        super().__init__(BEAT_SECONDS, self.beat, "Heartbeat", delay=BEAT_SECONDS)
        self.sessions = calls.sessions
        self.transcripts = transcripts

    async def beat(self) -> None:
        """Queue one write for all calls in progress."""
        alive = tuple(
            session.call.pk for session in self.sessions.values() if not session.over
        )
        if alive:
            self.transcripts.put(CallsAlive(alive))
