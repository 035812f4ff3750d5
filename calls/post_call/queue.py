"""What is owed after a call: noted as it ends, claimed, and settled, in the database.

A claim moves `due_at` into the future: whoever made it is done by then, or dead, and
another process takes it up. All moments compared are the database's.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from bots.config.bot_config import BotConfig
from bots.config_builder import config_from_json, config_of
from calls.models import Call, PostCallTask
from calls.models.post_call_task import Kind, State
from calls.post_call import retry_schedule
from calls.transcripts.task_creation import task_kinds

# How long an attempt may take at most, and how long it is left alone (s).
SECONDS = {Kind.SUMMARY: 75.0, Kind.WEBHOOK: 15.0}
LEASES = {kind: timedelta(seconds=most + 30) for kind, most in SECONDS.items()}
# How many attempts are kept, of one that was asked for again and again.
KEPT = 30


@dataclass(frozen=True, slots=True)
class ClaimedTask:
    """A followup that this process does now, and no other; its `attempt` from 1."""

    pk: int
    kind: Kind
    attempt: int
    call_id: int
    call_sid: str
    bot_id: int | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of it, in words that hold nothing of the call.

    `status` is the receiver's, 0 where none answered. A `final` one is not repeated.
    """

    done: bool
    words: str = ""
    status: int = 0
    final: bool = False


# At the desk


def profile_of(call: Call) -> BotConfig:
    """The bot's settings as they are now: what was put right counts at once.

    Of a bot that is gone, those that the call ran with.
    """
    return config_of(call.bot) if call.bot else config_from_json(call.settings)


def available_kinds(call: Call) -> list[Kind]:
    """What can be done for a call, again or for the first time."""
    if call.status not in Call.OVER or call.status == Call.Status.REFUSED:
        return []
    return task_kinds(call, call.bot or config_from_json(call.settings))


def retry_now(call: Call, kind: Kind) -> None:
    """Do it now, whatever came of it before; what waits is not made to wait on."""
    with transaction.atomic():
        first = {"due_at": Now()}
        row, _ = PostCallTask.objects.get_or_create(
            call=call, kind=kind, defaults=first
        )
        same = PostCallTask.objects.filter(pk=row.pk)
        same.exclude(state=State.WAITING).update(state=State.WAITING, attempts=0)
        same.update(due_at=Now())


# By the worker


def claim(
    kind: Kind, most: int, each: int, running: Counter[int | None]
) -> list[ClaimedTask]:
    """Take some of what is due, of no bot more than `each` with what is `running`."""
    crowded = [bot for bot, count in running.items() if count >= each and bot]
    due = _due(kind).exclude(call__bot__in=crowded).order_by("due_at")
    about = ("pk", "attempts", "call_id", "call__call_sid", "call__bot_id")
    count, taken = Counter(running), list[ClaimedTask]()
    for pk, attempts, call_id, sid, bot_id in due.values_list(*about)[: 3 * most]:
        if len(taken) == most:
            break
        if count[bot_id] >= each:
            continue
        # The database lets one process change the row first; it is not due any more.
        same = PostCallTask.objects.filter(pk=pk, attempts=attempts)
        same = same.filter(state=State.WAITING, due_at__lte=Now())
        if same.update(attempts=attempts + 1, due_at=Now() + LEASES[kind]):
            taken.append(ClaimedTask(pk, kind, attempts + 1, call_id, sid, bot_id))
            count[bot_id] += 1
    return taken


def _due(kind: Kind) -> QuerySet[PostCallTask]:
    due = PostCallTask.objects.filter(kind=kind, state=State.WAITING, due_at__lte=Now())
    if kind is not Kind.WEBHOOK:
        return due
    # What the webhook gets has the summary in it.
    summing_up = PostCallTask.objects.filter(
        call=OuterRef("call"), kind=Kind.SUMMARY, state=State.WAITING
    )
    return due.exclude(Exists(summing_up))


@transaction.atomic
def settle(due: ClaimedTask, attempt: Attempt, ms: int, luck: float) -> State | None:
    """Write down what came of an attempt; None where another has taken it up since."""
    rows = PostCallTask.objects.select_for_update().filter(
        pk=due.pk, state=State.WAITING, attempts=due.attempt
    )
    if (row := rows.first()) is None:
        return None
    wait = (
        None
        if attempt.final
        else retry_schedule.delay_after(due.kind, due.attempt, luck)
    )
    if attempt.done:
        row.state = State.DONE
    elif wait is None:
        row.state = State.FAILED
    else:
        row.due_at = Now() + timedelta(seconds=wait)
    row.log = [*row.log, _entry(attempt, ms)][-KEPT:]
    row.save(update_fields=["state", "due_at", "log"])
    return State(row.state)


def _entry(attempt: Attempt, ms: int) -> dict[str, Any]:
    return {
        "at": timezone.now().isoformat(timespec="seconds"),
        "ms": ms,
        "done": attempt.done,
        "status": attempt.status,
        "words": attempt.words,
    }


def release(claimed: Iterable[int]) -> None:
    """Let others take up at once what was begun here and not done."""
    left = PostCallTask.objects.filter(pk__in=list(claimed), state=State.WAITING)
    left.update(due_at=Now())


def waiting() -> dict[str, int]:
    """How many wait, of each kind."""
    rows = PostCallTask.objects.filter(state=State.WAITING).order_by()
    counted = dict(rows.values_list("kind").annotate(Count("pk")))
    return {kind: counted.get(kind, 0) for kind in Kind}
