"""Decides which bot answers a call: blocked callers, and limits on calls.

All processes read the same database, so the limits hold for all of them together.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, DurationField, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from bots.models import PhoneNumber
from bots.number_routing import NoAnswer, RoutingAnswer, own_number, route
from bots.opening.diversion import Diversion
from calls.blocking import patterns_for
from calls.costs.admission import BudgetAnswer, admit, reserve
from calls.db import run_in_incoming_thread
from calls.models import BlockedCaller, Budget, Call
from calls.webhooks.call_limits import CallLimits, CurrentLoad, LimitExceeded
from calls.webhooks.open_call import SID_LENGTH, is_outbound, open_call, our_number

LAST_HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CONNECTING_OR_TALKING = (Call.Status.RINGING, Call.Status.IN_PROGRESS)
INBOUND, OUTBOUND = Call.Direction.INBOUND, Call.Direction.OUTBOUND
# The length of calls; of one in progress, until now.
TALKED = Sum(
    Coalesce("ended_at", Now()) - Coalesce("answered_at", "started_at"),
    output_field=DurationField(),
)


# Each function below visits the database once, because the caller waits for it.


@run_in_incoming_thread
def choose_bot(form: Mapping[str, str]) -> RoutingAnswer:
    """The bot that answers a call, or the reason why none does.

    Hours and outages are for people who call us, and not for a call in progress.
    """
    ours = own_number(our_number(form))
    if is_outbound(form):
        return route(ours)
    if matching_block(form.get("From", ""), ours).exists():
        return RoutingAnswer(NoAnswer.BLOCKED, "The caller is blocked.")
    answer = route(ours, timezone.now())
    if answer.diversion:
        same_call = Call.objects.open().filter(call_sid=form["CallSid"][:SID_LENGTH])
        return replace(answer, diversion=None) if same_call.exists() else answer
    return answer


@run_in_incoming_thread
def create_call(
    form: Mapping[str, str],
    answer: RoutingAnswer,
    parameters: Mapping[str, str],
) -> tuple[Call, LimitExceeded | None, Diversion | None]:
    """Create the call's row; also returns the limit that the call exceeds.

    And the diversion, which may be that of a spent budget. Budgets are asked before the
    row exists, in its transaction. The limit is checked after it exists, so that of
    several simultaneous calls each sees those before it.
    """
    with transaction.atomic():
        asked = _ask_budgets(form, answer)
        answer = asked.answer
        assert answer.bot  # noqa: S101  (for the type checker)
        call = open_call(form, answer.bot, parameters, answer.diversion)
        reserve(call, asked)
    return call, exceeded_limit(call), answer.diversion


def _ask_budgets(form: Mapping[str, str], answer: RoutingAnswer) -> BudgetAnswer:
    """Ask them about a call with a bot.

    A call in progress goes on, whatever Twilio asks about it.
    """
    if answer.diversion and not answer.diversion.takes_message:
        return BudgetAnswer(answer, date.min)
    now, is_ours = timezone.now(), is_outbound(form)
    asked = admit(answer, our_number(form), now, is_outbound=is_ours)
    if asked.answer is not answer:
        same_call = Call.objects.open().filter(call_sid=form["CallSid"][:SID_LENGTH])
        if same_call.exists():
            return BudgetAnswer(answer, date.min)
    return asked


def dry_run() -> None:
    """Run the queries of an incoming call, for no number in particular."""
    matching_block("").exists()
    route("", timezone.now())
    Budget.objects.exists()
    load_holidays()


def load_holidays() -> None:
    """Read the holidays of all numbers, which takes a while for a new country."""
    for number in PhoneNumber.objects.exclude(holiday_country=""):
        number.state_at(timezone.now())


def matching_block(number: str, called: str = "") -> "QuerySet[BlockedCaller]":
    """The blocklist entries that match a caller."""
    return BlockedCaller.objects.filter(pattern__in=patterns_for(number, called))


def exceeded_limit(call: Call) -> LimitExceeded | None:
    """The limit that a new call exceeds.

    Only calls created before it count, so simultaneous calls fill the limit exactly.
    """
    earlier = Call.objects.real().filter(pk__lt=call.pk)
    since_yesterday = earlier.filter(started_at__gt=timezone.now() - DAY)
    limits, load = _limits(call), CurrentLoad()
    if limits.concerns_caller:
        load = _load_of_caller(since_yesterday.filter(_same_caller(call)))
    if limits.of_number:
        load = replace(load, of_number=_calls_of_number(earlier, call.our_number))
    if limits.minutes:
        load = replace(load, minutes=_minutes(since_yesterday.aggregate(sum=TALKED)))
    return limits.exceeded(load)


def _limits(call: Call) -> CallLimits:
    """The limits for a call; for one that we place, not those of its caller."""
    number = PhoneNumber.objects.filter(number=call.our_number)
    limits = CallLimits(
        number.values_list("max_concurrent_calls", flat=True).first() or 0,
        minutes=settings.MAX_MINUTES_PER_DAY,
    )
    if call.direction != INBOUND:
        return limits
    if not call.caller:
        return replace(
            limits,
            of_caller=settings.MAX_CALLS_FROM_HIDDEN_NUMBERS,
            of_caller_last_hour=settings.MAX_CALLS_FROM_HIDDEN_NUMBERS_PER_HOUR,
            is_hidden=True,
        )
    return replace(
        limits,
        of_caller=settings.MAX_CALLS_PER_CALLER,
        of_caller_last_hour=settings.MAX_CALLS_PER_CALLER_PER_HOUR,
        caller_minutes=settings.MAX_MINUTES_PER_CALLER_PER_DAY,
    )


def _same_caller(call: Call) -> Q:
    """The caller's calls to us. The host of a SIP address counts for nothing here.

    A caller writes it, so every host would be a new caller with limits of its own.
    """
    user, at, _ = call.caller.rpartition("@")
    if at and user.startswith("sip:"):
        return Q(direction=INBOUND, caller__startswith=f"{user}@")
    return Q(direction=INBOUND, caller=call.caller)


def _load_of_caller(calls: "QuerySet[Call]") -> CurrentLoad:
    last_hour = Q(started_at__gt=timezone.now() - LAST_HOUR)
    counts = calls.aggregate(
        current=Count("pk", filter=Q(status__in=CONNECTING_OR_TALKING)),
        last_hour=Count("pk", filter=last_hour & ~Q(status=Call.Status.REFUSED)),
        sum=TALKED,
    )
    return CurrentLoad(
        of_caller=counts["current"],
        of_caller_last_hour=counts["last_hour"],
        caller_minutes=_minutes(counts),
    )


def _calls_of_number(calls: "QuerySet[Call]", number: str) -> int:
    same_number = Q(to_number=number, direction=INBOUND)
    same_number |= Q(from_number=number, direction=OUTBOUND)
    return calls.filter(same_number, status__in=CONNECTING_OR_TALKING).count()


def _minutes(aggregate: Mapping[str, Any]) -> float:
    talked: timedelta = aggregate["sum"] or timedelta()
    return talked / timedelta(minutes=1)
