"""Calculates the cost of calls, beside them: when they end, and when more is known.

A call is due when something of it was written. Several processes may calculate at once:
each takes rows that no other has locked. SQLite has one lock for all writers, so no
transaction has many calls, and after each there is a pause for the writes of calls.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from operator import itemgetter
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest, Now
from django.utils import timezone

from bots.site_settings.current import site_values
from calls import metrics
from calls.costs.call_usage import next_change, usages_of
from calls.costs.price_list import price_book, with_listed_prices
from calls.db import run_in_db_thread
from calls.models import Call, CallCost, DaySpending
from calls.prices.calculation import cost_of, lines_of
from calls.prices.price_book import PriceBook
from calls.prices.usage import Usage

# Calls of one transaction that calculates, and of one that makes them due: again, or
# for the first time.
CHUNK, DUE_CHUNK, NEW_CHUNK = 10, 500, 100
# A writer that waits for SQLite's lock tries again after at most 25 ms, unless it has
# waited long already.
PAUSE_SECONDS = 0.05
FIELDS = [
    *("day", "amount", "is_partial", "currency", "lines"),
    *("calculated_at", "due_at", "counted", "reserved"),
]
# A call in progress with a budget is calculated so often, if nothing is written of it.
OPEN_AGAIN = timedelta(seconds=60)


@dataclass(slots=True)
class Change:
    """The part of a day's spending that some calls add."""

    amount: Decimal = Decimal()
    calls: int = 0
    dearest: Decimal = Decimal()


# By day, bot and currency.
Changes = defaultdict[tuple[date, int, str], Change]


async def settle_due() -> None:
    """Calculate the calls that are due, a few at a time."""
    while True:
        if not await run_in_db_thread(settle_some)():
            return
        await asyncio.sleep(PAUSE_SECONDS)


def settle_some() -> int:
    """Calculate a few calls that are due; returns how many."""
    return _settle(_due()) if _due().exists() else 0


def settle_call(call_id: int) -> None:
    """Calculate a call now, for a reader who waits for it.

    If another process is just doing so, wait for that one.
    """
    _settle(CallCost.objects.filter(call=call_id, due_at__isnull=False), waits=True)


def settle_again(first: date, last: date) -> int:
    """Have the calls of some days calculated again; returns how many.

    With the prices as they are now, each of its day.
    """
    zone = site_zone()
    begin = datetime.combine(first, datetime.min.time(), zone)
    end = datetime.combine(last + timedelta(days=1), datetime.min.time(), zone)
    calls = Call.objects.filter(started_at__gte=begin, started_at__lt=end)
    over = calls.filter(status__in=Call.OVER)
    known = list(over.exclude(cost=None).values_list("pk", flat=True))
    new = list(over.filter(cost=None).values_list("pk", flat=True))
    _in_pieces(_make_due_again, known, DUE_CHUNK)
    _in_pieces(CallCost.objects.make_due, new, NEW_CHUNK)
    return len(known) + len(new)


def _in_pieces(
    write: Callable[[Sequence[int]], None], ids: Sequence[int], size: int
) -> None:
    for start in range(0, len(ids), size):
        write(ids[start : start + size])
        time.sleep(PAUSE_SECONDS)


@transaction.atomic
def _make_due_again(calls: Sequence[int]) -> None:
    """Do the same as `make_due` for rows that exist, in a tenth of the time."""
    rows = CallCost.objects.filter(call__in=calls)
    # Locked in the order of `make_due`, so that two processes cannot deadlock.
    list(rows.order_by("call").select_for_update().values_list("pk"))
    rows.update(due_at=Now())


def site_zone() -> ZoneInfo:
    """The time zone of the deployment, by which days and months begin."""
    return ZoneInfo(site_values().time_zone)


def local_day(moment: datetime, zone: ZoneInfo | None = None) -> date:
    """The day of a moment at the deployment, whose `zone` may be read already."""
    return moment.astimezone(zone or site_zone()).date()


def _due() -> QuerySet[CallCost]:
    counts = Q(call__status__in=Call.OVER) | Q(reserved__isnull=False)
    return CallCost.objects.filter(counts, due_at__lte=Now()).order_by("due_at", "pk")


@transaction.atomic
def _settle(due: QuerySet[CallCost], *, waits: bool = False) -> int:
    skip = connection.features.has_select_for_update_skip_locked and not waits
    rows = list(due.select_for_update(of=("self",), skip_locked=skip)[:CHUNK])
    calls = Call.objects.defer("settings", "search_text")
    calls = calls.prefetch_related("usages", "recordings")
    by_pk = calls.in_bulk([row.call_id for row in rows])
    now, zone = timezone.now(), site_zone()
    used = {pk: usages_of(call, now) for pk, call in by_pk.items()}
    for row in rows:
        row.day = row.day or local_day(by_pk[row.call_id].started_at, zone)
    of_days = [
        (usage, row.day) for row in rows if row.day for usage in used[row.call_id]
    ]
    book = with_listed_prices(price_book(), of_days)
    changes: Changes = defaultdict(Change)
    for row in rows:
        call = by_pk[row.call_id]
        _calculate(row, used[row.call_id], book, now)
        is_open = call.status not in Call.OVER
        (_keep_reserved if is_open else _count)(row, call, changes)
        row.due_at = now + OPEN_AGAIN if is_open else next_change(call, now)
    for row in rows:
        row.save(update_fields=FIELDS)
    _add_to_days(changes)
    return len(rows)


def _calculate(
    row: CallCost, usages: list[Usage], book: PriceBook, now: datetime
) -> None:
    assert row.day  # noqa: S101  (for the type checker)
    lines = lines_of(usages, book, row.day)
    cost = cost_of(lines)
    row.amount, row.is_partial = cost.amount, cost.is_partial
    row.lines = [line.to_json() for line in lines]
    row.calculated_at = now


def _keep_reserved(row: CallCost, call: Call, changes: Changes) -> None:
    """A call in progress that costs more than was set aside has more set aside."""
    if row.reserved is not None:
        is_same = row.currency == settings.CURRENCY
        reserved = row.reserved if is_same else Decimal()
        row.reserved = max(reserved, row.amount or Decimal())
    row.currency = settings.CURRENCY


def _count(row: CallCost, call: Call, changes: Changes) -> None:
    """Add the cost of an ended call to its day, or what has changed of it.

    If it was counted in another currency, it is taken away there.
    """
    assert row.day and row.amount is not None  # noqa: S101, PT018
    key, currency = (row.day, call.bot_id or 0), row.currency or settings.CURRENCY
    counted = Decimal() if call.is_test else row.amount
    before = row.counted if currency == settings.CURRENCY else Decimal()
    changes[*key, currency].amount -= row.counted
    change = changes[*key, settings.CURRENCY]
    change.amount += counted
    change.calls += bool(counted and not before)
    change.dearest = max(change.dearest, counted)
    if (more := counted - before) > 0:
        counter = metrics.COST.labels(call.bot_name or "-", settings.CURRENCY)
        transaction.on_commit(partial(counter.inc, float(more)))
    row.currency, row.counted, row.reserved = settings.CURRENCY, counted, None


def _add_to_days(changes: Changes) -> None:
    """Write the changes in one order, so that two processes cannot deadlock."""
    for (day, bot, currency), change in sorted(changes.items(), key=itemgetter(0)):
        if not (change.amount or change.calls):
            continue
        row, _ = DaySpending.objects.get_or_create(day=day, bot=bot, currency=currency)
        DaySpending.objects.filter(pk=row.pk).update(
            amount=F("amount") + change.amount,
            calls=F("calls") + change.calls,
            dearest=Greatest("dearest", change.dearest),
        )
