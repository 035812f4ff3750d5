"""A bot as it stands in the editor's form, and what is said about it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from bots.config.capabilities import ToolSpec
from bots.inworld.catalogue_records import LanguageModel, Voice

Draft = Mapping[str, str]
Level = Literal["warning", "hint"]
# Of one list of people, keys or languages; nobody has more.
MAX_ROWS = 100


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence beside a field; a hint is worth knowing, a warning worth changing."""

    field: str
    text: str
    level: Level = "warning"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What Inworld has on offer, as last read; empty when it never was."""

    voices: Sequence[Voice] = field(default_factory=list)
    models: Sequence[LanguageModel] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class AvailableTools:
    """The tools that the form names, and what minute of the week it is for the bot.

    `pressed` are those of its keys, by what the form calls them; `to_bots` the fields
    of people whose number a bot answers; `unsent` is why nothing reaches the webhook.
    """

    tools: Sequence[ToolSpec] = ()
    lookup: ToolSpec | None = None
    minute: int = 0
    pressed: Mapping[str, ToolSpec] = field(default_factory=dict)
    to_bots: Sequence[str] = ()
    unsent: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One person, key or language of the form."""

    prefix: str
    draft: Draft

    def field(self, name: str) -> str:
        """What the form calls a field of the row."""
        return f"{self.prefix}-{name}"

    def __getitem__(self, name: str) -> str:
        """What stands in the field, without space around it."""
        return self.draft.get(self.field(name), "").strip()


def rows(draft: Draft, listed: str) -> list[Row]:
    """The rows of a list, without those that are being deleted."""
    total = draft.get(f"{listed}-TOTAL_FORMS", "")
    count = int(total) if total.isascii() and total.isdigit() and len(total) < 5 else 0
    found = (Row(f"{listed}-{n}", draft) for n in range(min(count, MAX_ROWS)))
    return [row for row in found if not row["DELETE"]]


def nearest(wanted: str, known: Sequence[str]) -> str:
    """What somebody who misspelt a name may have meant; empty where nothing is near."""
    by_folded = {each.casefold(): each for each in known}
    near = get_close_matches(wanted[:120].casefold(), by_folded, n=1, cutoff=0.75)
    return by_folded[near[0]] if near else ""


def joined(found: Sequence[str]) -> str:
    """Several things as one enumeration."""
    *first, last = found
    return f"{', '.join(first)} and {last}" if first else last
