"""The values with which the desk shows and speaks a bot's texts."""

from django.utils import timezone

from bots.config import local_time
from bots.config.placeholders import Values, parse_declared

NUMBER = "+14155550100"


def examples(name: str, values: str, zone: str) -> Values:
    """What every call knows, made up, and the examples an operator wrote."""
    return {
        **parse_declared(values),
        "caller_number": NUMBER,
        "called_number": NUMBER,
        "bot_name": name,
        "now": local_time.spoken_time(timezone.now(), zone),
        "call_sid": "CA0123456789",
    }


# What a call would know by itself, of a call that nobody made.
EXAMPLE_VALUES = {
    "caller_number": "+15005550001",
    "called_number": "+15005550006",
    "bot_name": "Trial",
    "now": "Monday, 05 January 2026, 09:30",
    "call_sid": "CA00000000000000000000000000000000",
}
