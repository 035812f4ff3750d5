"""TODO."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class CallLinks:
    """Links to the list of calls at `address`, narrowed down by its own parameters."""

    address: str

    def where(self, **filters: Any) -> str:
        """The address of those calls; test calls are never among them."""
        return f"{self.address}?{urlencode({**filters, 'is_test__exact': 0})}"
