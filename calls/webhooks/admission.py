"""Who may have a call: the blocked, and the caps on callers and numbers.

Every process asks the same database, so that the caps hold for all of them together.
"""

from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from bots.models import Bot, PhoneNumber
from bots.number_routing import NoAnswer, bot_for
from calls.blocking import is_withheld, patterns_for
from calls.db import run_in_incoming_thread
from calls.models import BlockedCaller, Call
from calls.webhooks.call_limits import CallLimits, CurrentLoad, LimitExceeded
from calls.webhooks.open_call import open_call, our_number

LAST_HOUR = timedelta(hours=1)
RINGS_OR_TALKS = (Call.Status.RINGING, Call.Status.IN_PROGRESS)
INBOUND, OUTBOUND = Call.Direction.INBOUND, Call.Direction.OUTBOUND


# Each is one visit to the database: the caller waits for them.


@run_in_incoming_thread
def choose_bot(form: Mapping[str, str]) -> Bot | NoAnswer:
    """The bot that is to take a call, or why none does."""
    inbound = not form.get("Direction", "").startswith("outbound")
    if inbound and matching_block(form.get("From", "")).exists():
        return NoAnswer.BLOCKED
    return bot_for(our_number(form))


@run_in_incoming_thread
def create_call(
    form: Mapping[str, str], bot: Bot, parameters: Mapping[str, str]
) -> tuple[Call, LimitExceeded | None]:
    """The call, and the cap that it is one too many for.

    Looked at once the call is noted: of several at once none sees the others before.
    """
    call = open_call(form, bot, parameters)
    return call, exceeded_limit(call)


def dry_run() -> None:
    """Read what a call that rings reads, of no number in particular."""
    matching_block("").exists()
    bot_for("")


def matching_block(number: str) -> "QuerySet[BlockedCaller]":
    """The entries that keep a caller out."""
    return BlockedCaller.objects.filter(pattern__in=patterns_for(number))


def exceeded_limit(call: Call) -> LimitExceeded | None:
    """The cap that a call which has just been noted is one too many for.

    Only calls noted before it count: of several at once, as many get in as may.
    """
    earlier = Call.objects.real().filter(pk__lt=call.pk)
    inbound = call.direction == INBOUND
    ours = call.to_number if inbound else call.from_number
    caps = _caps(call, ours)
    load = CurrentLoad()
    if caps.of_caller or caps.of_caller_last_hour:
        load = _of_caller(earlier.filter(from_number=call.from_number))
    if caps.of_number:
        theirs = Q(to_number=ours, direction=INBOUND)
        theirs |= Q(from_number=ours, direction=OUTBOUND)
        going_on = earlier.filter(theirs, status__in=RINGS_OR_TALKS)
        load = CurrentLoad(going_on.count(), load.of_caller, load.of_caller_last_hour)
    return caps.exceeded(load)


def _caps(call: Call, ours: str) -> CallLimits:
    """The caps of a call. Those who hide their number are not one caller."""
    known = PhoneNumber.objects.filter(number=ours).values_list(
        "max_concurrent_calls", flat=True
    )
    of_number = known.first() or 0
    if call.direction != INBOUND or is_withheld(call.from_number):
        return CallLimits(of_number)
    return CallLimits(
        of_number,
        settings.MAX_CALLS_PER_CALLER,
        settings.MAX_CALLS_PER_CALLER_PER_HOUR,
    )


def _of_caller(calls: "QuerySet[Call]") -> CurrentLoad:
    inbound = calls.filter(direction=INBOUND)
    taken = inbound.exclude(status=Call.Status.REFUSED)
    lately = taken.filter(started_at__gt=timezone.now() - LAST_HOUR)
    going_on = inbound.filter(status__in=RINGS_OR_TALKS)
    return CurrentLoad(0, going_on.count(), lately.count())
