"""Changes of the lists of a version: people, keys, languages, arguments, tools."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Field, Model

from bots.models import MenuKey, SpokenLanguage, ToolParameter, TransferTarget
from bots.models.version_rows import Rows
from bots.phone_numbers.masking import masked
from bots.versions.change import SEPARATOR, Change, label_of, text_of

# A row that has no other values than a new one.
NOTHING_ELSE = "without further settings"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ListOfRows:
    """A list of `owner` whose rows have values; the field `key` names a row."""

    model: type[Model]
    noun: str
    plural: str
    key: str
    owner: str = "bot"
    private: str = ""  # a field that is masked for some users

    def changes(self, old: list[Row], new: list[Row], *, hide: bool) -> list[Change]:
        """The rows that were removed, added, changed or moved."""
        before = {row[self.key]: row for row in old}
        after = {row[self.key]: row for row in new}
        found: list[Change] = []
        for key in dict.fromkeys([*before, *after]):
            name = self.name_of(key)
            if key in before and key in after:
                found += self._of_row(name, before[key], after[key], hide=hide)
                continue
            texts = [
                self.summary(rows[key], hide=hide) if key in rows else ""
                for rows in (before, after)
            ]
            found.append(Change(name, *texts))
        orders = [[k for k in before if k in after], [k for k in after if k in before]]
        if orders[0] != orders[1]:
            moved = map(SEPARATOR.join, orders)
            found.append(Change(f"Order of {self.plural}", *moved))
        return found

    def name_of(self, key: str) -> str:
        """The name of a row in messages."""
        return f"{self.noun} “{key}”"

    def summary(self, row: Row, *, hide: bool) -> str:
        """All values of a row that are not those of a new one."""
        texts = [
            f"{label_of(field)}: {text}"
            for field in self.value_fields
            if field.name != self.key
            and row.get(field.name, field.default) != field.default
            and (text := self._text(row, field, hide=hide))
        ]
        return "\n".join(texts) or NOTHING_ELSE

    def _of_row(self, name: str, old: Row, new: Row, *, hide: bool) -> Iterator[Change]:
        for field in self.value_fields:
            # Compared in full: two numbers may look the same when they are masked.
            if self._text(old, field, hide=False) != self._text(new, field, hide=False):
                values = [self._text(row, field, hide=hide) for row in (old, new)]
                yield Change(f"{name}: {label_of(field).lower()}", *values)

    def _text(self, row: Row, field: "Field[Any, Any]", *, hide: bool) -> str:
        text = text_of(field, row.get(field.name))
        return masked(text) if hide and field.name == self.private else text

    @property
    def value_fields(self) -> "list[Field[Any, Any]]":
        """The fields of a row, without its id and its owner."""
        fields = self.model._meta.concrete_fields
        return [field for field in fields if field.name not in ("id", self.owner)]


LISTS = {
    "targets": ListOfRows(TransferTarget, "Person", "people", "name", private="number"),
    "menu_keys": ListOfRows(MenuKey, "Key", "keys", "key"),
    "languages": ListOfRows(SpokenLanguage, "Language", "languages", "language"),
    "parameters": ListOfRows(
        ToolParameter, "Argument", "arguments", "name", owner="tool"
    ),
}
# The list of shared objects, which a version only names.
TOOLS = "tools"


def row_changes(old: Rows, new: Rows, *, hide: bool) -> list[Change]:
    """The changes of all lists that both versions have."""
    found: list[Change] = []
    for name in (name for name in old if name in new):
        if name == TOOLS:
            found += names_changed("Tools", old[name], new[name])
        else:
            found += LISTS[name].changes(old[name], new[name], hide=hide)
    return found


def names_changed(label: str, old: list[str], new: list[str]) -> list[Change]:
    """The change of a list of names, if there is one."""
    if old == new:
        return []
    return [Change(label, SEPARATOR.join(old), SEPARATOR.join(new))]


def row_settings(rows: Rows, *, hide: bool) -> list[tuple[str, str]]:
    """All lists of a version, as labels and texts."""
    found = []
    for name, values in rows.items():
        if name == TOOLS:
            found.append(("Tools", SEPARATOR.join(values)))
            continue
        rows_of_list = LISTS[name]
        for row in values:
            summary = rows_of_list.summary(row, hide=hide)
            found.append((rows_of_list.name_of(row[rows_of_list.key]), summary))
    return found
