"""Budgets: what is spent of them, and if one more call may begin.

A call that begins sets an amount aside until its cost is known, so that of many calls
at once only as many begin as the budget has room for. `admit` locks the budgets, which
makes calls wait for each other for the time of a few queries.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import QuerySet, Sum

from bots.models import Bot
from bots.number_routing import RoutingAnswer, when_spent
from bots.opening.diversion import Action, Diversion, Reason
from calls.costs.price_list import price_book
from calls.costs.settling import local_day
from calls.models import Budget, Call, CallCost, DaySpending
from calls.prices.budget_rules import (
    Level,
    Period,
    Spending,
    level_of,
    takes_a_call,
    to_reserve,
)
from calls.prices.calculation import cost_of, lines_of
from calls.prices.money import amount_text
from calls.prices.number_kinds import number_kind
from calls.prices.usage import Kind, Usage

# The dearest call of so many days is what another one may cost.
LOOK_BACK = timedelta(days=30)
# As long as a bot had fewer calls, its dearest one says too little.
ENOUGH_CALLS = 20
# Budgets may lead from one bot to another so many times.
MAX_BOTS = 3
# What a talkative minute uses, for a bot's first call: answers to six long prompts.
TALKATIVE = {
    Kind.TOKENS_READ: 60_000,
    Kind.TOKENS_WRITTEN: 1_000,
    Kind.SPEECH: 1_200,
}


@dataclass(frozen=True, slots=True)
class BudgetState:
    """A budget, and what is spent of it in its period, which began on a day."""

    budget: Budget
    since: date
    spending: Spending

    @property
    def level(self) -> Level:
        """Within the budget, near its end, or beyond it."""
        budget = self.budget
        return level_of(budget.limit, budget.warning_percent, self.spending.spent)

    @property
    def percent(self) -> int:
        """The share that is spent, rounded down."""
        return int(self.spending.spent * 100 / self.budget.limit)

    @property
    def text(self) -> str:
        """“$8.20 of $10.00 spent (82 %), $0.40 set aside for calls in progress”."""
        currency, spending = settings.CURRENCY, self.spending
        spent = amount_text(spending.spent, currency)
        limit = amount_text(self.budget.limit, currency)
        text = f"{spent} of {limit} spent ({self.percent} %)"
        if not spending.reserved:
            return text
        reserved = amount_text(spending.reserved, currency)
        return f"{text}, {reserved} set aside for calls in progress"


@dataclass(slots=True)
class Spendings:
    """What was spent and set aside by day and bot, and each bot's dearest call.

    Bots with few calls have none.
    """

    spent: Mapping[tuple[date, int], Decimal]
    reserved: Mapping[tuple[date, int], Decimal]
    dearest: Mapping[int, Decimal] = field(default_factory=dict)

    @classmethod
    def until(cls, today: date) -> "Spendings":
        """Read the days that budgets and reservations need.

        What is set aside is read first: a call that ends meanwhile counts twice rather
        than not at all.
        """
        month = Period.MONTH.begin(today)
        reserved: defaultdict[tuple[date, int], Decimal] = defaultdict(Decimal)
        open_costs = CallCost.objects.filter(reserved__isnull=False, day__gte=month)
        rows = open_costs.values_list("day", "call__bot").annotate(Sum("reserved"))
        for day, bot, amount in rows.order_by():
            reserved[day, bot or 0] += amount
        days = DaySpending.objects.filter(
            day__gte=min(month, today - LOOK_BACK), currency=settings.CURRENCY
        )
        spent, dearest = {}, defaultdict[int, Decimal](Decimal)
        calls = Counter[int]()
        for row in days:
            spent[row.day, row.bot] = row.amount
            calls[row.bot] += row.calls
            dearest[row.bot] = max(dearest[row.bot], row.dearest)
        known = {bot: dearest[bot] for bot, n in calls.items() if n >= ENOUGH_CALLS}
        return cls(spent, reserved, known)

    def of(self, budget: Budget, today: date) -> Spending:
        """The spending that counts for a budget."""
        since = Period(budget.period).begin(today)

        def added(amounts: Mapping[tuple[date, int], Decimal]) -> Decimal:
            return sum(
                (
                    amount
                    for (day, bot), amount in amounts.items()
                    if day >= since and budget.bot_id in (None, bot)
                ),
                Decimal(),
            )

        return Spending(added(self.spent), added(self.reserved))


def budget_states(budgets: Iterable[Budget], now: datetime) -> list[BudgetState]:
    """The state of each of the budgets; reads nothing if there are none."""
    if not (budgets := list(budgets)):
        return []
    today = local_day(now)
    spendings = Spendings.until(today)
    return [
        BudgetState(
            budget, Period(budget.period).begin(today), spendings.of(budget, today)
        )
        for budget in budgets
    ]


@dataclass(frozen=True, slots=True)
class BudgetAnswer:
    """Who answers a call after all budgets were asked.

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


def admit(answer: RoutingAnswer, called: str, now: datetime) -> BudgetAnswer:
    """Ask the budgets of the bot that would answer a call to a number of ours.

    Belongs into the transaction that creates the call. Without budgets it costs one
    query, else three more, and a few if one is spent or for a bot's first call.
    """
    # In one order for all processes.
    return _ask(list(_acting_budgets().select_for_update()), answer, called, now)


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
        concerned = [one for one in budgets if one.bot_id in (None, bot.pk)]
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


def _reserved(bot: Bot, called: str, spendings: Spendings, today: date) -> Decimal:
    dearest = spendings.dearest.get(bot.pk)
    minute = Decimal() if dearest else _minute(bot, called, today)
    return to_reserve(dearest, bot.max_call_minutes, minute)


def _minute(bot: Bot, called: str, today: date) -> Decimal:
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
    return cost_of(lines_of(usages, price_book(), today)).amount
