"""Remarks on variables in a bot's texts and tools that nothing fills in. Pure."""

import re
from collections.abc import Iterable, Iterator

from bots.advice.form import Draft, FormContext, Level, Remark, joined, nearest, rows
from bots.advice.wording import placeholder, shown
from bots.config.capabilities import ToolSpec
from bots.config.placeholders import (
    BUILT_IN,
    SECRET,
    fill,
    parse_declared,
    problem,
    unknown,
)

# Texts that are spoken or sent to the model, with variables filled in.
FILLED = (
    *("consent_message", "greeting", "system_prompt", "fillers", "idle_prompt"),
    *("time_limit_message", "goodbye_message", "apology_message", "transfer_notice"),
    *("reconnected", "line_lost", "busy_message", "closed_message"),
    "take_message_prompt",
    *("screening_prompt", "screening_prompt_without_summary"),
    *("screening_accepted", "screening_declined"),
)
# Variables of one text alone.
ONLY_THERE = {
    "screening_prompt": ("summary",),
    "closed_message": ("opens",),
}
# Texts that are used as they are.
RAW = ("hints", "summary_prompt", "outcomes", "summary_fields")
# Variables as other products write them: {name}, ${name}, #{name}, %name%, <<name>>,
# [[name]] and <%= name %>.
OTHER_SYNTAX = re.compile(
    r"(?:(?<![\w{])[$#@%]?\{|%\(|(?<!\w)%(?=\w+%)|<<|\[\[|<%=?)\s*"
    r"(?P<name>[A-Za-z_][\w.]*)\s*(?:\}(?!\})|\)s|%(?!\w)|>>|\]\]|%>)"
)
MAX_MISSING = 3  # names in one remark
MAX_VARIABLES = 12
MAX_COMPARED = 100


def remarks(draft: Draft, context: FormContext) -> Iterator[Remark]:
    """List the texts with a name that no call can fill in."""
    variables = [*parse_declared(draft.get("variables", ""))]
    for name in FILLED:
        known = [*variables, *ONLY_THERE.get(name, ())]
        yield from _text(name, draft.get(name, ""), known)
    for name in RAW:
        if raw := placeholder(draft.get(name, "")):
            yield Remark(name, f"“{raw}” stays as it is: nothing is filled in here.")
    for row in rows(draft, "menu_keys"):
        if row["action"] == "say":
            yield from _text(row.field("message"), row["message"], variables)
        if row["action"] == "tool" and (tool := context.tools_by_id.get(row["tool"])):
            # A key has no arguments.
            yield from _tool(row.field("tool"), tool, variables, [])
    for row in rows(draft, "targets"):
        yield from _text(row.field("when_to_use"), row["when_to_use"], variables)
    for tool in context.tools:
        arguments = [parameter.name for parameter in tool.parameters]
        yield from _tool("tools", tool, variables, arguments)
    if context.lookup:
        yield from _tool("lookup_tool", context.lookup, variables, [])
    yield from _silent_greeting(draft.get("greeting", ""), variables)


def _text(field: str, text: str, variables: list[str]) -> Iterator[Remark]:
    if message := problem(text):
        yield Remark(field, message)
    elif match := OTHER_SYNTAX.search(text):
        what = f"“{shown(match[0])}” stays as it is: nothing is filled in."
        name = f"{{{{{match['name']}}}}}"
        level: Level = "hint" if field == "system_prompt" else "warning"
        text = f"{what} If it stands for a variable, write {name}."
        yield Remark(field, text, level)
    if missing := unknown(text, variables):
        yield Remark(field, _message(missing, variables))


def _tool(
    field: str, tool: ToolSpec, variables: list[str], arguments: list[str]
) -> Iterator[Remark]:
    if message := problem(tool.prompt):
        yield Remark(field, f"In {tool.name}: {message}")
    if missing := unknown_in_tool(tool, variables, arguments):
        known = [*variables, *arguments]
        yield Remark(field, f"In {tool.name}: {_message(missing, known)}")


def unknown_in_tool(
    tool: ToolSpec, variables: Iterable[str], arguments: Iterable[str]
) -> list[str]:
    """The names in a tool's settings that nothing fills in.

    Only the request has the arguments and the secrets.
    """
    sent = unknown(f"{tool.url}\n{tool.headers}", [*variables, *arguments])
    sent = [name for name in sent if not name.startswith(SECRET)]
    return list(dict.fromkeys([*sent, *unknown(tool.prompt, variables)]))


def _message(missing: list[str], variables: Iterable[str]) -> str:
    quoted = joined([_braced(name) for name in missing[:MAX_MISSING]])
    verb = "is not known: it" if len(missing) == 1 else "are not known: they"
    names = list(dict.fromkeys([*variables, *BUILT_IN]))
    near = next(
        filter(None, (nearest(m, names[:MAX_COMPARED]) for m in missing[:MAX_MISSING])),
        "",
    )
    advice = f" Did you mean {_braced(near)}?" if near else ""
    if any(name.startswith(SECRET) for name in missing):
        advice = " Passwords and keys are filled in only in the requests of tools."
    listed = ", ".join(map(shown, names[:MAX_VARIABLES]))
    more = ", …" if len(names) > MAX_VARIABLES else ""
    return f"{quoted} {verb} will be left out.{advice} Known are: {listed}{more}."


def _braced(name: str) -> str:
    return f"{{{{{shown(name)}}}}}"


def _silent_greeting(greeting: str, variables: Iterable[str]) -> Iterator[Remark]:
    spoken = fill(greeting, dict.fromkeys([*variables, *BUILT_IN], "x"))
    if greeting.strip() and not any(character.isalnum() for character in spoken):
        text = "Nothing of it is left to say: callers would hear silence."
        yield Remark("greeting", text)
