"""The editor's form as plain data, and the remarks on it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from bots.advice.wording import shown
from bots.config.capabilities import ToolSpec
from bots.inworld.catalogue_records import LanguageModel, Voice

Draft = Mapping[str, str]
Level = Literal["warning", "hint"]
# In one list of people, keys or languages: a limit for hostile forms.
MAX_ROWS = 100
# Longer names get no suggestion.
MAX_NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence beside a field. A warning should be acted on, a hint may be."""

    field: str
    text: str
    level: Level = "warning"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Inworld's voices and models as last fetched; empty before the first time."""

    voices: Sequence[Voice] = field(default_factory=list)
    models: Sequence[LanguageModel] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FormContext:
    """Facts about a form that its own texts do not contain.

    `minute` is the minute of the week in the bot's time zone. `tools_by_id` has the
    tools of keys, too. `bot_number_fields` are transfer fields with a number that a bot
    answers, and `webhook_problem` says why the webhook cannot be reached.
    """

    tools: Sequence[ToolSpec] = ()
    lookup: ToolSpec | None = None
    minute: int = 0
    tools_by_id: Mapping[str, ToolSpec] = field(default_factory=dict)
    bot_number_fields: Sequence[str] = ()
    webhook_problem: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One person, key or language in the form."""

    prefix: str
    draft: Draft

    def field(self, name: str) -> str:
        """The form's name of a field in this row."""
        return f"{self.prefix}-{name}"

    def __getitem__(self, name: str) -> str:
        """The text of a field, without space around it."""
        return self.draft.get(self.field(name), "").strip()


def rows(draft: Draft, prefix: str) -> list[Row]:
    """The rows of a list, without those marked for deletion."""
    total = draft.get(f"{prefix}-TOTAL_FORMS", "")
    count = int(total) if total.isascii() and total.isdigit() and len(total) < 5 else 0
    every = (Row(f"{prefix}-{index}", draft) for index in range(min(count, MAX_ROWS)))
    return [row for row in every if not row["DELETE"]]


def nearest(misspelt: str, names: Sequence[str]) -> str:
    """The most similar name; empty if none is similar."""
    # Comparing takes the product of the lengths: a limit for hostile forms.
    short = [name for name in names if len(name) <= MAX_NAME_LENGTH]
    by_folded = {name.casefold(): name for name in short}
    misspelt = misspelt[:MAX_NAME_LENGTH].casefold()
    near = get_close_matches(misspelt, by_folded, n=1, cutoff=0.75)
    return by_folded[near[0]] if near else ""


def not_listed(
    field: str, misspelt: str, listed: Sequence[Voice | LanguageModel]
) -> Remark:
    """The remark on a voice or a model that Inworld does not list."""
    near = nearest(misspelt, [entry.id for entry in listed])
    text = f"{shown(misspelt)} is not in Inworld's list."
    return Remark(field, f"{text} Did you mean {near}?" if near else text)


def joined(items: Sequence[str]) -> str:
    """Join items to "a, b and c"."""
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last
