"""What a bot's model may call, as it is told: tools, and the bot's own actions. Pure.

The form is that of OpenAI's chat completions, which Inworld's Router takes.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bots.config.bot_config import BotConfig
from bots.config.capabilities import TransferTarget
from bots.config.opening_hours import BadHours, is_open
from bots.config.placeholders import Values, fill
from calls.turns.turn import COLLECT_DIGITS, END_CALL, SWITCH_LANGUAGE, TRANSFER_CALL

Function = Mapping[str, Any]


def tool_definitions(manners: BotConfig, minute: int, known: Values) -> list[Function]:
    """All that may be called now, at this minute of the week, by what is known."""
    told = [
        _told(tool.name, fill(tool.description, known), tool.schema)
        for tool in manners.tools
    ]
    if manners.can_end_call:
        told.append(_end())
    if people := [
        each
        for each in available_targets(manners.transfer_targets, minute)
        if each.when_to_use
    ]:
        told.append(_transfer(people, known))
    if manners.other_languages:
        told.append(_language([manners.language, *manners.other_languages]))
    if manners.can_collect_digits:
        told.append(_keys())
    return told


def available_targets(
    targets: Iterable[TransferTarget], minute: int
) -> list[TransferTarget]:
    """Those who take calls at this minute of the week."""
    return [target for target in targets if is_available(target, minute)]


def is_available(target: TransferTarget, minute: int) -> bool:
    try:
        return is_open(target.opening_hours, minute)
    except BadHours:  # of an older release
        return True


def _end() -> Function:
    goodbye = "A short goodbye, spoken before the line is closed."
    return _told(
        END_CALL,
        "End the call: when the caller says goodbye, or when there is nothing left to "
        "do. Never in the middle of something.",
        _object({"goodbye": _text(goodbye)}, []),
    )


def _transfer(people: list[TransferTarget], known: Values) -> Function:
    said = ((each.name, fill(each.when_to_use, known).rstrip(".")) for each in people)
    when = " ".join(f"{name}: {told}." for name, told in said)
    who = _text("Whom to.") | {"enum": [each.name for each in people]}
    summary = _text(
        "One or two sentences for that person: who calls, and what about. The caller "
        "does not hear them."
    )
    return _told(
        TRANSFER_CALL,
        f"Put the caller through to a person. {when} The caller is told by itself.",
        _object({"target": who, "summary": summary}, ["target", "summary"]),
    )


def _language(languages: list[str]) -> Function:
    which = _text("Its tag.") | {"enum": languages}
    return _told(
        SWITCH_LANGUAGE,
        "Go on in another language, because the caller asks for it or speaks it. "
        "Without this, words of another language are neither understood nor "
        "pronounced.",
        _object({"language": which}, ["language"]),
    )


def _keys() -> Function:
    return _told(
        COLLECT_DIGITS,
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
