"""The admin of calls, tasks, alerts, blocked callers, events, prices, budgets.

Importing it registers them.
"""

from calls.admin.alerts import AlertChannelAdmin, AlertMessageAdmin, AlertRuleAdmin
from calls.admin.audit_events import AuditEventAdmin
from calls.admin.blocked_callers import BlockedCallerAdmin
from calls.admin.call_admin import CallAdmin
from calls.admin.costs import BudgetAdmin, PriceAdmin
from calls.admin.post_call_tasks import PostCallTaskAdmin

__all__ = [
    "AlertChannelAdmin",
    "AlertMessageAdmin",
    "AlertRuleAdmin",
    "AuditEventAdmin",
    "BlockedCallerAdmin",
    "BudgetAdmin",
    "CallAdmin",
    "PostCallTaskAdmin",
    "PriceAdmin",
]
