"""The status of a call as operators read it."""

from calls.models import Call
from calls.transfer import pending


def display_status(call: Call) -> str:
    """The call's status, or how far a transfer or a reconnect is."""
    if call.is_waiting:
        return "Line lost, waiting for the caller"
    transfer = pending(call.transfer)
    if transfer and call.status not in Call.OVER:
        return transfer.display
    return call.get_status_display()
