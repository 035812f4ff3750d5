"""Fields of a provider's own, which it needs back with the history. Pure.

Such as the signatures of a model's thoughts. They come in pieces like everything else
of a stream, and are sent back as they came.
"""

import json
from collections.abc import Mapping
from typing import Any

# Longest fields of one message that are kept, in characters of JSON. What is longer is
# left out as a whole: a signature of half a thought is refused.
MAX_FIELDS_LENGTH = 100_000
# Texts that come in pieces; of all others the latest counts.
PIECES = frozenset(
    {"text", "summary", "data", "thinking", "reasoning_content", "reasoning_text"}
)

Fields = Mapping[str, Any]


class ProviderFields:
    """Collects the fields of one call or message."""

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self._length = 0

    def add(self, fields: Fields) -> None:
        """Add a piece; nothing is kept above the limit."""
        if fields:
            self._length += _length(fields)
        if self._length > MAX_FIELDS_LENGTH:
            self._fields = {}
        else:
            self._fields = merged(self._fields, fields)

    @property
    def value(self) -> dict[str, Any]:
        """All fields as they are sent back."""
        return self._fields


def merged(earlier: Fields, later: Fields) -> dict[str, Any]:
    """Put two pieces of the same fields together."""
    fields = dict(earlier)
    for name, value in later.items():
        before = fields.get(name)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            fields[name] = merged(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            fields[name] = _merged_lists(before, value)
        elif isinstance(before, str) and isinstance(value, str) and name in PIECES:
            fields[name] = before + value
        elif value is not None or before is None:
            fields[name] = (
                _merged_lists([], value) if isinstance(value, list) else value
            )
    return fields


def _merged_lists(entries: list[Any], more: list[Any]) -> list[Any]:
    """Append entries; those with the number of an earlier one continue it."""
    entries = [*entries]
    for entry in more:
        place = _place(entries, entry)
        if place is None:
            entries.append(entry)
        else:
            entries[place] = merged(entries[place], entry)
    return entries


def _place(entries: list[Any], entry: Any) -> int | None:
    if not isinstance(entry, Mapping) or type(entry.get("index")) is not int:
        return None
    key = entry["index"], entry.get("type")
    for place, other in enumerate(entries):
        if (
            isinstance(other, Mapping)
            and (other.get("index"), other.get("type")) == key
        ):
            return place
    return None


def _length(fields: Fields) -> int:
    """The characters of fields; more than any limit if no database takes them."""
    try:
        text = json.dumps(fields, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):  # NaN, or half of a surrogate pair
        return MAX_FIELDS_LENGTH + 1
    return MAX_FIELDS_LENGTH + 1 if "\\u0000" in text else len(text)
