"""Signs that Twilio sends calls of a number to this server."""

from django.db.models import QuerySet

from calls.console.numbers.point import changes_made_here
from calls.models import Call
from calls.simulator.line import SIMULATED_CALL


def phone_calls() -> QuerySet[Call]:
    """Calls by telephone: neither test calls nor those of `manage.py call`."""
    return Call.objects.real().exclude(call_sid__startswith=SIMULATED_CALL)


def is_number_connected() -> bool:
    """True once a number was connected in the console, or a call came by telephone."""
    return changes_made_here().exists() or phone_calls().exists()
