"""Reads and writes what is known about streaming to each Twilio account."""

from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from calls.clips.carrier_evidence import Evidence
from calls.clips.carrier_verdict import CarrierRecord, Verdict
from calls.clips.clip_format import ClipFormat
from calls.models import CarrierVerdict


def load_records() -> dict[str, CarrierRecord]:
    """The stored record of each account."""
    rows = CarrierVerdict.objects.order_by("account_sid")
    return {row.account_sid: _record_of(row) for row in rows}


def store_evidence(
    account_sid: str,
    call_sid: str,
    tried: ClipFormat,
    evidence: Evidence,
    now: datetime,
) -> tuple[CarrierRecord, CarrierRecord]:
    """Add what a call has shown, and return what was known before and is known now.

    Several processes may do so at once: the row is locked meanwhile.
    """
    with transaction.atomic():
        CarrierVerdict.objects.get_or_create(account_sid=account_sid)
        row = CarrierVerdict.objects.select_for_update().get(account_sid=account_sid)
        before = _record_of(row)
        record = before.observed(call_sid, tried, evidence, now)
        if record != before:
            values = asdict(record)
            CarrierVerdict.objects.filter(pk=row.pk).update(**values)
    return before, record


def _record_of(row: CarrierVerdict) -> CarrierRecord:
    return CarrierRecord(
        Verdict(row.verdict),
        ClipFormat(row.format),
        since=row.since,
        calls=row.calls,
        retry_at=row.retry_at,
        shown=tuple((name, Evidence(shown)) for name, shown in row.shown),
    )
