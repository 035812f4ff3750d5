"""The tools that a bot's model may call, its own and the built-in ones. Pure.

The format is that of OpenAI's chat completions, which Inworld's Router accepts.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bots.config.bot_config import BotConfig
from bots.config.capabilities import TransferTarget
from bots.config.opening_hours import is_open_or_unreadable
from bots.config.placeholders import Values, fill
from calls.turns.turn import COLLECT_DIGITS, END_CALL, SWITCH_LANGUAGE, TRANSFER_CALL

Function = Mapping[str, Any]


def tool_definitions(
    config: BotConfig, minute_of_week: int, variables: Values
) -> list[Function]:
    """Return the definitions of all tools that may be called at this time."""
    definitions = [
        _function(tool.name, fill(tool.description, variables), tool.schema)
        for tool in config.tools
    ]
    if config.can_end_call:
        definitions.append(_end_call())
    available = available_targets(config.transfer_targets, minute_of_week)
    if targets := [target for target in available if target.when_to_use]:
        definitions.append(_transfer_call(targets, variables))
    if config.other_languages:
        languages = [config.language, *config.other_languages]
        definitions.append(_switch_language(languages))
    if config.can_collect_digits:
        definitions.append(_collect_digits())
    return definitions


def available_targets(
    targets: Iterable[TransferTarget], minute_of_week: int
) -> list[TransferTarget]:
    """Return the targets that take calls at this minute of the week."""
    return [
        target
        for target in targets
        if is_open_or_unreadable(target.opening_hours, minute_of_week)
    ]


def _end_call() -> Function:
    goodbye = "A short goodbye, spoken before the line is closed."
    return _function(
        END_CALL,
        "End the call: when the caller says goodbye, or when there is nothing left to "
        "do. Never in the middle of something.",
        _object({"goodbye": _string(goodbye)}, []),
    )


def _transfer_call(targets: list[TransferTarget], variables: Values) -> Function:
    purposes = " ".join(
        f"{target.name}: {fill(target.when_to_use, variables).rstrip('.')}."
        for target in targets
    )
    target = _string("Whom to.") | {"enum": [target.name for target in targets]}
    summary = _string(
        "One or two sentences for that person: who calls, and what about. The caller "
        "does not hear them."
    )
    return _function(
        TRANSFER_CALL,
        f"Put the caller through to a person. {purposes} The caller is told by itself.",
        _object({"target": target, "summary": summary}, ["target", "summary"]),
    )


def _switch_language(languages: list[str]) -> Function:
    language = _string("Its tag.") | {"enum": languages}
    return _function(
        SWITCH_LANGUAGE,
        "Go on in another language, because the caller asks for it or speaks it. "
        "Without this, words of another language are neither understood nor "
        "pronounced.",
        _object({"language": language}, ["language"]),
    )


def _collect_digits() -> Function:
    return _function(
        COLLECT_DIGITS,
        "Have the caller type something on the telephone's keys, such as a number or a "
        "PIN. You get what was typed.",
        _object(
            {
                "question": _string("What to ask, word for word, unless just said."),
                "length": _integer("How many keys, where that is known.", 1, 20),
                "last_key": _string("The key that ends it, where the length varies.")
                | {"enum": ["#", "*", "none"]},
                "seconds": _integer("How long the caller may take to begin.", 3, 60),
                "secret": {
                    "type": "boolean",
                    "description": "Whether nobody may read it afterwards, as a PIN.",
                },
            },
            [],
        ),
    )


def _function(name: str, description: str, schema: Mapping[str, Any]) -> Function:
    function = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", "function": function}


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


def _string(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _integer(description: str, minimum: int, maximum: int) -> dict[str, Any]:
    limits = {"minimum": minimum, "maximum": maximum}
    return {"type": "integer", "description": description, **limits}
