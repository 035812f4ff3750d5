"""System checks of the Inworld key and the hosts of tools."""

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from bots.inworld.api_key import lacks_key
from bots.tools.guarded_http import HOST

QUOTES = tuple("\"'`“”‘’„")  # noqa: RUF001


def paste_problem(value: str) -> str:
    """Why a key or token cannot have been meant so; empty if nothing is odd.

    systemd and `docker run --env-file` keep quotes and comments as parts of a value.
    """
    if value[:1] in QUOTES or value[-1:] in QUOTES:
        return "begins or ends with a quotation mark"
    if re.search(r"\s#", value) or value.startswith("#"):
        return "has a comment in it"
    if re.search(r"\s", value):
        return "has a space in it"
    return "" if value.isascii() and value.isprintable() else "has odd characters in it"


@register()
def inworld_key_is_a_key(**kwargs: Any) -> Iterator[CheckMessage]:
    """Refuse a key that Inworld cannot have given out. Never repeats it."""
    if problem := settings.INWORLD_API_KEY and paste_problem(settings.INWORLD_API_KEY):
        yield Error(
            f"INWORLD_API_KEY {problem}.",
            id="bots.E002",
            hint="Copy the Base64 text alone from Inworld's portal, without “Basic” or "
            "“Bearer” before it and without a comment behind it.",
        )


@register()
def inworld_key_is_set(**kwargs: Any) -> Iterator[CheckMessage]:
    """Warn about a missing key: Inworld refuses every request without one."""
    if lacks_key():
        yield Warning(
            "The key of your Inworld account is missing (INWORLD_API_KEY): no real "
            "model answers. `serve` starts the sandbox; any other server can only "
            "apologise to its callers.",
            id="bots.W001",
            hint="Make a key in Inworld's portal and write it into the server's "
            "settings file (.env): INWORLD_API_KEY=…",
        )


@register()
def hosts_of_tools_are_hosts(**kwargs: Any) -> Iterator[CheckMessage]:
    """Refuse entries that are not hosts: they would match no request."""
    for name in ("TOOL_ALLOWED_HOSTS", "TOOL_ALLOWED_PRIVATE_HOSTS"):
        for entry in getattr(settings, name):
            if not HOST.fullmatch(entry):
                yield Error(
                    f"{name} has “{entry}”, which is not a host.",
                    id="bots.E001",
                    hint="Write crm.internal or 10.0.0.5:8080, separated by commas: no "
                    "https://, no path, no *.",
                )
