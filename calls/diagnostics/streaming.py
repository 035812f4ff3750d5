"""Findings on streamed answers: does Twilio play a sentence before it is complete?"""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.template.defaultfilters import pluralize
from django.utils import timezone

from bots.site_settings.current import day
from calls.clips.carrier_evidence import Evidence
from calls.clips.carrier_verdict import NEEDED, CarrierRecord, Verdict, conclusive
from calls.clips.clip_format import ClipFormat
from calls.clips.streaming_policy import AUTO, OFF
from calls.diagnostics.findings import Finding, ok
from calls.simulator.line import SIMULATED_ACCOUNT
from calls.transcripts.carrier_records import load_records

NAME = "Start of answers"
WHOLE = "So each sentence is heard when all of it is made."
BEHAVIOUR = {
    Verdict.STREAMS: "Twilio plays a sentence while the voice is still speaking it",
    Verdict.WAITS: "Twilio plays a sentence only when all of it has arrived",
    Verdict.REFUSES: "Twilio refuses a sentence that is still being spoken",
    Verdict.UNCLEAR: "The calls do not show when Twilio begins to play a sentence",
}
TRIED = "The server finds out whether Twilio plays a sentence while the voice speaks it"
FIXED = {
    False: f"STREAM_CLIPS is {OFF}. {WHOLE} With STREAM_CLIPS={AUTO} the server finds "
    "out whether callers can hear answers sooner.",
    True: "STREAM_CLIPS is on: answers are sent while the voice speaks them, whatever "
    f"Twilio makes of that. STREAM_CLIPS={AUTO} is safer.",
}


def streaming_findings(*, with_simulated: bool = True) -> list[Finding]:
    """The verdict on each account. Nothing here needs action."""
    if settings.STREAM_CLIPS != AUTO:
        return [ok(NAME, FIXED[settings.STREAM_CLIPS != OFF])]
    records, now = load_records(), timezone.now()
    simulated = records.pop(SIMULATED_ACCOUNT, None)
    findings = [
        ok(NAME, "".join([_account(sid, records), *_sentences(record, now)]))
        for sid, record in (records or {"": CarrierRecord()}).items()
    ]
    if simulated and with_simulated:
        text = "".join(_sentences(simulated, now))
        findings.append(ok(NAME, f"Simulated calls: {text}"))
    return findings


def _account(sid: str, records: dict[str, CarrierRecord]) -> str:
    return f"Account {sid[:2]}…{sid[-4:]}: " if len(records) > 1 else ""


def _sentences(record: CarrierRecord, now: datetime) -> Iterator[str]:
    """Yield the verdict, its source, and what follows from it."""
    if record.verdict is Verdict.UNKNOWN or record.since is None:
        yield f"{TRIED}. {_trial(record)} Until then each sentence is sent whole."
        return
    yield BEHAVIOUR[record.verdict]
    if record.streams and record.format is ClipFormat.MP3:
        yield ", if it comes as an MP3"
    yield f": seen in {record.calls:,} call"
    yield f"{pluralize(record.calls)}, since {day(record.since)}. "
    if record.streams:
        yield "So callers hear an answer as soon as its voice begins."
        return
    yield WHOLE
    if record.next_format is ClipFormat.MP3:
        yield f" It was a WAV so far. Now MP3 is tried. {_trial(record)}"
    elif record.is_on_trial(now):
        yield f" This is being tried again. {_trial(record)}"
    elif record.retry_at:
        yield f" It is tried again from {day(record.retry_at)}."


def _trial(record: CarrierRecord) -> str:
    needed = NEEDED[Evidence.STREAMED][0]
    tried, shown = len(record.shown), len(conclusive(record.shown))
    return (
        f"{needed} calls in a row that agree are enough; {tried} "
        f"{pluralize(tried, 'was,were')} tried so far, and {shown} showed something."
    )
