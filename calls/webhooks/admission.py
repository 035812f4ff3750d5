"""Decides which bot answers a call: blocked callers, and limits on calls.

All processes read the same database, so the limits hold for all of them together.
"""

from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from bots.models import Bot, PhoneNumber
from bots.number_routing import NoAnswer, bot_for, own_number
from calls.blocking import patterns_for
from calls.db import run_in_incoming_thread
from calls.models import BlockedCaller, Call
from calls.webhooks.call_limits import CallLimits, CurrentLoad, LimitExceeded
from calls.webhooks.open_call import is_outbound, open_call, our_number

LAST_HOUR = timedelta(hours=1)
CONNECTING_OR_TALKING = (Call.Status.RINGING, Call.Status.IN_PROGRESS)
INBOUND, OUTBOUND = Call.Direction.INBOUND, Call.Direction.OUTBOUND


# Each function below visits the database once, because the caller waits for it.


@run_in_incoming_thread
def choose_bot(form: Mapping[str, str]) -> Bot | NoAnswer:
    """The bot that answers a call, or the reason why none does."""
    ours = own_number(our_number(form))
    if not is_outbound(form) and matching_block(form.get("From", ""), ours).exists():
        return NoAnswer.BLOCKED
    return bot_for(ours)


@run_in_incoming_thread
def create_call(
    form: Mapping[str, str], bot: Bot, parameters: Mapping[str, str]
) -> tuple[Call, LimitExceeded | None]:
    """Create the call's row; also returns the limit that the call exceeds.

    The limit is checked after the row exists, so that of several simultaneous calls
    each sees those before it.
    """
    call = open_call(form, bot, parameters)
    return call, exceeded_limit(call)


def dry_run() -> None:
    """Run the queries of an incoming call, for no number in particular."""
    matching_block("").exists()
    bot_for("")


def matching_block(number: str, called: str = "") -> "QuerySet[BlockedCaller]":
    """The blocklist entries that match a caller."""
    return BlockedCaller.objects.filter(pattern__in=patterns_for(number, called))


def exceeded_limit(call: Call) -> LimitExceeded | None:
    """The limit that a new call exceeds.

    Only calls created before it count, so simultaneous calls fill the limit exactly.
    """
    earlier = Call.objects.real().filter(pk__lt=call.pk)
    limits = _limits(call)
    load = CurrentLoad()
    if limits.of_caller or limits.of_caller_last_hour:
        load = _load_of_caller(earlier.filter(caller=call.caller))
    if limits.of_number:
        number = call.our_number
        same_number = Q(to_number=number, direction=INBOUND)
        same_number |= Q(from_number=number, direction=OUTBOUND)
        current = earlier.filter(same_number, status__in=CONNECTING_OR_TALKING)
        load = CurrentLoad(current.count(), load.of_caller, load.of_caller_last_hour)
    return limits.exceeded(load)


def _limits(call: Call) -> CallLimits:
    """The limits for a call. Callers with hidden numbers are not one caller."""
    number = PhoneNumber.objects.filter(number=call.our_number)
    of_number = number.values_list("max_concurrent_calls", flat=True).first() or 0
    if call.direction != INBOUND or not call.caller:
        return CallLimits(of_number)
    return CallLimits(
        of_number,
        settings.MAX_CALLS_PER_CALLER,
        settings.MAX_CALLS_PER_CALLER_PER_HOUR,
    )


def _load_of_caller(calls: "QuerySet[Call]") -> CurrentLoad:
    inbound = calls.filter(direction=INBOUND)
    answered = inbound.exclude(status=Call.Status.REFUSED)
    last_hour = answered.filter(started_at__gt=timezone.now() - LAST_HOUR)
    current = inbound.filter(status__in=CONNECTING_OR_TALKING)
    return CurrentLoad(0, current.count(), last_hour.count())
