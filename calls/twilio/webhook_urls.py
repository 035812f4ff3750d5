"""TODO."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Our two addresses that a number has to have."""

    voice: str
    status: str
