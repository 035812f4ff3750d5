"""Requests that operators describe with placeholders: what they may be. Pure.

The host always stands in the operator's own letters: nothing that a caller or a model
says can choose where a request goes.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from bots.abilities import ToolSpec
from bots.variables import CONTROL, PLACEHOLDER, SECRET, fill, names

HEADER_NAME = re.compile(r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
# What the client writes itself.
OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
BODILESS = frozenset({"GET", "DELETE"})


class BadTemplate(ValueError):
    """An address or header that could not be sent; says why."""


def check_url(url: str) -> None:
    """Refuse an address whose host is not written out. Raises `BadTemplate`."""
    try:
        parts = urlsplit(PLACEHOLDER.sub("x", url))
        parts.port  # noqa: B018  (raises where it is no number)
    except ValueError as error:
        raise BadTemplate("This is not an address.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadTemplate("Write the whole address, beginning with https://.")
    if parts.username is not None or parts.password is not None:
        raise BadTemplate("Put a password into a header, as a secret.")
    host = re.match(r"https?://[^/?#]*", url, re.IGNORECASE)
    if host is None or PLACEHOLDER.search(host[0]) or "{" in host[0]:
        raise BadTemplate("Write the host out: nothing a caller says may choose it.")
    if re.search(r"\s", url):
        raise BadTemplate("An address has no spaces.")


def check_headers(headers: str) -> None:
    """Refuse headers that could not be sent. Raises `BadTemplate`."""
    for number, line in enumerate(headers.splitlines(), 1):
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon or not HEADER_NAME.match(name.strip()) or not value.strip():
            raise BadTemplate(f"Line {number} is not of the form Name: value.")
        if name.strip().lower() in OWN_HEADERS:
            raise BadTemplate(f"Line {number}: {name.strip()} is written by itself.")
        if not value.isascii():
            raise BadTemplate(f"Line {number} has signs that a header cannot have.")


def secrets_of(*templates: str) -> list[str]:
    """The secrets that texts name, without {{secret.…}}."""
    found = (name for text in templates for name in names(text))
    return [name.removeprefix(SECRET) for name in found if name.startswith(SECRET)]


def address(tool: ToolSpec, values: Mapping[str, str]) -> str:
    """Where a request goes; each value is a part of the path or query, never more.

    Raises `BadTemplate` where values would climb out of the path that was written.
    """
    found = fill(tool.url, values, lambda value: quote(value, safe=""))
    if any(unquote(part) in (".", "..") for part in urlsplit(found).path.split("/")):
        raise BadTemplate("An argument would change the path of the address.")
    return found


def headers(tool: ToolSpec, values: Mapping[str, str]) -> dict[str, str]:
    """The headers of a request; what a value brings along stays within its line."""
    found = {}
    for line in tool.headers.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            told = CONTROL.sub(" ", fill(value, values)).strip()
            found[name.strip()] = told.encode("ascii", "replace").decode()
    return found


def left_over(tool: ToolSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that the address does not name: for the query or the body."""
    named = {*names(tool.url), *names(tool.headers)}
    return {name: value for name, value in arguments.items() if name not in named}
