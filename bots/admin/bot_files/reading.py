"""A file of a bot is read and checked: its form and its types, not yet its values."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import (
    BooleanField,
    Field,
    FloatField,
    ForeignKey,
    IntegerField,
)

from bots.admin.bot_files.bot_file import (
    FORMAT,
    MAX_BYTES,
    VERSION,
    BadFile,
    BotFile,
    settings_of,
)
from bots.config.text import one_line
from bots.models import Bot, Tool
from bots.validators import plain_text
from bots.versions.row_changes import LISTS, TOOLS, ListOfRows

MAX_REASONS = 20
MAX_QUOTE = 60
MAX_ROWS = 100  # of one list, before the rows are looked at
TOP_LEVEL = {"format", "version", "bot", "tools"}
NAMES_OF_TYPES = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def read(content: bytes) -> BotFile:
    """Read a file. Raises BadFile with the reasons why it cannot be one."""
    document = _json(content)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadFile(f"This is no file of a bot: it lacks “format”: “{FORMAT}”.")
    version = document.get("version")
    if version != VERSION or isinstance(version, bool):
        found = _quoted(version)
        raise BadFile(
            f"This server reads version {VERSION} of the format, not {found}."
        )
    reasons = [*_unknown("", document, TOP_LEVEL)]
    bot: Any = document.get("bot")
    tools = document.get("tools", [])
    reasons += _thing("bot", Bot, bot)
    if isinstance(tools, list) and len(tools) <= MAX_ROWS * 2:
        for number, tool in enumerate(tools, 1):
            reasons += _thing(f"tools, entry {number}", Tool, tool)
        reasons += _repeated("tools", "name", tools)
    else:
        reasons.append(f"“tools” must be a list of at most {MAX_ROWS * 2} tools.")
    if reasons:
        more = len(reasons) - MAX_REASONS
        rest = [f"And {more} more problems."] if more > 0 else []
        raise BadFile(*reasons[:MAX_REASONS], *rest)
    return BotFile(bot, tools)


def _json(content: bytes) -> Any:
    if len(content) > MAX_BYTES:
        raise BadFile("The file is larger than 1 MB, so it is no file of a bot.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile("The file is not text in UTF-8.") from error
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadFile(f"The file is not JSON: look at {where}.") from error
    except (ValueError, RecursionError) as error:
        raise BadFile("The file is JSON with too long numbers or lists.") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for name, count in Counter(name for name, _ in pairs).items():
        if count > 1:
            raise BadFile(f"The file has “{_quoted(name)}” twice in one place.")
    return dict(pairs)


def _no_constant(name: str) -> Any:
    raise BadFile(f"The file has {name} where a number belongs.")


def _thing(where: str, model: type[Bot | Tool], values: Any) -> Iterator[str]:
    """The problems of a bot or of a tool."""
    if not isinstance(values, dict):
        yield f"“{where}” must be an object with a “name”."
        return
    if not values.get("name"):
        yield f"“{where}” lacks its “name”."
    settings = settings_of(model)
    yield from _unknown(f" in “{where}”", values, {*settings, *model.row_lists})
    for name, field in settings.items():
        if name in values:
            yield from _value(f"{where}, {name}", field, values[name])
    for name in (name for name in model.row_lists if name in values):
        if not isinstance(values[name], list) or len(values[name]) > MAX_ROWS:
            yield f"“{where}, {name}” must be a list of at most {MAX_ROWS} entries."
        elif name == TOOLS:
            yield from _names(f"{where}, {name}", values[name])
        else:
            yield from _rows(f"{where}, {name}", LISTS[name], values[name])


def _names(where: str, names: list[Any]) -> Iterator[str]:
    if not all(isinstance(name, str) for name in names):
        yield f"“{where}” must be a list of names."
    elif len(set(names)) < len(names):
        yield f"“{where}” has a name twice."


def _rows(where: str, kind: ListOfRows, rows: list[Any]) -> Iterator[str]:
    fields = {field.name: field for field in kind.value_fields}
    for number, row in enumerate(rows, 1):
        place = f"{where}, entry {number}"
        if not isinstance(row, dict) or not row.get(kind.key):
            yield f"“{place}” must be an object with a “{kind.key}”."
            continue
        yield from _unknown(f" in “{place}”", row, fields)
        for name in (name for name in fields if name in row):
            yield from _value(f"{place}, {name}", fields[name], row[name])
    yield from _repeated(where, kind.key, rows)


def _unknown(where: str, values: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    for name in sorted(set(values) - set(known)):
        yield f"The file has “{_quoted(name)}”{where}, which this server does not know."


def _repeated(where: str, key: str, rows: list[Any]) -> Iterator[str]:
    values = [row[key] for row in rows if isinstance(row, dict) and key in row]
    for value, count in Counter(map(str, values)).items():
        if count > 1:
            yield f"“{where}” has “{_quoted(value)}” twice."


def _value(where: str, field: "Field[Any, Any]", value: Any) -> Iterator[str]:
    """The problem of a value's type, or of a character in it."""
    allowed, wanted = _types(field)
    if value is None and field.null:
        return
    if not isinstance(value, allowed) or (isinstance(value, bool) != (bool in allowed)):
        yield f"“{where}” must be {wanted}, not {NAMES_OF_TYPES[type(value)]}."
    elif isinstance(value, str):
        try:
            plain_text(value)
        except ValidationError as error:
            yield f"“{where}”: {' '.join(error.messages)}"


def _types(field: "Field[Any, Any]") -> tuple[tuple[type, ...], str]:
    if isinstance(field, BooleanField):
        return (bool,), "true or false"
    if isinstance(field, IntegerField):
        return (int,), "a whole number"
    if isinstance(field, FloatField):
        return (int, float), "a number"
    wanted = "a name" if isinstance(field, ForeignKey) else "text"
    return (str,), f"{wanted} or null" if field.null else wanted


def _quoted(value: Any) -> str:
    return one_line(str(value), MAX_QUOTE)
