"""Warnings about a tool that was saved."""

from collections.abc import Iterator

from bots.admin.usage import bots_with
from bots.advice.form import nearest
from bots.advice.placeholders import unknown_in_tool
from bots.config.placeholders import (
    BUILT_IN,
    parse_declared,
)
from bots.config.request_template import secrets_of
from bots.models import Secret, Tool
from bots.tools.guarded_http import refused_by_policy

# Parts of the names of headers whose value is a password or key.
KEY_HEADERS = ("authorization", "token", "key", "secret", "cookie")


def remarks(tool: Tool) -> Iterator[str]:
    """The warnings that an operator sees after saving a tool."""
    yield from _unknown_placeholders(tool)
    yield from _missing_secrets(tool)
    yield from _readable_keys(tool)
    if refused := refused_by_policy(tool.url):
        yield f"Every use of the tool will fail. {refused}"


def _unknown_placeholders(tool: Tool) -> Iterator[str]:
    bots = bots_with(tool)
    variables = {name for bot in bots for name in parse_declared(bot.variables)}
    arguments = {parameter.name for parameter in tool.parameters.all()}
    spec = tool.spec()
    for name in unknown_in_tool(spec, variables, arguments):
        near = nearest(name, [*variables, *arguments, *BUILT_IN])
        suggestion = f" Did you mean {{{{{near}}}}}?" if near else ""
        yield (
            f"Nothing fills in {{{{{name}}}}}. It is neither an argument nor a "
            "variable of a bot with this tool. It is left out; in the path of the "
            f"address, the tool fails.{suggestion}"
        )


def _missing_secrets(tool: Tool) -> Iterator[str]:
    names = secrets_of(tool.url, tool.headers)
    stored = Secret.objects.filter(name__in=names).values_list("name", flat=True)
    for name in names:
        if name not in stored:
            yield f"“{name}” does not exist. Create it under Passwords and keys."


def is_readable_key(header: str) -> bool:
    """True if a header has a password or key in plain text."""
    name, _, value = header.partition(":")
    is_key = any(part in name.lower() for part in KEY_HEADERS)
    return is_key and not secrets_of(value)


def _readable_keys(tool: Tool) -> Iterator[str]:
    """Warn about keys that are written into a header in plain text."""
    for line in tool.headers.splitlines():
        if is_readable_key(line):
            yield (
                "Everybody with access to this console can read the value of "
                f"{line.partition(':')[0].strip()}, and it is stored with each call. "
                "Save it under Passwords and keys, and write {{secret.NAME}} here."
            )
