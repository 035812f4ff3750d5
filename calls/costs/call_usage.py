"""All that a call has used: its time on the telephone, and what its sources counted.

Twilio's reports win over our own clock. A test call has no telephone.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from calls.models import Call, Recording
from calls.models.recording import Status
from calls.prices import usage as sources
from calls.prices.number_kinds import number_kind
from calls.prices.usage import Kind, Usage, stored

# Their callers heard the busy tone, which Twilio does not bill.
UNANSWERED = (
    Call.EndReason.BLOCKED,
    Call.EndReason.TOO_MANY_CALLS,
    Call.EndReason.TOO_MANY_HIDDEN,
    Call.EndReason.MINUTES_USED_UP,
)
# Twilio has a price for each minute of sound that it keeps for a month.
MONTH = timedelta(days=30)
# Twilio reports the length of a recording a moment after the call.
UNKNOWN_FOR, UNKNOWN_AGAIN = timedelta(hours=12), timedelta(minutes=2)
# Inworld is asked for these; everything else comes from Twilio.
INWORLD_KINDS = (*sources.TOKENS, Kind.SPEECH)


def usages_of(call: Call, now: datetime) -> list[Usage]:
    """The usage of a call, whose rows of `usages` may be prefetched."""
    by_source = {row.source: stored(row.entries) for row in call.usages.all()}
    inworld = [
        usage
        for usages in by_source.values()
        for usage in usages
        if usage.kind in INWORLD_KINDS
    ]
    if call.is_test:
        return inworld
    return [*_telephone(call, by_source, now), *inworld]


def _telephone(
    call: Call, by_source: dict[str, list[Usage]], now: datetime
) -> Iterator[Usage]:
    line = _line(call, by_source.get(sources.REPORT, []), now)
    if line is None:
        return
    if sources.TRANSFER in by_source and sources.REPORT not in by_source:
        line = Usage(line.kind, line.item)  # it went on after our last word
    yield line
    yield from _relay(call, by_source)
    for recording in _recordings(call):
        yield from _recording(recording, now)
    for source, usages in by_source.items():
        if source.startswith((sources.DIALLED, sources.TRANSFER)):
            yield from usages


def _recording(recording: Recording, now: datetime) -> Iterator[Usage]:
    """The sound that Twilio recorded, and each begun month for which it has kept it."""
    is_ours = recording.source != Recording.Source.TWILIO
    if is_ours or recording.status in (Status.ABSENT, Status.FAILED):
        return
    if recording.duration_ms is None:
        yield Usage(Kind.RECORDING)
        return
    seconds = ceil(recording.duration_ms / 1000)
    kept = (recording.removed_at_twilio_at or now) - recording.started_at
    yield Usage(Kind.RECORDING, quantity=seconds)
    for _ in range(max(ceil(kept / MONTH), 1)):
        yield Usage(Kind.STORAGE, quantity=seconds)


def _recordings(call: Any) -> list[Recording]:
    return list(call.recordings.all())


def next_change(call: Call, now: datetime) -> datetime | None:
    """The time at which recordings of an ended call have cost more, or are known."""
    recordings = [
        recording
        for recording in _recordings(call)
        if recording.source == Recording.Source.TWILIO
        and recording.status not in (Status.ABSENT, Status.FAILED)
        and recording.removed_at_twilio_at is None
    ]
    if not recordings or call.is_test:
        return None
    is_new = call.ended_at is not None and now - call.ended_at < UNKNOWN_FOR
    if is_new and any(one.duration_ms is None for one in recordings):
        return now + UNKNOWN_AGAIN
    return now + MONTH


def _line(call: Call, report: list[Usage], now: datetime) -> Usage | None:
    """The time between the caller and us; None if the call was not answered."""
    kind = Kind.LINE_OUT if call.is_outbound else Kind.LINE_IN
    number = call.caller_number if call.is_outbound else call.our_number
    if report:
        seconds = report[0].quantity
        return Usage(kind, number_kind(number), seconds) if seconds else None
    if call.status == Call.Status.REFUSED and call.end_reason in UNANSWERED:
        return None
    length = (call.ended_at or now) - call.started_at
    return Usage(kind, number_kind(number), max(ceil(length.total_seconds()), 1))


def _relay(call: Call, by_source: dict[str, list[Usage]]) -> list[Usage]:
    """The sessions of the relay, as Twilio reports them if it does for all of them."""
    own, reported = (
        [
            usage
            for source, usages in by_source.items()
            if source.startswith(f"{kind} ")
            for usage in usages
            if usage.kind is Kind.RELAY
        ]
        for kind in (sources.RELAY, sources.SESSION)
    )
    if not own and not reported and call.answered_at:
        return [Usage(Kind.RELAY)]
    return reported if len(reported) >= len(own) else own
