"""The phone numbers of a bot at the time of each of its versions.

A bot can answer thousands of numbers, so its versions do not contain them: they are
read from the versions of the numbers.
"""

from typing import Any

from bots.models import PhoneNumber


def read_numbers(versions: list[Any]) -> None:
    """Set `numbers` of versions of one bot: the numbers that it answered then."""
    if not versions:
        return
    pk = versions[0].id
    rows: Any = PhoneNumber.history
    ever = rows.filter(bot_id=pk).values("id")
    events = list(
        rows.filter(id__in=ever)
        .order_by("history_date", "history_id")
        .values_list("history_date", "id", "number", "bot_id", "history_type")
    )
    held: dict[int, str] = {}
    position = 0
    for version in sorted(versions, key=lambda version: version.history_date):
        while position < len(events) and events[position][0] <= version.history_date:
            _, number_id, number, bot_id, kind = events[position]
            if bot_id == pk and kind != "-":
                held[number_id] = number
            else:
                held.pop(number_id, None)
            position += 1
        version.numbers = sorted(held.values())


def numbers_of(version: Any) -> list[str]:
    """The numbers of one version of a bot."""
    if not hasattr(version, "numbers"):
        read_numbers([version])
    numbers: list[str] = version.numbers
    return numbers
