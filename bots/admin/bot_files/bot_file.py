"""The file of a bot: JSON with sorted keys, which can be kept in git.

It has the bot's settings and lists, and the tools that the bot uses. It names passwords
and keys, but does not contain them. Numbers and the choice of the default bot belong to
a server, so they are not in it.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.db.models import Field, Model

from bots.admin.bot_files.keys_left_out import without_keys
from bots.models import Bot, Tool
from bots.models.version_rows import rows_of
from bots.versions.row_changes import TOOLS
from bots.versions.text_diff import unified

FORMAT = "voicebot bot"
VERSION = 1
MAX_BYTES = 1_000_000
Values = dict[str, Any]


class BadFile(Exception):
    """A file that cannot be applied; each argument is a reason for the operator."""


@dataclass(frozen=True, slots=True)
class BotFile:
    """The values of a bot and of its tools, of the right types."""

    bot: Values
    tools: list[Values]


def settings_of(model: type[Model]) -> "dict[str, Field[Any, Any]]":
    """The settings in a file, by name."""
    return {
        field.name: field
        for field in model._meta.concrete_fields
        if field.editable and not field.primary_key and field.name != "is_default"
    }


def values_of(instance: Bot | Tool) -> Values:
    """The settings and lists as plain data; other objects are given by their names."""
    values: Values = {}
    for name in settings_of(type(instance)):
        value = getattr(instance, name)
        values[name] = str(value) if isinstance(value, Model) else _plain(value)
    return values | {name: _plain(rows) for name, rows in rows_of(instance).items()}


def _plain(value: Any) -> Any:
    """The value with one kind of line ending."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return unified(value) if isinstance(value, str) else value


def written(bot: Bot, *, with_tools: bool = True) -> str:
    """The text of the bot's file; `with_tools` also what its tools send, and where."""
    values = values_of(bot)
    names = used_tools(values) if with_tools else []
    tools = Tool.objects.filter(name__in=names).order_by("name")
    document = {
        "format": FORMAT,
        "version": VERSION,
        "bot": values,
        "tools": [without_keys(values_of(tool)) for tool in tools],
    }
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def used_tools(bot: Values) -> list[str]:
    """The names of all tools that the values of a bot mention."""
    keys = [row.get("tool") for row in bot.get("menu_keys", [])]
    names = [*bot.get(TOOLS, []), bot.get("lookup_tool"), *keys]
    return sorted({name for name in names if name})
