"""Variables in a bot's texts and tools that nothing will fill in. Pure."""

from collections.abc import Iterable, Iterator

from bots.advice.form import AvailableTools, Draft, Remark, joined, nearest, rows
from bots.advice.wording import placeholder, shown
from bots.config.capabilities import ToolSpec
from bots.config.placeholders import (
    BUILT_IN,
    SECRET,
    fill,
    malformed,
    parse_declared,
    unknown,
)
from bots.config.request_template import SPELLING

# What is said word for word, or given to the model, with variables filled in.
FILLED = (
    *("consent_message", "greeting", "system_prompt", "fillers", "idle_prompt"),
    *("time_limit_message", "goodbye_message", "apology_message", "transfer_notice"),
)
# What is given away as it stands.
RAW = ("hints", "summary_prompt", "outcomes", "summary_fields")
NAMED = 3
LISTED = 12


def remarks(draft: Draft, kit: AvailableTools) -> Iterator[Remark]:
    """Every text with a name that no call will know."""
    known = [*parse_declared(draft.get("variables", ""))]
    for name in FILLED:
        yield from _text(name, draft.get(name, ""), known)
    for name in RAW:
        if found := placeholder(draft.get(name, "")):
            yield Remark(name, f"“{found}” stays as it is: nothing is filled in here.")
    for row in rows(draft, "menu_keys"):
        if row["action"] == "say":
            yield from _text(row.field("message"), row["message"], known)
        if row["action"] == "tool" and (tool := kit.pressed.get(row["tool"])):
            # A key brings no arguments.
            yield from _tool(row.field("tool"), tool, known, [])
    for row in rows(draft, "targets"):
        yield from _text(row.field("when_to_use"), row["when_to_use"], known)
    for tool in kit.tools:
        arguments = [each.name for each in tool.parameters]
        yield from _tool("tools", tool, known, arguments)
    if kit.lookup:
        yield from _tool("lookup_tool", kit.lookup, known, [])
    yield from _silent(draft.get("greeting", ""), known)


def _text(field: str, text: str, known: list[str]) -> Iterator[Remark]:
    if found := malformed(text):
        yield Remark(field, f"“{shown(found)}” will be left out. {SPELLING}")
    if missing := unknown(text, known):
        yield Remark(field, _told(missing, known))


def _tool(
    field: str, tool: ToolSpec, known: list[str], arguments: list[str]
) -> Iterator[Remark]:
    sent = unknown(f"{tool.url}\n{tool.headers}", [*known, *arguments])
    told = f"{tool.description}\n{tool.failure_instructions}"
    if wrong := malformed(told):
        wrong = f"In {tool.name}: “{shown(wrong)}” will be left out. {SPELLING}"
        yield Remark(field, wrong)
    said = unknown(told, known)
    found = [name for name in sent if not name.startswith(SECRET)]
    if missing := list(dict.fromkeys([*found, *said])):
        told = _told(missing, [*known, *arguments])
        yield Remark(field, f"In {tool.name}: {told}")


def _told(missing: list[str], known: Iterable[str]) -> str:
    named = joined([_braced(name) for name in missing[:NAMED]])
    verb = "is not known: it" if len(missing) == 1 else "are not known: they"
    names = list(dict.fromkeys([*known, *BUILT_IN]))
    near = next(filter(None, (nearest(name, names) for name in missing[:NAMED])), "")
    perhaps = f" Did you mean {_braced(near)}?" if near else ""
    if any(name.startswith(SECRET) for name in missing):
        perhaps = " Secrets are filled in only where tools name them."
    listed = ", ".join(map(shown, names[:LISTED]))
    more = ", …" if len(names) > LISTED else ""
    return f"{named} {verb} will be left out.{perhaps} Known are: {listed}{more}."


def _braced(name: str) -> str:
    return f"{{{{{shown(name)}}}}}"


def _silent(greeting: str, known: Iterable[str]) -> Iterator[Remark]:
    said = fill(greeting, dict.fromkeys([*known, *BUILT_IN], "x"))
    if greeting.strip() and not any(sign.isalnum() for sign in said):
        told = "Nothing of it is left to say: callers would hear silence."
        yield Remark("greeting", told)
