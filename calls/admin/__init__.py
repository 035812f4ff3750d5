"""The admin of calls, tasks and blocked callers. Importing it registers them."""

from calls.admin.call_admin import CallAdmin

__all__ = ["CallAdmin"]
