"""The admin of prices and budgets."""

from calls.admin.costs.budgets import BudgetAdmin
from calls.admin.costs.prices import PriceAdmin

__all__ = ["BudgetAdmin", "PriceAdmin"]
