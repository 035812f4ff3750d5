"""The figures of calls, defined once for pages, lists, metrics and docs. Pure.

Test calls never count. A call can be answered and fail later, so it is in both figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of calls; `conditions` are lookups on the table of calls."""

    name: str
    title: str
    meaning: str
    conditions: Mapping[str, Any]

    @property
    def parameters(self) -> dict[str, Any]:
        """The query parameters with which the list of calls shows these calls."""
        return {
            name if "__" in name else f"{name}__exact": _parameter(value)
            for name, value in self.conditions.items()
        }


def _parameter(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return ",".join(value) if isinstance(value, tuple) else value


CALLS = Figure("calls", "Calls", "All calls that came in.", {})
ANSWERED = Figure(
    "answered",
    "Answered",
    "A bot was on the line. The call may have failed later.",
    {"answered_at__isnull": False},
)
COMPLETED = Figure(
    "completed",
    "Completed",
    "The call ended as it should: the caller or the bot hung up, or a person took it.",
    {"status": "completed"},
)
FAILED = Figure(
    "failed",
    "Failed",
    "Something broke: the call did not reach its bot, the line was lost, or the bot "
    "could not answer.",
    {"status": "failed"},
)
REFUSED = Figure(
    "refused",
    "Refused",
    "No bot took the call: there is none for the number, it is switched off or closed, "
    "a budget is spent, there were too many calls, or the caller is blocked.",
    {"status": "refused"},
)
OPEN = Figure(
    "open",
    "Still open",
    "The call has not ended.",
    {"status__in": ("ringing", "in-progress")},
)
TRANSFERRED = Figure(
    "transferred",
    "Transferred",
    "The call ended with a person, to whom the bot had transferred it.",
    {"end_reason": "transferred"},
)
INTERRUPTED = Figure(
    "interrupted",
    "Interrupted",
    "The caller interrupted the bot at least once.",
    {"was_interrupted": True},
)
FIGURES = (
    *(CALLS, ANSWERED, COMPLETED, FAILED, REFUSED, OPEN),
    *(TRANSFERRED, INTERRUPTED),
)
