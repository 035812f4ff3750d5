"""The first prices of a deployment: list prices in US dollars, with their day.

Operators replace them with those of their own contracts. Models of the Router are not
here, because Inworld's model list has their prices. Pure.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from calls.prices.price_book import Rate
from calls.prices.usage import Kind

CURRENCY = "USD"
TWILIO = "twilio.com/en-us/voice/pricing"
RELAY = "twilio.com/en-us/products/conversational-ai/pricing"
INWORLD = "inworld.ai/pricing, On-Demand"
# By country and kind of number: received and called, for a minute.
_LINES = {
    "US local": (date(2026, 10, 3), "0.0085", "0.0140"),
    "US toll-free": (date(2026, 10, 3), "0.0220", "0.0140"),
    "CA local": (date(2026, 10, 3), "0.0085", "0.0140"),
    "GB local": (date(2026, 7, 24), "0.0100", "0.0158"),
    "GB mobile": (date(2026, 7, 24), "", "0.0305"),
    "AU local": (date(2026, 7, 24), "0.0100", "0.0252"),
    "AU mobile": (date(2026, 7, 24), "", "0.0750"),
    "DE local": (date(2026, 10, 1), "0.0100", "0.0283"),
    "DE mobile": (date(2026, 10, 1), "", "0.0420"),
    "SIP": (date(2026, 10, 3), "0.0040", "0.0040"),
}
_OTHERS = (
    (Kind.RELAY, "", "0.07", date(2026, 8, 10), RELAY),
    (Kind.RECORDING, "", "0.0025", date(2026, 8, 2), f"{TWILIO}/gb"),
    (Kind.STORAGE, "", "0.0005", date(2026, 8, 2), f"{TWILIO}/gb"),
    (Kind.SPEECH, "inworld-tts-2", "25", date(2026, 6, 10), INWORLD),
    (Kind.SPEECH, "inworld-tts-2-flash", "15", date(2026, 6, 10), INWORLD),
    (Kind.SPEECH, "inworld-tts-1.5-max", "35", date(2026, 6, 10), INWORLD),
)


def first_prices() -> Iterator[tuple[Rate, str]]:
    """Each price with its source."""
    for item, (day, received, called) in _LINES.items():
        page = f"{TWILIO}/{item[:2].lower() if ' ' in item else 'us'}"
        for kind, amount in ((Kind.LINE_IN, received), (Kind.LINE_OUT, called)):
            if amount:
                rate = Rate(kind, item, Decimal(amount), CURRENCY, day)
                yield rate, f"{page}, {day}"
    for kind, item, amount, day, source in _OTHERS:
        yield Rate(kind, item, Decimal(amount), CURRENCY, day), f"{source}, {day}"
