"""The queue of post-call tasks in the database: claim, settle, release, retry.

A claim moves `due_at` into the future, by more than an attempt may take. If the
process that made it dies, another one claims the task then. All times compared are
the database's own.
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

# Longest attempt in seconds, and for how long a claim keeps other processes away.
SECONDS = {Kind.SUMMARY: 75.0, Kind.WEBHOOK: 15.0}
LEASES = {kind: timedelta(seconds=most + 30) for kind, most in SECONDS.items()}
# Attempts kept in the log of a task; operators may retry it any number of times.
MAX_LOG_ENTRIES = 30


@dataclass(frozen=True, slots=True)
class ClaimedTask:
    """A task that only this process runs now; `attempt` counts from 1."""

    pk: int
    kind: Kind
    attempt: int
    call_id: int
    call_sid: str
    bot_id: int | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of an attempt. Its message quotes nothing of the call.

    `status` is the HTTP status, 0 without a response. A `final` attempt is not retried.
    """

    done: bool
    message: str = ""
    status: int = 0
    final: bool = False


# For the admin


def current_config(call: Call) -> BotConfig:
    """The bot's settings as they are now, so that a correction counts at once.

    If the bot was deleted: the settings that the call ran with.
    """
    return config_of(call.bot) if call.bot else config_from_json(call.settings)


def available_kinds(call: Call) -> list[Kind]:
    """The kinds of tasks that an operator may start for a call."""
    if call.status not in Call.OVER or call.status == Call.Status.REFUSED:
        return []
    return task_kinds(call, call.bot or config_from_json(call.settings))


def retry_now(call: Call, kind: Kind) -> None:
    """Make a task due now, new or not; a finished one starts with attempt 1 again."""
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
    kind: Kind, limit: int, limit_per_bot: int, running: Counter[int | None]
) -> list[ClaimedTask]:
    """Claim up to `limit` due tasks; `running` counts the tasks of each bot so far."""
    full = [bot for bot, count in running.items() if count >= limit_per_bot and bot]
    due = _due(kind).exclude(call__bot__in=full).order_by("due_at")
    fields = ("pk", "attempts", "call_id", "call__call_sid", "call__bot_id")
    count, claimed = Counter(running), list[ClaimedTask]()
    for pk, attempts, call_id, sid, bot_id in due.values_list(*fields)[: 3 * limit]:
        if len(claimed) == limit:
            break
        if count[bot_id] >= limit_per_bot:
            continue
        # Of several processes the database lets one update the row; then it is not due.
        same = PostCallTask.objects.filter(pk=pk, attempts=attempts)
        same = same.filter(state=State.WAITING, due_at__lte=Now())
        if same.update(attempts=attempts + 1, due_at=Now() + LEASES[kind]):
            claimed.append(ClaimedTask(pk, kind, attempts + 1, call_id, sid, bot_id))
            count[bot_id] += 1
    return claimed


def _due(kind: Kind) -> QuerySet[PostCallTask]:
    due = PostCallTask.objects.filter(kind=kind, state=State.WAITING, due_at__lte=Now())
    if kind is not Kind.WEBHOOK:
        return due
    # The webhook contains the summary, so it waits for it.
    summaries = PostCallTask.objects.filter(
        call=OuterRef("call"), kind=Kind.SUMMARY, state=State.WAITING
    )
    return due.exclude(Exists(summaries))


@transaction.atomic
def settle(task: ClaimedTask, attempt: Attempt, ms: int, jitter: float) -> State | None:
    """Record an attempt. None if another process has claimed the task since."""
    rows = PostCallTask.objects.select_for_update().filter(
        pk=task.pk, state=State.WAITING, attempts=task.attempt
    )
    if (row := rows.first()) is None:
        return None
    delay = retry_schedule.delay_after(task.kind, task.attempt, jitter)
    if attempt.done:
        row.state = State.DONE
    elif attempt.final or delay is None:
        row.state = State.FAILED
    else:
        row.due_at = Now() + timedelta(seconds=delay)
    row.log = [*row.log, _entry(attempt, ms)][-MAX_LOG_ENTRIES:]
    row.save(update_fields=["state", "due_at", "log"])
    return State(row.state)


def _entry(attempt: Attempt, ms: int) -> dict[str, Any]:
    return {
        "at": timezone.now().isoformat(timespec="seconds"),
        "ms": ms,
        "done": attempt.done,
        "status": attempt.status,
        "words": attempt.message,
    }


def release(claimed: Iterable[int]) -> None:
    """Make claimed tasks due again at once, for other processes."""
    left = PostCallTask.objects.filter(pk__in=list(claimed), state=State.WAITING)
    left.update(due_at=Now())


def waiting() -> dict[str, int]:
    """The number of waiting tasks of each kind."""
    rows = PostCallTask.objects.filter(state=State.WAITING).order_by()
    counted = dict(rows.values_list("kind").annotate(Count("pk")))
    return {kind: counted.get(kind, 0) for kind in Kind}
