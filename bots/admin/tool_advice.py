"""What is worth another look in a tool as it was saved."""

from collections.abc import Iterator
from itertools import chain

from bots.admin.usage import bots_with
from bots.advice.form import nearest
from bots.config.placeholders import (
    BUILT_IN,
    SECRET,
    malformed,
    names,
    parse_declared,
    unknown,
)
from bots.config.request_template import SPELLING, secrets_of
from bots.models import Secret, Tool
from bots.tools.guarded_http import refused_by_policy

# Headers whose value is a key, by what their names have in them.
KEYS = ("authorization", "token", "key", "secret", "cookie")


def remarks(tool: Tool) -> list[str]:
    """Warnings for whoever saved the tool, in plain words."""
    return list(chain(_nameless(tool), _missing(tool), _open(tool), _refused(tool)))


def _nameless(tool: Tool) -> Iterator[str]:
    """Placeholders that nothing fills in."""
    known = {name for bot in bots_with(tool) for name in parse_declared(bot.variables)}
    given = known | {parameter.name for parameter in tool.parameters.all()}
    text = f"{tool.url} {tool.headers}"
    sent = unknown(text, [*given, *_secret_names(text)])
    told = f"{tool.description}\n{tool.failure_instructions}"
    if wrong := malformed(told):
        yield f"“{wrong}” will be left out. {SPELLING}"
    said = unknown(told, known)
    for name in dict.fromkeys([*sent, *said]):
        near = nearest(name, [*given, *BUILT_IN])
        suggestion = f" Did you mean {{{{{near}}}}}?" if near else ""
        yield (
            f"Nothing fills in {{{{{name}}}}}. It is neither an argument nor a "
            "variable of a bot with this tool. It is left out; in the path of the "
            f"address, the tool fails.{suggestion}"
        )


def _missing(tool: Tool) -> Iterator[str]:
    """Secrets that there are not."""
    named = secrets_of(tool.url, tool.headers)
    kept = set(Secret.objects.filter(name__in=named).values_list("name", flat=True))
    for name in named:
        if name not in kept:
            yield f"“{name}” does not exist. Create it under Passwords and keys."


def _open(tool: Tool) -> Iterator[str]:
    """Keys that were written down where everybody reads them."""
    for line in tool.headers.splitlines():
        name, _, value = line.partition(":")
        if any(key in name.lower() for key in KEYS) and not secrets_of(value):
            yield (
                f"Everybody with access to this console can read the value of "
                f"{name.strip()}, and it is stored with each call. Save it under "
                "Passwords and keys, and write {{secret.NAME}} here."
            )


def _refused(tool: Tool) -> Iterator[str]:
    """A host that this server does not call."""
    if refused := refused_by_policy(tool.url):
        yield f"Every use of the tool will fail. {refused}"


def _secret_names(text: str) -> list[str]:
    return [name for name in names(text) if name.startswith(SECRET)]
