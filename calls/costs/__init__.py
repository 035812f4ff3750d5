"""The cost of calls, and budgets for it."""
