"""System checks of the Inworld key and the hosts of tools."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from bots.inworld.api_key import lacks_key
from bots.tools.guarded_http import HOST


@register()
def inworld_key_is_set(**kwargs: Any) -> Iterator[CheckMessage]:
    """Warn about a missing key: Inworld refuses every request without one."""
    if lacks_key():
        yield Warning(
            "INWORLD_API_KEY is not set: no real model answers. `serve` starts the "
            "sandbox; any other server can only apologise to its callers.",
            id="bots.W001",
            hint="Create a key in Inworld's portal and put INWORLD_API_KEY=… in .env.",
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
