"""Budgets and calls that begin: if one more may, and what is set aside for it.

A call sets an amount aside until its cost is known, so that of many calls at once only
as many begin as the budget has room for. `admit` locks the budgets, which makes calls
wait for each other for the time of a few queries.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from django.conf import settings
from django.db.models import QuerySet

from bots.models import Bot
from bots.number_routing import RoutingAnswer, when_spent
from bots.opening.diversion import Action, Diversion, Reason
from calls.costs.budgets import Spendings
from calls.costs.price_list import price_book
from calls.costs.settling import local_day, site_zone
from calls.models import Budget, Call, CallCost
from calls.prices.budget_rules import takes_a_call, to_reserve
from calls.prices.calculation import cost_of, lines_of
from calls.prices.number_kinds import number_kind
from calls.prices.price_book import PriceBook
from calls.prices.usage import Kind, Usage

# Budgets may lead from one bot to another so many times.
MAX_BOTS = 3
# What a talkative minute uses, for a bot's first calls: answers to six long prompts.
TALKATIVE = {
    Kind.TOKENS_READ: 60_000,
    Kind.TOKENS_WRITTEN: 1_000,
    Kind.SPEECH: 1_200,
}


@dataclass(frozen=True, slots=True)
class BudgetAnswer:
    """The answer to a call after all budgets were asked.

    `reserved` is set aside for the call, None if no budget counts it.
    """

    answer: RoutingAnswer
    day: date
    reserved: Decimal | None = None


def answer_now(answer: RoutingAnswer, called: str, now: datetime) -> RoutingAnswer:
    """The answer to a call at this moment, without making one."""
    if answer.diversion and not answer.diversion.takes_message:
        return answer
    return _ask(list(_acting_budgets()), answer, called, now).answer


def admit(
    answer: RoutingAnswer, called: str, now: datetime, *, is_outbound: bool = False
) -> BudgetAnswer:
    """Ask the budgets of the bot that would answer a call to a number of ours.

    Belongs into the transaction that creates the call. Without budgets it costs one
    query, else three more, and a few if one is spent or for a bot's first call. A call
    that we place is only set aside: the person has picked up already.
    """
    # Locked in one order by all processes.
    budgets = list(_acting_budgets().select_for_update())
    if is_outbound:
        return _set_aside(budgets, answer, called, now)
    return _ask(budgets, answer, called, now)


def _acting_budgets() -> "QuerySet[Budget]":
    return Budget.objects.exclude(action=Budget.Action.WARN).order_by("pk")


def _ask(
    budgets: list[Budget], answer: RoutingAnswer, called: str, now: datetime
) -> BudgetAnswer:
    bot = answer.bot
    if bot is None or not budgets:
        return BudgetAnswer(answer, date.min)
    today = local_day(now)
    spendings = Spendings.until(today)
    for _ in range(MAX_BOTS):
        concerned = _of_bot(budgets, bot)
        spent = (
            one
            for one in concerned
            if not takes_a_call(one.limit, spendings.of(one, today))
        )
        if (budget := next(spent, None)) is None:
            reserved = _reserved(bot, called, spendings, today) if concerned else None
            return BudgetAnswer(answer, today, reserved)
        answer = diverted(answer, budget)
        if answer.diversion or answer.bot is None:
            return BudgetAnswer(answer, today)
        bot = answer.bot
    return BudgetAnswer(diverted(answer, None), today)


def _set_aside(
    budgets: list[Budget], answer: RoutingAnswer, called: str, now: datetime
) -> BudgetAnswer:
    bot = answer.bot
    if bot is None or not _of_bot(budgets, bot):
        return BudgetAnswer(answer, date.min)
    today = local_day(now)
    reserved = _reserved(bot, called, Spendings.until(today), today)
    return BudgetAnswer(answer, today, reserved)


def _of_bot(budgets: list[Budget], bot: Bot) -> list[Budget]:
    """The budgets that count calls of a bot; its own ones act first."""
    found = [budget for budget in budgets if budget.bot_id in (None, bot.pk)]
    return sorted(found, key=lambda budget: budget.bot_id is None)


def diverted(answer: RoutingAnswer, budget: Budget | None) -> RoutingAnswer:
    """The answer while a budget is spent; without one, its message."""
    if budget is None:
        instead, why = (
            Diversion(Reason.BUDGET, Action.MESSAGE),
            "All budgets are spent.",
        )
        return when_spent(answer, None, instead, why)
    other = None
    if budget.action == Budget.Action.BOT and budget.other_bot_id:
        other = Bot.objects.filter(pk=budget.other_bot_id).first_with_related()
    is_transfer = budget.action == Budget.Action.TRANSFER
    instead = Diversion(
        Reason.BUDGET,
        Action.TRANSFER if is_transfer else Action.MESSAGE,
        budget.message,
        budget.transfer_number,
    )
    return when_spent(answer, other, instead, f"{budget} is spent.")


def reserve(call: Call, answer: BudgetAnswer) -> None:
    """Set aside what the call may cost; a repeated request changes nothing."""
    if answer.reserved is not None:
        row = CallCost(
            call=call,
            day=answer.day,
            reserved=answer.reserved,
            currency=settings.CURRENCY,
        )
        CallCost.objects.bulk_create([row], ignore_conflicts=True)


def reserve_open_calls(now: datetime) -> None:
    """Set an amount aside for the calls that are in progress when a budget is made."""
    budgets, zone = list(_acting_budgets()), site_zone()
    today, prices = local_day(now, zone), cache(price_book)
    calls = Call.objects.open().real().select_related("bot")
    calls = calls.exclude(bot=None).exclude(cost__reserved__isnull=False)
    # Rows of costs are written in one order by all processes.
    calls = calls.order_by("pk")
    spendings = Spendings.until(today)
    rows = [
        CallCost(
            call=call,
            day=local_day(call.started_at, zone),
            reserved=_reserved(call.bot, call.our_number, spendings, today, prices),
            currency=settings.CURRENCY,
        )
        for call in calls.defer("settings", "search_text")
        if call.bot and _of_bot(budgets, call.bot)
    ]
    CallCost.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["call"],
        update_fields=["day", "reserved", "currency"],
    )


def _reserved(
    bot: Bot,
    called: str,
    spendings: Spendings,
    today: date,
    prices: Callable[[], PriceBook] = price_book,
) -> Decimal:
    """The amount for a call; prices are read only for a bot's first calls."""
    dearest = spendings.dearest.get(bot.pk)
    minute = Decimal() if dearest else _minute(bot, called, today, prices())
    return to_reserve(dearest, bot.max_call_minutes, minute)


def _minute(bot: Bot, called: str, today: date, book: PriceBook) -> Decimal:
    """The price of a talkative minute with a bot, as far as prices are known."""
    usages = [
        Usage(Kind.LINE_IN, number_kind(called), 60),
        Usage(Kind.RELAY, quantity=60),
        *(
            Usage(
                kind, bot.tts_model if kind is Kind.SPEECH else bot.llm_model, quantity
            )
            for kind, quantity in TALKATIVE.items()
        ),
    ]
    return cost_of(lines_of(usages, book, today)).amount
