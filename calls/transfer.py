"""A caller on the way to a person: what is known of it, and what became of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bots.config.capabilities import JsonData


@dataclass(frozen=True, slots=True)
class Transfer(JsonData):
    """To whom the caller goes, and what that person is told, in `language`.

    The names of the fields are keys of the JSON that stands with the call.
    """

    name: str
    number: str
    ring_seconds: int = 25
    announce: bool = True
    summary: str = ""
    language: str = "en-US"
    accepted: bool = False  # with a key, after the announcement

    @property
    def who(self) -> str:
        """The name as a sentence begins with it."""
        return self.name[:1].upper() + self.name[1:]

    @property
    def display(self) -> str:
        """How far it is, in words."""
        if self.accepted:
            return f"With {self.name}"
        return f"Ringing {self.name}" if self.announce else f"Gone to {self.name}"


def pending(kept: Mapping[str, Any]) -> Transfer | None:
    """The transfer that is under way, of what the call's row keeps of one."""
    return Transfer.of(kept) if kept.get("number") else None
