"""Made-up variables with which the console previews a bot's texts."""

from django.utils import timezone

from bots.config import local_time
from bots.config.placeholders import Values, parse_declared

NUMBER = "+14155550100"


def examples(bot_name: str, declared: str, zone: str) -> Values:
    """Return the built-in variables, and those that an operator declared."""
    return {
        **parse_declared(declared),
        "caller_number": NUMBER,
        "called_number": NUMBER,
        "bot_name": bot_name,
        "now": local_time.spoken_time(timezone.now(), zone),
        "call_sid": "CA0123456789",
    }


# The built-in variables of a simulated call.
EXAMPLE_VALUES = {
    "caller_number": "+15005550001",
    "called_number": "+15005550006",
    "bot_name": "Trial",
    "now": "Monday, 05 January 2026, 09:30",
    "call_sid": "CA00000000000000000000000000000000",
}
