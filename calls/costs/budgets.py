"""Amounts that are spent of budgets, or set aside for calls in progress."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import Sum

from calls.costs.settling import local_day
from calls.models import Budget, CallCost, DaySpending
from calls.prices.budget_rules import (
    Level,
    Period,
    Spending,
    level_of,
)
from calls.prices.money import amount_text

# The dearest call of so many days is what another one may cost.
LOOK_BACK = timedelta(days=30)
# As long as a bot had fewer calls, its dearest one says too little.
ENOUGH_CALLS = 20


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
        return f"{self._spent} ({self.percent} %){self._set_aside}"

    @property
    def amounts(self) -> str:
        """The text without the share."""
        return f"{self._spent}{self._set_aside}"

    @property
    def _spent(self) -> str:
        spent = amount_text(self.spending.spent, settings.CURRENCY)
        return f"{spent} of {amount_text(self.budget.limit, settings.CURRENCY)} spent"

    @property
    def _set_aside(self) -> str:
        if not self.spending.reserved:
            return ""
        reserved = amount_text(self.spending.reserved, settings.CURRENCY)
        return f", {reserved} set aside for calls in progress"


@dataclass(slots=True)
class Spendings:
    """Amounts spent and set aside by day and bot, and each bot's dearest call.

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
        open_costs = CallCost.objects.filter(
            reserved__isnull=False, day__gte=month, currency=settings.CURRENCY
        )
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
