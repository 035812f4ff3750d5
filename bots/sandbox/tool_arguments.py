"""Fills a function's arguments from the caller's words."""

import re
from typing import Any

from bots.sandbox.conversation import clean, plain

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
QUOTED = re.compile(r"[\"“”]([^\"“”]+)[\"“”]|\B'([^']+)'\B")
REFUSAL = re.compile(r"\b(?:no|not|don't|without|never)\b")


class _Words:
    """The caller's words; each number and quotation is used once."""

    def __init__(self, said: str) -> None:
        self.said = said
        self.numbers = NUMBER.findall(said)
        self.quoted = [first or second for first, second in QUOTED.findall(said)]

    def value(self, schema: dict[str, Any], *, required: bool) -> Any:
        """The value for a parameter; None if the words hold none."""
        choices, kind = schema.get("enum"), schema.get("type")
        if isinstance(choices, list):
            return self._choice(choices)
        if kind == "boolean":
            return not REFUSAL.search(plain(self.said)) if required else None
        if kind in ("integer", "number"):
            return self._number(kind) if self.numbers else None
        if self.quoted:
            return self.quoted.pop(0)
        if not required:
            return None
        return self.numbers.pop(0) if self.numbers else self._last_word()

    def _number(self, kind: object) -> int | float:
        number = float(self.numbers.pop(0))
        return int(number) if kind == "integer" or number.is_integer() else number

    def _choice(self, choices: list[Any]) -> Any:
        said = f" {plain(self.said)} "
        return next((word for word in choices if f" {plain(str(word))} " in said), None)

    def _last_word(self) -> str | None:
        words = clean(self.said).split()
        return words[-1] if words else None


def fill(schema: dict[str, Any], said: str) -> dict[str, Any] | None:
    """Every argument that the words hold; None if a required one is missing."""
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    required = schema.get("required")
    required = required if isinstance(required, list) else []
    words, arguments = _Words(said), {}
    for name in sorted(properties, key=lambda name: name not in required):
        described = properties[name] if isinstance(properties[name], dict) else {}
        value = words.value(described, required=name in required)
        if value is not None:
            arguments[name] = value
        elif name in required:
            return None
    return arguments
