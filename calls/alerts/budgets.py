"""Budgets that are nearly or fully spent: each is told once in its time."""

from collections.abc import Iterator
from datetime import datetime

from calls.alerts.noticing import Noticed, Thing
from calls.costs.budgets import BudgetState, budget_states
from calls.models import AlertRule, Budget
from calls.prices.budget_rules import Level


def spent_budgets(rules: list[AlertRule], now: datetime) -> Iterator[Noticed]:
    """Budgets for the rules to tell. Reads nothing without rules."""
    if not rules:
        return
    states = budget_states(Budget.objects.select_related("bot"), now)
    spent = [state for state in states if state.level is not Level.OK]
    for rule in rules:
        for state in spent:
            if rule.is_for_all_bots or rule.bot_id == state.budget.bot_id is not None:
                yield rule, _thing(state, now)


def _thing(state: BudgetState, now: datetime) -> Thing:
    """The level in this period; a budget that was changed is another one."""
    budget = state.budget
    key = f"budget:{budget.pk}:{state.since}:{budget.limit}:{state.level}"
    of = budget.bot.name if budget.bot else "All bots"
    period = budget.get_period_display().lower()
    return Thing(key, now, f"{of}, {period}: {state.text}")
