"""Finds out whether Twilio plays a clip before its end: `STREAM_CLIPS=auto`.

All processes share what is known through the database. A call never waits for it.
"""

import logging
from collections import OrderedDict, deque
from datetime import datetime
from time import monotonic

from django.conf import settings
from django.utils import timezone

from calls import metrics
from calls.background import PeriodicTask
from calls.clips.carrier_evidence import Evidence, evidence_of
from calls.clips.carrier_verdict import CarrierRecord, Verdict
from calls.clips.clip_format import ClipFormat
from calls.clips.streaming_policy import AUTO, StreamedClip
from calls.db import run_in_db_thread
from calls.transcripts.carrier_records import load_records, store_evidence

log = logging.getLogger(__name__)

REFRESH_SECONDS = 5.0
# So many calls of a process stream at the same time during a trial.
MAX_CALLS_AT_ONCE = 2
# A call on trial that has not streamed for so long gives its place to another (s).
TRIAL_SECONDS = 120.0
MAX_CALLS_KEPT = 1_000
MAX_WAITING = 200
BEHAVIOUR = {
    Verdict.STREAMS: "plays a clip before its end",
    Verdict.WAITS: "plays a clip after its end only",
    Verdict.REFUSES: "refuses clips that still grow",
    Verdict.UNCLEAR: "does not show when it plays a clip",
    Verdict.UNKNOWN: "does not play a clip as it did before",
}

# An account, a call, the format it got, what it has shown, and when.
Observation = tuple[str, str, ClipFormat, Evidence, datetime]


class StreamTrials(PeriodicTask):
    """The policy `auto` of one process, and the job that shares it with the others."""

    def __init__(self) -> None:
        super().__init__(REFRESH_SECONDS, self.run, "Streaming trials")
        self.records: dict[str, CarrierRecord] | None = None  # None: not read yet
        self.trying: dict[str, float] = {}  # calls on trial: when they streamed last
        self.shown: OrderedDict[tuple[str, ClipFormat], Evidence] = OrderedDict()
        self.waiting: deque[Observation] = deque(maxlen=MAX_WAITING)

    def start(self) -> None:
        """Begin, if the settings want it."""
        if settings.STREAM_CLIPS == AUTO:
            super().start()

    def stream_format(self, account_sid: str, call_sid: str) -> ClipFormat | None:
        """A format if Twilio streams it, or if this call is one of the few on trial."""
        if self.records is None or not account_sid:
            return None
        record = self.records.get(account_sid, CarrierRecord())
        tried = record.next_format
        if record.streams:
            return tried
        # A call that has shown something need not show it again.
        shown = self.shown.get((call_sid, tried), Evidence.UNCLEAR)
        is_needed = shown is Evidence.UNCLEAR and record.is_on_trial(timezone.now())
        return tried if is_needed and self._take_place(call_sid) else None

    def observe(self, clip: StreamedClip) -> None:
        """Learn from a streamed clip; act on it in this process at once."""
        account, call, evidence = clip.account_sid, clip.call_sid, evidence_of(clip)
        tried = clip.format
        metrics.STREAMED_CLIPS.labels(tried, evidence).inc()
        known = self.shown.get((call, tried))
        if self.records is None or (known and evidence.weight <= known.weight):
            return
        self._remember((call, tried), evidence)
        if evidence is not Evidence.UNCLEAR:
            self.trying.pop(call, None)
        before, now = self.records.get(account, CarrierRecord()), timezone.now()
        after = before.observed(call, tried, evidence, now)
        if after != before:
            self.records[account] = after
            self.waiting.append((account, call, tried, evidence, now))
            self.run_soon()

    def call_ended(self, call_sid: str) -> None:
        """Give the place of a call on trial to another, whatever it has shown."""
        self.trying.pop(call_sid, None)

    async def run(self) -> None:
        """Store what calls have shown, and read what those of other processes have."""
        while self.waiting:
            seen = self.waiting[0]
            before, after = await run_in_db_thread(store_evidence)(*seen)
            if self.waiting and self.waiting[0] is seen:
                self.waiting.popleft()
            if (after.verdict, after.format) != (before.verdict, before.format):
                log.warning("Twilio %s (%s)", _news(after), seen[0])
        records = await run_in_db_thread(load_records)()
        if not self.waiting:
            self.records = records

    def _take_place(self, call_sid: str) -> bool:
        now = monotonic()
        self.trying = {
            call: at for call, at in self.trying.items() if at > now - TRIAL_SECONDS
        }
        if call_sid not in self.trying and len(self.trying) >= MAX_CALLS_AT_ONCE:
            return False
        self.trying[call_sid] = now
        return True

    def _remember(self, tried: tuple[str, ClipFormat], evidence: Evidence) -> None:
        self.shown[tried] = evidence
        self.shown.move_to_end(tried)
        if len(self.shown) > MAX_CALLS_KEPT:
            self.shown.popitem(last=False)


def _news(record: CarrierRecord) -> str:
    """A line of the log: Twilio's behaviour, and its consequence."""
    effect = "clips are sent whole"
    if record.streams:
        effect = "answers are streamed"
    elif record.verdict is Verdict.UNKNOWN:
        effect = "it is on trial again"
    elif record.next_format is ClipFormat.MP3:
        effect = "MP3 is tried next"
    return f"{BEHAVIOUR[record.verdict]} ({record.format.upper()}): {effect}"
