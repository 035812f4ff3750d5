"""The lists of a version become those of the present object."""

from typing import Any

from django.core.exceptions import ValidationError

from bots.models import Bot, Tool
from bots.models.version_rows import Rows, rows_of
from bots.versions.row_changes import LISTS, TOOLS


def without_deleted_tools(rows: Rows) -> tuple[Rows, list[str]]:
    """The rows with tools as they are called now, and notes on tools that are gone."""
    rows, notes = dict(rows), []
    if TOOLS in rows:
        found = {name: _present_name(name) for name in rows[TOOLS]}
        rows[TOOLS] = sorted(filter(None, found.values()))
        notes += [
            f"The tool “{name}” was deleted, so the bot does not have it."
            for name, present in found.items()
            if not present
        ]
    if "menu_keys" in rows:
        keys = []
        for row in rows["menu_keys"]:
            name = row["tool"] and _present_name(row["tool"])
            if row["tool"] and not name:
                notes.append(
                    f"Key {row['key']} is left out: its tool “{row['tool']}” was "
                    "deleted."
                )
            else:
                keys.append({**row, "tool": name})
        rows["menu_keys"] = keys
    return rows, notes


def _present_name(name: str) -> str | None:
    """The present name of a tool; None if it was deleted."""
    former: Any = Tool.history.filter(name=name).values("id")
    tool = Tool.objects.filter(name=name).first()
    tool = tool or Tool.objects.filter(pk__in=former).first()
    return tool.name if tool else None


def replace_rows(instance: Any, rows: Rows) -> None:
    """Make the lists those of `rows`. Raises ValidationError with the row's name."""
    present = rows_of(instance) if rows else {}
    # People before keys, because keys name them.
    for name in (name for name in present if name in rows):
        if rows[name] == present[name]:
            continue
        if name == TOOLS:
            instance.tools.set(Tool.objects.filter(name__in=rows[name]))
        else:
            _replace_list(instance, name, rows[name])


def _replace_list(instance: Any, name: str, rows: list[dict[str, Any]]) -> None:
    # All anew: a row that kept its id would keep its place in the order.
    getattr(instance, name).all().delete()
    kind = LISTS[name]
    known = {field.name for field in kind.model._meta.concrete_fields}
    for values in rows:
        given = {key: value for key, value in values.items() if key in known}
        if isinstance(instance, Bot) and given.get("tool"):
            given["tool"] = Tool.objects.get(name=given["tool"])
        row = kind.model(**{kind.owner: instance}, **given)
        try:
            row.full_clean()
        except ValidationError as error:
            where = kind.name_of(values[kind.key])
            texts = [f"{where}: {text}" for text in error.messages]
            raise ValidationError(texts) from error
        row.save()
