"""The writes of live calls, and how a batch of them is carried out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from calls import metrics, models
from calls.prices.usage import Usage
from calls.transcripts.closing import complete, mark_closed
from calls.transcripts.recording_rows import RecordingReport, record_report
from calls.turns.turn import Turn


@dataclass(frozen=True, slots=True)
class TurnWrite:
    """A turn to insert, or to replace at its index."""

    call_id: int
    turn: Turn
    wall_time: Callable[[float], datetime]
    session: int = 0  # the call's number of reconnects at the time

    def row(self) -> models.Turn:
        """The turn as a database row, with wall times."""
        turn, ended_at = self.turn, self.turn.ended_at
        text, heard = turn.display_text
        return models.Turn(
            call_id=self.call_id,
            index=turn.index,
            role=turn.role,
            text=text,
            heard_text=heard,
            interrupted=turn.interrupted,
            started_at=self.wall_time(turn.started_at),
            ended_at=None if ended_at is None else self.wall_time(ended_at),
            latency_ms=turn.latency_ms,
            kind=turn.kind,
            model=turn.model[:120],
            prompt_tokens=turn.prompt_tokens,
            completion_tokens=turn.completion_tokens,
            error=turn.error[:300],
            clip_ids=turn.clip_ids,
            tool_call=turn.tool_call.to_json() if turn.tool_call else {},
            hedge=turn.hedge,
        )


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The first relay session is connected."""

    call_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class TokenUsed:
    """A socket was admitted while the database was unavailable: use up its token."""

    call_id: int
    nonce: str


@dataclass(frozen=True, slots=True)
class CallClosed:
    """The call ended. Ignored if the call was closed before."""

    call_id: int
    status: models.Call.Status
    reason: models.Call.EndReason
    at: datetime
    session: int = 0


@dataclass(frozen=True, slots=True)
class RelayLost:
    """The relay session is lost; the call may go on with another."""

    call_id: int
    at: datetime
    session: int


@dataclass(frozen=True, slots=True)
class TransferStarted:
    """The caller is being transferred; `transfer` is JSON of a `Transfer`."""

    call_id: int
    transfer: dict[str, Any]
    session: int


@dataclass(frozen=True, slots=True)
class VariablesFound:
    """The variables of the call, with the results of the lookup."""

    call_id: int
    variables: dict[str, str]


@dataclass(frozen=True, slots=True)
class RecordingWrite:
    """News of a recording of the call."""

    call_id: int
    report: RecordingReport


@dataclass(frozen=True, slots=True)
class CallsAlive:
    """These calls are in progress."""

    call_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class UsageCounted:
    """All that a source knows of a call's usage; replaces what it wrote before."""

    call_sid: str
    source: str
    usages: Sequence[Usage]


Ending = CallClosed | RelayLost | TransferStarted
CallWrite = (
    CallAnswered | TokenUsed | Ending | VariablesFound | RecordingWrite | CallsAlive
)
Write = TurnWrite | CallWrite | UsageCounted
_TURN_FIELDS = [
    field.name
    for field in models.Turn._meta.concrete_fields
    if field.name not in ("id", "call", "index")
]


def write_all(batch: Iterable[Write]) -> None:
    """Carry out writes in one transaction; the last write of a turn wins."""
    batch = list(batch)
    with transaction.atomic():
        turns = [write for write in batch if isinstance(write, TurnWrite)]
        rows = {(write.call_id, write.turn.index): write for write in _current(turns)}
        for write in batch:
            if not isinstance(write, TurnWrite | UsageCounted):
                _apply(write)
        models.Turn.objects.bulk_create(
            [write.row() for write in rows.values()],
            update_conflicts=True,
            unique_fields=["call", "index"],
            update_fields=_TURN_FIELDS,
        )
        closed = {write.call_id for write in batch if isinstance(write, CallClosed)}
        usages = _usages([write for write in batch if isinstance(write, UsageCounted)])
        # Both halves write rows of costs. Locked at once and in one order, so that two
        # processes with each other's calls cannot deadlock.
        models.CallCost.objects.make_due(closed | {row.call_id for row in usages})
        complete(closed)
        models.CallUsage.write(usages)


def _usages(writes: list[UsageCounted]) -> list[models.CallUsage]:
    """Rows of each source's latest word; calls deleted meanwhile are left out."""
    latest = {(write.call_sid, write.source): write.usages for write in writes}
    calls = models.Call.objects.filter(call_sid__in={sid for sid, _ in latest})
    keys = dict(calls.values_list("call_sid", "pk")) if latest else {}
    return [
        models.CallUsage(
            call_id=keys[sid], source=source, entries=[u.to_json() for u in usages]
        )
        for (sid, source), usages in latest.items()
        if sid in keys
    ]


def _current(turns: list[TurnWrite]) -> list[TurnWrite]:
    """Leave out turns of sessions that another session has replaced.

    A replaced session may not have noticed; its turns would overwrite newer ones.
    """
    ids = {write.call_id for write in turns}
    if not ids:
        return []
    calls = models.Call.objects.filter(pk__in=ids)
    sessions = {
        # An unused token means that the latest session has not connected yet.
        pk: reconnects - bool(nonce)
        for pk, reconnects, nonce in calls.values_list(
            "pk", "reconnects", "relay_nonce"
        )
    }
    return [write for write in turns if write.session >= sessions.get(write.call_id, 0)]


def _apply(write: CallWrite) -> None:
    """Update the row of a call."""
    calls = models.Call.objects.all()
    match write:
        case CallAnswered(call_id, at):
            if calls.filter(pk=call_id, answered_at=None).update(answered_at=at):
                transaction.on_commit(metrics.CALLS_ANSWERED.inc)
            ringing = calls.filter(pk=call_id, status=models.Call.Status.RINGING)
            ringing.update(status=models.Call.Status.IN_PROGRESS)
        case TokenUsed(call_id, nonce):
            calls.use_up(nonce, pk=call_id)
        case CallClosed(call_id, status, reason, at, session):
            same_or_older = calls.filter(pk=call_id, reconnects__lte=session)
            mark_closed(same_or_older, status, reason, at)
        case RelayLost(call_id, at, session):
            same = calls.open().filter(pk=call_id, reconnects=session)
            same.update(disconnected_at=at)
        case TransferStarted(call_id, transfer, session):
            same = calls.open().filter(pk=call_id, reconnects=session)
            same.update(transfer=transfer, last_seen_at=Now())
        case VariablesFound(call_id, variables):
            calls.filter(pk=call_id).update(variables=variables)
        case RecordingWrite(call_id, report):
            record_report(call_id, report)
        case CallsAlive(call_ids):
            calls.open().filter(pk__in=call_ids).update(last_seen_at=Now())
