"""What a bot's model may call, as it is told: tools, and the bot's own deeds. Pure.

The form is that of OpenAI's chat completions, which Inworld's Router takes.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bots.config.capabilities import Target
from bots.config.opening_hours import BadHours, is_open
from bots.config.placeholders import Values, fill
from bots.config.rules import Manners
from calls.turns.turn import END, KEYS, LANGUAGE, TRANSFER

Function = Mapping[str, Any]


def functions(manners: Manners, minute: int, known: Values) -> list[Function]:
    """All that may be called now, at this minute of the week, by what is known."""
    told = [
        _told(tool.name, fill(tool.description, known), tool.schema)
        for tool in manners.tools
    ]
    if manners.can_hang_up:
        told.append(_end())
    if people := [each for each in present(manners.targets, minute) if each.when]:
        told.append(_transfer(people, known))
    if manners.others:
        told.append(_language([manners.language, *manners.others]))
    if manners.can_ask_for_keys:
        told.append(_keys())
    return told


def present(targets: Iterable[Target], minute: int) -> list[Target]:
    """Those who take calls at this minute of the week."""
    return [target for target in targets if _is_there(target, minute)]


def _is_there(target: Target, minute: int) -> bool:
    try:
        return is_open(target.hours, minute)
    except BadHours:  # of an older release
        return True


def _end() -> Function:
    goodbye = "A short goodbye, spoken before the line is closed."
    return _told(
        END,
        "End the call: when the caller says goodbye, or when there is nothing left to "
        "do. Never in the middle of something.",
        _object({"goodbye": _text(goodbye)}, []),
    )


def _transfer(people: list[Target], known: Values) -> Function:
    said = ((each.name, fill(each.when, known).rstrip(".")) for each in people)
    when = " ".join(f"{name}: {told}." for name, told in said)
    who = _text("Whom to.") | {"enum": [each.name for each in people]}
    summary = _text(
        "One or two sentences for that person: who calls, and what about. The caller "
        "does not hear them."
    )
    return _told(
        TRANSFER,
        f"Put the caller through to a person. {when} The caller is told by itself.",
        _object({"target": who, "summary": summary}, ["target", "summary"]),
    )


def _language(languages: list[str]) -> Function:
    which = _text("Its tag.") | {"enum": languages}
    return _told(
        LANGUAGE,
        "Go on in another language, because the caller asks for it or speaks it. "
        "Without this, words of another language are neither understood nor "
        "pronounced.",
        _object({"language": which}, ["language"]),
    )


def _keys() -> Function:
    return _told(
        KEYS,
        "Have the caller type something on the telephone's keys, such as a number or a "
        "PIN. You get what was typed.",
        _object(
            {
                "question": _text("What to ask, word for word, unless just said."),
                "length": _whole("How many keys, where that is known.", 1, 20),
                "last_key": _text("The key that ends it, where the length varies.")
                | {"enum": ["#", "*", "none"]},
                "seconds": _whole("How long the caller may take to begin.", 3, 60),
                "secret": {
                    "type": "boolean",
                    "description": "Whether nobody may read it afterwards, as a PIN.",
                },
            },
            [],
        ),
    )


def _told(name: str, description: str, schema: Mapping[str, Any]) -> Function:
    function = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", "function": function}


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _whole(description: str, least: int, most: int) -> dict[str, Any]:
    bounds = {"minimum": least, "maximum": most}
    return {"type": "integer", "description": description, **bounds}
