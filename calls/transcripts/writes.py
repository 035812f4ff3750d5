"""TODO."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from calls import metrics, models
from calls.transcripts.closing import complete, mark_closed
from calls.turns.turn import Turn


@dataclass(frozen=True, slots=True)
class TurnWrite:
    """A turn to insert, or to replace at its index."""

    call_id: int
    turn: Turn
    moment: Callable[[float], datetime]
    session: int = 0  # how often the call had been reconnected when it was said

    def row(self) -> models.Turn:
        """The turn as a database row; its clock becomes wall time."""
        turn, ended_at = self.turn, self.turn.ended_at
        text, heard = turn.display_text
        return models.Turn(
            call_id=self.call_id,
            index=turn.index,
            role=turn.role,
            text=text,
            heard_text=heard,
            interrupted=turn.interrupted,
            started_at=self.moment(turn.started_at),
            ended_at=None if ended_at is None else self.moment(ended_at),
            latency_ms=turn.latency_ms,
            model=turn.model[:120],
            prompt_tokens=turn.prompt_tokens,
            completion_tokens=turn.completion_tokens,
            error=turn.error[:300],
            clip_ids=turn.clip_ids,
            tool_call=turn.tool_call.to_json() if turn.tool_call else {},
        )


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The relay is connected."""

    call_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class TokenUsed:
    """A socket was let in without the database, which takes its token for unused."""

    call_id: int
    nonce: str


@dataclass(frozen=True, slots=True)
class CallClosed:
    """The call ended; ignored when something else closed it before."""

    call_id: int
    status: models.Call.Status
    reason: models.Call.EndReason
    at: datetime
    session: int = 0


@dataclass(frozen=True, slots=True)
class RelayLost:
    """The relay is gone; the call may go on with another."""

    call_id: int
    at: datetime
    session: int


@dataclass(frozen=True, slots=True)
class TransferStarted:
    """The caller is being put through; `transfer` says to whom."""

    call_id: int
    transfer: dict[str, Any]
    session: int


@dataclass(frozen=True, slots=True)
class VariablesFound:
    """More variables of the call are known."""

    call_id: int
    variables: dict[str, str]


@dataclass(frozen=True, slots=True)
class CallsAlive:
    """These calls are in progress."""

    call_ids: tuple[int, ...]


Ending = CallClosed | RelayLost | TransferStarted
Note = CallAnswered | TokenUsed | Ending | VariablesFound | CallsAlive
Write = TurnWrite | Note
_TURN_FIELDS = [
    field.name
    for field in models.Turn._meta.concrete_fields
    if field.name not in ("id", "call", "index")
]


def write_all(batch: Iterable[Write]) -> None:
    """Carry out writes in one transaction; the last of a turn's wins."""
    batch = list(batch)
    with transaction.atomic():
        said = [write for write in batch if isinstance(write, TurnWrite)]
        rows = {(write.call_id, write.turn.index): write for write in _current(said)}
        for write in batch:
            if not isinstance(write, TurnWrite):
                _apply(write)
        models.Turn.objects.bulk_create(
            [write.row() for write in rows.values()],
            update_conflicts=True,
            unique_fields=["call", "index"],
            update_fields=_TURN_FIELDS,
        )
        complete({write.call_id for write in batch if isinstance(write, CallClosed)})


def _current(said: list[TurnWrite]) -> list[TurnWrite]:
    """Without what a session says whose call has gone on in another.

    Such a session has not noticed yet; its turns would replace those of the other.
    """
    ids = {write.call_id for write in said}
    calls = (
        models.Call.objects.filter(pk__in=ids) if ids else models.Call.objects.none()
    )
    sessions = {
        pk: reconnects - bool(offered)  # nobody has connected to one just offered
        for pk, reconnects, offered in calls.values_list(
            "pk", "reconnects", "relay_nonce"
        )
    }
    return [w for w in said if w.session >= sessions.get(w.call_id, 0)]


def _apply(write: Note) -> None:
    """Write what became of a call."""
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
            closing = calls.filter(pk=call_id, reconnects__lte=session)
            mark_closed(closing, status, reason, at)
        case RelayLost(call_id, at, session):
            left = calls.open().filter(pk=call_id, reconnects=session)
            left.update(disconnected_at=at)
        case TransferStarted(call_id, transfer, session):
            left = calls.open().filter(pk=call_id, reconnects=session)
            left.update(transfer=transfer, last_seen_at=Now())
        case VariablesFound(call_id, variables):
            calls.filter(pk=call_id).update(variables=variables)
        case CallsAlive(call_ids):
            calls.open().filter(pk__in=call_ids).update(last_seen_at=Now())
