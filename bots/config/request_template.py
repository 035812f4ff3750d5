"""Requests that operators describe with placeholders: what they may be. Pure.

The host always stands in the operator's own letters: nothing that a caller or a model
says can choose where a request goes.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from bots.config.capabilities import ToolSpec
from bots.config.placeholders import CONTROL, PLACEHOLDER, SECRET, Values, fill, names

# The whole beginning of an address: what it is, where it goes, perhaps on which port.
HOST = re.compile(r"https?://([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?(?=[/?#]|\Z)", re.I)
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What the client writes itself.
RESERVED_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection"}
)
BODILESS = frozenset({"GET", "DELETE"})
SPELLING = "Write a placeholder as {{name}} or {{name|what to use without it}}."


class BadTemplate(ValueError):
    """An address or header that could not be sent; says why."""


def check_url(url: str) -> None:
    """Refuse an address whose host is not written out. Raises `BadTemplate`."""
    if not re.match("https?://[^/?#]", url, re.IGNORECASE):
        raise BadTemplate("Write the whole address, beginning with https://.")
    if re.search(r"\s", url) or CONTROL.search(url):
        raise BadTemplate("An address has no spaces.")
    authority = re.split("[/?#]", url, maxsplit=3)[2]
    if "{" in authority:
        raise BadTemplate("Write the host out: nothing a caller says may choose it.")
    if "@" in authority:
        raise BadTemplate("Put a password into a header, as a secret.")
    found = HOST.match(url)
    if not found or int((found[2] or ":1")[1:]) not in range(1, 65_536):
        raise BadTemplate("This is not an address.")
    _check_spelling(url)


def check_headers(headers: str) -> None:
    """Refuse headers that could not be sent. Raises `BadTemplate`."""
    for number, line in enumerate(headers.splitlines(), 1):
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon or not HEADER_NAME.fullmatch(name.strip()) or not value.strip():
            raise BadTemplate(f"Line {number} is not of the form Name: value.")
        if name.strip().lower() in RESERVED_HEADERS:
            raise BadTemplate(f"Line {number}: {name.strip()} is written by itself.")
        if not value.isascii():
            raise BadTemplate(f"Line {number} has signs that a header cannot have.")
        _check_spelling(value)


def secrets_of(*templates: str) -> list[str]:
    """The secrets that texts name, without {{secret.…}}."""
    found = (name for text in templates for name in names(text))
    return [name.removeprefix(SECRET) for name in found if name.startswith(SECRET)]


def build_url(tool: ToolSpec, values: Values) -> str:
    """Where a request goes; each value is one part of the path or query, never more.

    Raises `BadTemplate` where a value is missing from the path, or would change it.
    """
    for found in PLACEHOLDER.finditer(tool.url):
        if not re.search("[?#]", PLACEHOLDER.sub("", tool.url[: found.start()])):
            _check_part(found[1], fill(found[0], values))
    whole = fill(tool.url, values, lambda value: quote(value, safe=""))
    path = re.split("[?#]", whole, maxsplit=1)[0]
    if any(_is_dots(_unpacked(part)) for part in path.split("/")):
        raise BadTemplate("A value would change the path of the address.")
    return whole


def headers(tool: ToolSpec, values: Values) -> dict[str, str]:
    """The headers of a request; what a value brings along stays within its line."""
    found = {}
    for line in tool.headers.splitlines():
        name, colon, value = line.partition(":")
        told = CONTROL.sub(" ", fill(value, values)).strip()
        if colon and told:
            found[name.strip()] = told.encode("ascii", "replace").decode()
    return found


def unused_arguments(tool: ToolSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that the address does not name: for the query or the body."""
    named = {*names(tool.url), *names(tool.headers)}
    return {name: value for name, value in arguments.items() if name not in named}


def _check_part(name: str, value: str) -> None:
    """Refuse what is no part of a path, however often a server unpacks it."""
    if not value:
        raise BadTemplate(f"The address needs {name}, which is not known.")
    value = _unpacked(value)
    if re.search(r"[/\\]", value) or _is_dots(value):
        raise BadTemplate(f"{name} would change the path of the address.")


def _unpacked(part: str) -> str:
    while part != (unpacked := unquote(part)):
        part = unpacked
    return part


def _is_dots(part: str) -> bool:
    """Whether it leads up the path, also for servers that cut it off at a semicolon."""
    return part.split(";")[0] in (".", "..")


def _check_spelling(text: str) -> None:
    """Refuse what looks like a placeholder and is none: it would be sent as it is."""
    if re.search(r"\{\{|\}\}", PLACEHOLDER.sub("", text)):
        raise BadTemplate(SPELLING)
