"""Checks and fills the URL and headers of a tool, which may have placeholders. Pure.

The host never comes from a placeholder. So neither a caller nor a model can choose
where a request goes.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from bots.config.capabilities import ToolSpec
from bots.config.placeholders import PLACEHOLDER, SECRET, Values, fill, names
from bots.config.text import CONTROL

# Scheme, host and perhaps port of a URL.
HOST = re.compile(r"https?://([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?(?=[/?#]|\Z)", re.I)
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Headers that the HTTP client sets.
RESERVED_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection"}
)
BODILESS = frozenset({"GET", "DELETE"})
SPELLING = "Write a placeholder as {{name}} or {{name|what to use without it}}."


class BadTemplate(ValueError):
    """A URL or header that cannot be sent; the message says why."""


def check_url(url: str) -> None:
    """Refuse a URL whose host is not written out. Raises `BadTemplate`."""
    if not re.match("https?://[^/?#]", url, re.IGNORECASE):
        raise BadTemplate("Write the whole address, beginning with https://.")
    if re.search(r"\s", url) or CONTROL.search(url):
        raise BadTemplate("An address must not contain spaces.")
    authority = re.split("[/?#]", url, maxsplit=3)[2]
    if "{" in authority:
        raise BadTemplate("Write the host out: nothing a caller says may choose it.")
    if "@" in authority:
        raise BadTemplate("Put the password into a header, as {{secret.NAME}}.")
    match = HOST.match(url)
    if not match or int((match[2] or ":1")[1:]) not in range(1, 65_536):
        raise BadTemplate("This is not a valid address.")
    _check_spelling(url)


def check_headers(headers: str) -> None:
    """Refuse headers that cannot be sent. Raises `BadTemplate`."""
    for number, line in enumerate(headers.splitlines(), 1):
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon or not HEADER_NAME.fullmatch(name.strip()) or not value.strip():
            raise BadTemplate(f"Line {number} is not of the form Name: value.")
        if name.strip().lower() in RESERVED_HEADERS:
            raise BadTemplate(f"Line {number}: {name.strip()} is set automatically.")
        if not value.isascii():
            raise BadTemplate(
                f"Line {number} has characters that a header cannot contain."
            )
        _check_spelling(value)


def secrets_of(*templates: str) -> list[str]:
    """Return the names of secrets in texts: NAME for {{secret.NAME}}."""
    used = (name for text in templates for name in names(text))
    return [name.removeprefix(SECRET) for name in used if name.startswith(SECRET)]


def build_url(tool: ToolSpec, values: Values) -> str:
    """Return the URL of a request; a value never fills more than one part of it.

    Raises `BadTemplate` if a value of the path is missing, or would change the path.
    """
    for match in PLACEHOLDER.finditer(tool.url):
        if not re.search("[?#]", PLACEHOLDER.sub("", tool.url[: match.start()])):
            _check_part(match[1], fill(match[0], values))
    url = fill(tool.url, values, lambda value: quote(value, safe=""))
    path = re.split("[?#]", url, maxsplit=1)[0]
    if any(_leads_up(_unquoted(part)) for part in path.split("/")):
        raise BadTemplate("A value would change the path of the address.")
    return url


def headers(tool: ToolSpec, values: Values) -> dict[str, str]:
    """Return the headers of a request; no value can add a line."""
    filled = {}
    for line in tool.headers.splitlines():
        name, colon, template = line.partition(":")
        value = CONTROL.sub(" ", fill(template, values)).strip()
        if colon and value:
            filled[name.strip()] = value.encode("ascii", "replace").decode()
    return filled


def unused_arguments(tool: ToolSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments for the query or the body: those not used elsewhere."""
    used = {*names(tool.url), *names(tool.headers)}
    return {name: value for name, value in arguments.items() if name not in used}


def _check_part(name: str, value: str) -> None:
    """Refuse a value that is not one part of a path, however often it is unquoted."""
    if not value:
        raise BadTemplate(f"The address needs {name}, which is not known.")
    value = _unquoted(value)
    if re.search(r"[/\\]", value) or _leads_up(value):
        raise BadTemplate(f"{name} would change the path of the address.")


def _unquoted(part: str) -> str:
    while part != (unquoted := unquote(part)):
        part = unquoted
    return part


def _leads_up(part: str) -> bool:
    """True for . and .., also if the server ignores what follows a semicolon."""
    return part.split(";")[0] in (".", "..")


def _check_spelling(text: str) -> None:
    """Refuse a malformed placeholder, which would be sent as it is."""
    if re.search(r"\{\{|\}\}", PLACEHOLDER.sub("", text)):
        raise BadTemplate(SPELLING)
