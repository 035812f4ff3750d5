"""The verdict on streaming to one Twilio account, from the calls so far. Pure.

A trial streams on few calls until enough of them agree. Every call counts once. If
Twilio refuses or waits for a WAV that grows, the same is tried with MP3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from calls.clips.carrier_evidence import Evidence
from calls.clips.clip_format import ClipFormat

RETRY_AFTER = timedelta(days=7)
# A trial ends without a result after so many calls.
MAX_TRIAL_CALLS = 20
# The latest calls of an account that streams.
CALLS_KEPT = 5


class Verdict(StrEnum):
    """Twilio's behaviour towards a clip that still grows."""

    UNKNOWN = ""
    STREAMS = "streams"
    WAITS = "waits"
    REFUSES = "refuses"
    UNCLEAR = "unclear"  # a whole trial did not show it


# So many calls in a row must show the same. A refusal delays an answer: two are enough.
NEEDED = {
    Evidence.REFUSED: (2, Verdict.REFUSES),
    Evidence.STREAMED: (3, Verdict.STREAMS),
    Evidence.WAITED: (3, Verdict.WAITS),
}
# So many calls in a row put an account that streams on trial again.
DOUBTS = {Evidence.REFUSED: 1, Evidence.WAITED: 2}

# A call by its digest, and its evidence.
Shown = tuple[str, Evidence]


@dataclass(frozen=True, slots=True)
class CarrierRecord:
    """The verdict on one account, since when, and from how many calls.

    It is about clips of this `format`, the latest that was tried. `shown` are the calls
    of the trial in progress, or, if it streams, the latest ones.
    """

    verdict: Verdict = Verdict.UNKNOWN
    format: ClipFormat = ClipFormat.WAV
    since: datetime | None = None
    calls: int = 0
    retry_at: datetime | None = None
    shown: tuple[Shown, ...] = ()

    @property
    def streams(self) -> bool:
        """True if every call may stream."""
        return self.verdict is Verdict.STREAMS

    @property
    def next_format(self) -> ClipFormat:
        """The format of the clips that stream now, on trial or not.

        A trial begins with WAV. If it shows nothing, MP3 would not show more.
        """
        if self.streams:
            return self.format
        failed = self.verdict in (Verdict.WAITS, Verdict.REFUSES)
        is_next = failed and self.format is ClipFormat.WAV
        return ClipFormat.MP3 if is_next else ClipFormat.WAV

    def is_on_trial(self, now: datetime) -> bool:
        """True while few calls stream, to find out."""
        is_due = self.retry_at is None or self.retry_at <= now
        return not self.streams and is_due

    def observed(
        self, call_sid: str, tried: ClipFormat, evidence: Evidence, now: datetime
    ) -> "CarrierRecord":
        """Return what is known after one more streamed clip of a call.

        A late clip in the format that was tried before says nothing new.
        """
        if not (self.streams or self.is_on_trial(now)):
            return self
        if tried is not self.next_format:
            return self
        shown = _with(self.shown, (digest(call_sid), evidence))
        if shown == self.shown:
            return self
        return self._while_streaming(shown) if self.streams else self._tried(shown, now)

    def _while_streaming(self, shown: tuple[Shown, ...]) -> "CarrierRecord":
        latest = conclusive(shown)
        for evidence, needed in DOUBTS.items():
            if _agree(latest, evidence, needed):
                is_wav = self.format is ClipFormat.WAV
                return CarrierRecord(shown=latest[-needed:] if is_wav else ())
        is_new = len(latest) > len(conclusive(self.shown))
        return replace(self, shown=latest[-CALLS_KEPT:], calls=self.calls + is_new)

    def _tried(self, shown: tuple[Shown, ...], now: datetime) -> "CarrierRecord":
        latest = conclusive(shown)
        for evidence, (needed, verdict) in NEEDED.items():
            if _agree(latest, evidence, needed):
                return self._decided(verdict, needed, now)
        if len(shown) >= MAX_TRIAL_CALLS:
            return self._decided(Verdict.UNCLEAR, len(shown), now)
        return replace(self, shown=shown)

    def _decided(self, verdict: Verdict, calls: int, now: datetime) -> "CarrierRecord":
        is_same, tried = verdict is self.verdict, self.next_format
        decided = CarrierRecord(
            verdict,
            tried,
            since=self.since if is_same else now,
            calls=self.calls + calls if is_same else calls,
        )
        if decided.streams or decided.next_format is ClipFormat.MP3:
            return decided
        return replace(decided, retry_at=now + RETRY_AFTER)


def digest(call_sid: str) -> str:
    """Return a short name of a call, which outlives the call's own row."""
    return sha256(call_sid.encode()).hexdigest()[:12]


def conclusive(shown: Sequence[Shown]) -> tuple[Shown, ...]:
    """Return the calls that showed something."""
    return tuple(one for one in shown if one[1] is not Evidence.UNCLEAR)


def _with(shown: tuple[Shown, ...], new: Shown) -> tuple[Shown, ...]:
    """Add a call as the latest; of one that is there, keep what weighs more."""
    name, evidence = new
    known = dict(shown).get(name)
    if known is not None and evidence.weight <= known.weight:
        return shown
    return (*(one for one in shown if one[0] != name), new)


def _agree(shown: Sequence[Shown], evidence: Evidence, needed: int) -> bool:
    latest = shown[-needed:]
    return len(latest) == needed and all(each is evidence for _, each in latest)
