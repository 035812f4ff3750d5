"""Checks and fills the URL and headers of a tool, which may have placeholders. Pure.

The host never comes from a placeholder. So neither a caller nor a model can choose
where a request goes.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from bots.config.capabilities import ToolSpec
from bots.config.placeholders import (
    PLACEHOLDER,
    SECRET,
    Values,
    fill,
    names,
    problem,
)
from bots.config.text import CONTROL

# Scheme, host and perhaps port of a URL.
HOST = re.compile(r"https?://([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?(?=[/?#]|\Z)", re.I)
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Headers that the HTTP client sets.
RESERVED_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection"}
)
# Characters that a header's value cannot contain, and those that need no escape there.
NOT_IN_HEADER = re.compile(r"[^\x20-\x7e]")
HEADER_SAFE = "".join(set(map(chr, range(32, 127))) - {"%"})
UNSENDABLE = (
    "“{}” has characters that a header cannot contain: letters with accents, or a line "
    "break. Enter it again under Passwords and keys."
)
BODILESS = frozenset({"GET", "DELETE"})


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
        if not colon or not name.strip() or not value.strip():
            raise BadTemplate(f"Line {number} is not of the form Name: value.")
        if not HEADER_NAME.fullmatch(name.strip()):
            raise BadTemplate(
                f"Line {number}: the name “{name.strip()}” may have letters from a to "
                "z, digits and - only."
            )
        if name.strip().lower() in RESERVED_HEADERS:
            raise BadTemplate(f"Line {number}: {name.strip()} is set automatically.")
        if odd := NOT_IN_HEADER.search(PLACEHOLDER.sub("", value.strip())):
            raise BadTemplate(
                f"Line {number}: a header cannot contain “{odd[0]}”, only letters from "
                "a to z, digits and signs. Write it percent-encoded, as "
                f"{quote(odd[0])}, if the server reads that."
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
            _check_part(match[1], fill(match[0], values, str))
    url = fill(tool.url, values, lambda value: quote(value, safe=""))
    path = re.split("[?#]", url, maxsplit=1)[0]
    if any(_leads_up(_unquoted(part)) for part in path.split("/")):
        raise BadTemplate("A value would change the path of the address.")
    return url


def headers(tool: ToolSpec, values: Values) -> dict[str, str]:
    """Return the headers of a request; no value can add a line.

    Raises `BadTemplate` if a secret has characters that a header cannot contain.
    """
    filled = {}
    for line in tool.headers.splitlines():
        name, colon, template = line.partition(":")
        for secret in secrets_of(template):
            if NOT_IN_HEADER.search(values.get(f"{SECRET}{secret}", "").strip()):
                raise BadTemplate(UNSENDABLE.format(secret))
        value = fill(template, values, header_value).strip()
        if colon and value:
            filled[name.strip()] = value
    return filled


def header_value(value: str) -> str:
    """A value on one line of ASCII, as headers have to be (RFC 9110, 5.5).

    A value with other characters is percent-encoded as UTF-8, like values in addresses
    and in parameters of headers (RFC 8187).
    """
    line = CONTROL.sub(" ", value).strip()
    return line if line.isascii() else quote(line, safe=HEADER_SAFE)


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
    """Refuse a placeholder that nothing fills in."""
    if message := problem(text):
        raise BadTemplate(message)
