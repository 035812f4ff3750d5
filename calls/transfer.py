"""The transfer of a caller to a person, as stored with the call. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bots.config.capabilities import JsonData


@dataclass(frozen=True, slots=True)
class Transfer(JsonData):
    """A transfer target, and what the target hears about the caller in `language`.

    The names of the fields are the keys of `Call.transfer`.
    """

    name: str
    number: str
    ring_seconds: int = 25
    announce: bool = True
    summary: str = ""
    language: str = "en-US"
    accepted: bool = False  # with a digit, after the announcement

    @property
    def sentence_name(self) -> str:
        """The name, capitalised to begin a sentence."""
        return self.name[:1].upper() + self.name[1:]

    @property
    def display(self) -> str:
        """The state of the transfer, in words for operators."""
        if self.accepted:
            return f"With {self.name}"
        return f"Ringing {self.name}" if self.announce else f"Gone to {self.name}"


def pending(stored: Mapping[str, Any]) -> Transfer | None:
    """The transfer in progress, read from `Call.transfer`; None if there is none."""
    return Transfer.of(stored) if stored.get("number") else None
