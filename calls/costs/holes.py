"""The holes in the table of prices: things that calls used and that have no price."""

from collections import Counter

from calls.models import CallCost
from calls.prices.calculation import NO_PRICE
from calls.prices.usage import Kind

# The latest calls with an unknown part that are looked at.
MAX_CALLS = 500
MAX_HOLES = 20


def missing_prices() -> list[tuple[Kind, str, int]]:
    """Kind, item and number of calls, the most frequent first."""
    latest = CallCost.objects.filter(is_partial=True).order_by("-pk")
    found = Counter(
        (Kind(line["kind"]), line["item"])
        for lines in latest.values_list("lines", flat=True)[:MAX_CALLS]
        for line in lines
        if line["unknown"] == NO_PRICE and line["kind"] in list(Kind)
    )
    holes = found.most_common(MAX_HOLES)
    return [(kind, item, calls) for (kind, item), calls in holes]
