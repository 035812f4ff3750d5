"""Links to filtered lists of calls."""

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse


def calls_url(**filters: Any) -> str:
    """The list of the calls that match; test calls are excluded."""
    query = urlencode({**filters, "is_test__exact": 0})
    return f"{reverse('admin:calls_call_changelist')}?{query}"
