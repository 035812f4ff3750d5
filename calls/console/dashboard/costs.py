"""The cost of this month's calls, and the states of the budgets."""

from datetime import date
from typing import Any

from django.conf import settings
from django.utils import timezone

from bots.access.scope import visible
from calls.console.dashboard.period import start_of
from calls.console.dashboard.statistics import Calls
from calls.costs.budgets import budget_states
from calls.models import Budget
from calls.models.costs import cost_in_sums, cost_sums
from calls.prices.money import cost_text


def of_month(calls: Calls, user: Any, today: date) -> dict[str, Any]:
    """The cost of the calls that a person may see, and the budgets of their bots."""
    month = calls.filter(started_at__gte=start_of(today.replace(day=1)))
    row = month.aggregate(**cost_sums(settings.CURRENCY))
    cost = cost_in_sums(row) if row["all_calls"] else None
    budgets = visible(Budget.objects.select_related("bot"), user)
    return {
        "month_cost": cost_text(cost, settings.CURRENCY) if cost else "-",
        "budgets": budget_states(budgets, timezone.now()),
    }
