"""The queue of messages in the database: claimed by one process, settled, given up.

A claim ends by itself after `LEASE`. Nobody knows then whether the process that died
had sent the message, so it is not sent again: a second mail about one thing is worse
than a line in the log that says so.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from bots.config.text import one_line
from bots.phone_numbers.masking import NumberMask
from calls.alerts.attempt import Attempt, Result, delay_after
from calls.alerts.channels.sms_reports import SmsReport
from calls.alerts.message_log import with_attempt, with_report
from calls.alerts.texts import MAX_SUBJECT_LENGTH
from calls.models import AlertMessage
from calls.models.alert import State

LEASE = timedelta(seconds=60)
MAX_LOG_ENTRIES = 30
MASK = NumberMask()
KEPT = timedelta(days=180)

STOPPED = (
    "The server was stopped while it sent this. It may have arrived, so it is not sent "
    "again."
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that only this process sends now; `attempt` counts from 1."""

    pk: int
    attempt: int


def claim(limit: int) -> list[Claimed]:
    """Claim up to `limit` due messages, of each channel one at a time."""
    now_sent = AlertMessage.objects.filter(
        channel=OuterRef("channel"), state=State.SENDING, due_at__gt=Now()
    )
    due = _due().exclude(Exists(now_sent)).order_by("due_at")
    rows = list(due.values_list("pk", "attempts", "channel")[: 3 * limit])
    claimed, channels = list[Claimed](), set[int | None]()
    for pk, attempts, channel in rows:
        if len(claimed) == limit:
            break
        if channel in channels:
            continue
        # The database lets one of several processes update the row; then it is not due.
        same = _due().filter(pk=pk, attempts=attempts)
        lease = Now() + LEASE
        if same.update(state=State.SENDING, attempts=attempts + 1, due_at=lease):
            claimed.append(Claimed(pk, attempts + 1))
            channels.add(channel)
    return claimed


def _due() -> QuerySet[AlertMessage]:
    return AlertMessage.objects.filter(state=State.WAITING, due_at__lte=Now())


@transaction.atomic
def settle(claimed: Claimed, attempt: Attempt, subject: str = "") -> State | None:
    """Record an attempt. None if the claim has ended since."""
    rows = AlertMessage.objects.select_for_update()
    same = rows.filter(pk=claimed.pk, state=State.SENDING, attempts=claimed.attempt)
    if (message := same.first()) is None:
        return None
    _record(message, attempt, subject)
    return State(message.state)


def _record(message: AlertMessage, attempt: Attempt, subject: str) -> None:
    delay = delay_after(message.attempts, attempt)
    message.log = with_attempt(message.log, _entry(attempt))[-MAX_LOG_ENTRIES:]
    if attempt.result is Result.LATER and delay is not None:
        message.state = State.WAITING
        message.due_at = Now() + timedelta(seconds=delay)
    else:
        message.state = ENDS[message.log[-1]["result"]]
        message.sent_at = timezone.now() if message.state == State.SENT else None
    message.subject = one_line(subject, MAX_SUBJECT_LENGTH) or message.subject
    message.save(update_fields=["state", "due_at", "log", "subject", "sent_at"])


ENDS = {
    Result.SENT: State.SENT,
    Result.LATER: State.FAILED,
    Result.REFUSED: State.FAILED,
    Result.UNKNOWN: State.UNKNOWN,
    Result.DELIVERED: State.SENT,
    Result.LOST: State.LOST,
}


@transaction.atomic
def record_report(pk: int, report: SmsReport) -> State | None:
    """Record what became of an SMS. None if that is known, or it is of no message."""
    message = AlertMessage.objects.select_for_update().filter(pk=pk).first()
    if message is None:
        return None
    entry = _entry(Attempt(report.result, report.words, sid=report.sid))
    is_sending = message.state == State.SENDING
    if (log := with_report(message.log, entry, is_sending=is_sending)) is None:
        return None
    message.log = log[-MAX_LOG_ENTRIES:]
    if not is_sending and message.state != State.WAITING:
        message.state = ENDS[message.log[-1]["result"]]
        if message.state == State.SENT:
            message.sent_at = message.sent_at or timezone.now()
    message.save(update_fields=["state", "log", "sent_at"])
    return State(message.state)


def _entry(attempt: Attempt) -> dict[str, Any]:
    return {
        "at": timezone.now().isoformat(timespec="seconds"),
        "result": str(attempt.result),
        "status": attempt.status,
        # Receivers may quote the message, or the number that it goes to. PostgreSQL
        # stores no NUL.
        "words": MASK.made(one_line(attempt.words)),
        "answer": MASK.made(one_line(attempt.answer)),
        "sid": attempt.sid,
    }


@transaction.atomic
def expire() -> int:
    """End the claims of processes that died; returns how many."""
    rows = AlertMessage.objects.select_for_update(skip_locked=True)
    lost = list(rows.filter(state=State.SENDING, due_at__lt=Now()))
    for message in lost:
        _record(message, Attempt(Result.UNKNOWN, STOPPED), "")
    return len(lost)


def record_test(message: AlertMessage, attempt: Attempt) -> None:
    """Record the one attempt of a test message."""
    if attempt.result is Result.LATER:
        # Somebody is looking at it; they try again themselves.
        attempt = Attempt(Result.REFUSED, attempt.words, attempt.status, attempt.answer)
    message.attempts = 1
    _record(message, attempt, message.subject)


def send_again(pk: int) -> bool:
    """Send a message that did not arrive, or perhaps not; False if it did."""
    ended = AlertMessage.objects.filter(pk=pk, state__in=AlertMessage.MISSED)
    again = ended.filter(is_test=False, channel__isnull=False)
    return bool(again.update(state=State.WAITING, attempts=0, due_at=Now()))


def delete_old() -> None:
    """Delete what was told long ago."""
    old = AlertMessage.objects.filter(created_at__lt=timezone.now() - KEPT)
    old.exclude(state__in=(State.WAITING, State.SENDING)).delete()
