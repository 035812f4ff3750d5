"""The objects that a process shares between calls, and their reset."""

from calls.operations.runtime import runtime
from calls.session.active_calls import active_calls
from calls.session.services import services


def clear_process_state() -> None:
    """Drop all calls, clients and background jobs, as in a new process."""
    for cached in (runtime, active_calls, services):
        cached.cache_clear()
