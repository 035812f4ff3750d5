"""Links to filtered lists of calls."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class CallLinks:
    """Makes links to the list of calls at `address`, with its filters as query."""

    address: str

    def where(self, **filters: Any) -> str:
        """The link to the calls that match; test calls are excluded."""
        return f"{self.address}?{urlencode({**filters, 'is_test__exact': 0})}"
