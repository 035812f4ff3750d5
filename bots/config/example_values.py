"""The values with which the desk shows and speaks a bot's texts."""

from django.utils import timezone

from bots.config import local_time
from bots.config.placeholders import Values, declared

NUMBER = "+14155550100"


def examples(name: str, values: str, zone: str) -> Values:
    """What every call knows, made up, and the examples an operator wrote."""
    return {
        **declared(values),
        "caller_number": NUMBER,
        "called_number": NUMBER,
        "bot_name": name,
        "now": local_time.told(timezone.now(), zone),
        "call_sid": "CA0123456789",
    }
