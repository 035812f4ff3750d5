"""What this process keeps from one call to the next, and a fresh start of it."""

from calls.operations.runtime import runtime
from calls.session.active_calls import active_calls
from calls.session.services import services


def clear_process_state() -> None:
    """Forget all calls, clients and background jobs, as in a new process."""
    for cached in (runtime, active_calls, services):
        cached.cache_clear()
