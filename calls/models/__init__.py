"""Tables: calls, turns, tasks after a call, blocked callers."""

from calls.models.blocked_caller import BlockedCaller
from calls.models.call import Call
from calls.models.post_call_task import PostCallTask
from calls.models.scheduled_run import ScheduledRun
from calls.models.turn import Turn

__all__ = ["BlockedCaller", "Call", "PostCallTask", "ScheduledRun", "Turn"]
