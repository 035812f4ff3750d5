"""One change between two versions, as text."""

from dataclasses import dataclass
from typing import Any

from django.utils.text import capfirst

from bots.versions.text_diff import Part, compare, unified

MAX_INLINE_LENGTH = 60  # characters of a value that is shown on one line
# Between the entries of a list on one line; a word of its own for the comparison.
SEPARATOR = " · "


@dataclass(frozen=True, slots=True)
class Change:
    """One setting before and after, as text."""

    label: str
    old: str
    new: str

    @property
    def is_short(self) -> bool:
        """True if both values fit on one line."""
        return all(
            len(text) <= MAX_INLINE_LENGTH and "\n" not in text
            for text in (self.old, self.new)
        )

    @property
    def parts(self) -> tuple[Part, ...]:
        """The words that were removed and added."""
        return compare(self.old, self.new)

    @property
    def word_counts(self) -> tuple[int, int]:
        """The number of words before and after."""
        return len(self.old.split()), len(self.new.split())


def label_of(field: Any) -> str:
    """The label of a field, as in the editor."""
    return str(capfirst(field.verbose_name))


def text_of(field: Any, value: Any) -> str:
    """A value as the editor shows it; empty if there is none."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return unified(str(dict(field.flatchoices).get(value, value)))
