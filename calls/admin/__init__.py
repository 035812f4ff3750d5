"""The admin of calls, tasks and blocked callers. Importing it registers them."""

from calls.admin.blocked_callers import BlockedCallerAdmin
from calls.admin.call_admin import CallAdmin
from calls.admin.post_call_tasks import PostCallTaskAdmin

__all__ = ["BlockedCallerAdmin", "CallAdmin", "PostCallTaskAdmin"]
