"""Keys that somebody has written into a tool's headers: a file does not contain them.

In their place it has LEFT_OUT. A tool that has the header keeps its value.
"""

from typing import Any

from bots.admin.tool_advice import is_readable_key

LEFT_OUT = "(left out)"
Values = dict[str, Any]


def without_keys(tool: Values) -> Values:
    """The values of a tool without readable keys in its headers."""
    return {**tool, "headers": "\n".join(map(_without_key, _lines(tool["headers"])))}


def with_keys_of(headers: str, present: str) -> tuple[str, list[str]]:
    """Headers with what was left out, from those that a tool has at present.

    Also returns the names of headers that the tool has not; they are removed.
    """
    known = {_name(line): line for line in _lines(present)}
    lines, missing = [], []
    for line in _lines(headers):
        if line.partition(":")[2].strip() != LEFT_OUT:
            lines.append(line)
        elif _name(line) in known:
            lines.append(known[_name(line)])
        else:
            missing.append(line.partition(":")[0].strip())
    return "\n".join(lines), missing


def _without_key(line: str) -> str:
    name = line.partition(":")[0]
    return f"{name}: {LEFT_OUT}" if is_readable_key(line) else line


def _lines(headers: str) -> list[str]:
    return headers.splitlines()


def _name(line: str) -> str:
    return line.partition(":")[0].strip().lower()
