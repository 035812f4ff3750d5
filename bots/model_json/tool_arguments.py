"""Makes arguments of a tool call out of anything that a model writes. Pure.

Harmless differences to the schema are converted. Everything else is refused with a
message by which the model can correct itself.
"""

import json
import math
import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from bots.model_json.loose_json import AROUND, UNREADABLE, loose_value

Arguments = Mapping[str, Any]
Schema = Mapping[str, Any]

MAX_VALUE_LENGTH = 1_000
MAX_REMARK_LENGTH = 300
MAX_QUOTED_LENGTH = 100
# Keys under which models put the arguments once more, and keys beside them.
WRAPPERS = frozenset(
    {"arguments", "parameters", "input", "args", "kwargs", "params", "properties"}
)
BESIDE_WRAPPERS = frozenset({"name", "function", "tool", "type", "id"})
# Texts in the place of an optional argument that is left out.
NOTHING = frozenset({"", "null", "none", "undefined"})
TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})
WHOLE_NUMBER = re.compile(r"[+-]?\d{1,30}(\.0{1,2})?")
NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,2})?")
# 1.250 is a thousand and more in half of the world's languages.
AMBIGUOUS_NUMBER = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")
# Above, JSON numbers lose digits.
MAX_EXACT = 2**53
# Told to the model.
NOT_AN_OBJECT = (
    "Nothing was done: the arguments are not a JSON object. Call again with one."
)
CONTRADICTION = (
    "Nothing was done: two different objects came as the arguments of one call. Make "
    "a call for each."
)
REMARKS = {
    "string": "It must be a text.",
    "integer": "It must be a whole number in digits, such as 1250.",
    "number": "It must be a number in digits, such as 1250.5, without unit or comma.",
    "boolean": "It must be true or false.",
}


class InvalidArguments(ValueError):
    """Arguments that do not fit a tool; the message says why."""


def read_arguments(written: str) -> dict[str, Any]:
    """The object that a model wrote as arguments; empty if it wrote none.

    Raises `InvalidArguments`.
    """
    value = {} if not written.strip(AROUND) else loose_value(written)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is UNREADABLE:
        value = _only_object(written)
    if value in (None, "", []):  # PHP writes an empty object as a list
        value = {}
    if not isinstance(value, dict):
        raise InvalidArguments(NOT_AN_OBJECT)
    return value


def _only_object(written: str) -> dict[str, Any]:
    """The object in a text that has more in it: words, or the object once more."""
    decoder = json.JSONDecoder(strict=False, parse_constant=str)
    found: dict[str, Any] = {}
    start = written.find("{")
    if start < 0 or '"' in written[:start]:
        raise InvalidArguments(NOT_AN_OBJECT)
    while start >= 0:
        try:
            value, end = decoder.raw_decode(written, start)
        except (ValueError, RecursionError) as error:  # it broke off
            raise InvalidArguments(NOT_AN_OBJECT) from error
        if not extends(value, found):
            raise InvalidArguments(CONTRADICTION)
        found = value or found
        start = written.find("{", end)
    return found


def extends(value: Arguments, earlier: Arguments, *, grows: bool = False) -> bool:
    """True if arguments repeat earlier ones, and perhaps have more.

    With `grows`, the earlier ones may have texts that were not complete.
    """
    return not value or all(
        value.get(name, UNREADABLE) == given
        or (grows and _begins_with(value.get(name), given))
        for name, given in earlier.items()
    )


def _begins_with(text: object, beginning: object) -> bool:
    if not (isinstance(text, str) and isinstance(beginning, str)):
        return False
    return text.startswith(beginning)


def fitted(
    arguments: Arguments, schema: Schema, secrets: Collection[str] = ()
) -> dict[str, Any]:
    """Arguments converted to a schema. Raises `InvalidArguments` if they do not fit.

    The message quotes no values of `secrets`.
    """
    given = converted(arguments, schema)
    errors = Draft202012Validator(schema).iter_errors(given)
    if messages := [_message(error, secrets) for error in errors]:
        raise InvalidArguments(" ".join(messages[:3])[:MAX_REMARK_LENGTH])
    for name, value in given.items():
        text = rendered(value)
        if len(text) > MAX_VALUE_LENGTH:
            raise InvalidArguments(f"{name} is too long.")
        if "\0" in text or text != text.encode(errors="replace").decode():
            raise InvalidArguments(f"{name} has characters that cannot be sent.")
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidArguments(f"{name} is not a number.")
    return given


def converted(arguments: Arguments, schema: Schema) -> dict[str, Any]:
    """Arguments in the types of a schema where that is harmless, else unchanged.

    Models write null for arguments that they leave out.
    """
    properties, required = schema["properties"], schema.get("required", ())
    given = {}
    for name, value in _unwrapped(arguments, properties).items():
        kind = properties.get(name, {})
        value = _converted(value, kind)
        is_text = kind.get("type") == "string" and "enum" not in kind
        is_left_out = _is_nothing(value) and not is_text and kind
        is_chosen = value in kind.get("enum", ())
        if value is None or (is_left_out and not is_chosen and name not in required):
            continue
        given[name] = value
    return given


def rendered(value: Any) -> str:
    """An argument as it is written in an address or a header."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _message(error: ValidationError, secrets: Collection[str]) -> str:
    name = str(error.path[0]) if error.path else ""
    is_long = len(str(error.instance)) > MAX_QUOTED_LENGTH
    if name and (name in secrets or is_long):
        return f"{name}: is not valid."
    if error.validator == "required":
        return f"{error.message}."
    remark = (
        REMARKS.get(str(error.validator_value)) if error.validator == "type" else ""
    )
    return f"{name}: {error.message}. {remark}".strip(": ")


def _unwrapped(arguments: Arguments, properties: Mapping[str, Any]) -> Arguments:
    """The arguments inside an object such as {"arguments": {…}}."""
    (wrapper, *others) = [*(WRAPPERS & arguments.keys() - properties.keys()), ""]
    rest = arguments.keys() - {wrapper}
    if not wrapper or any(others) or not rest <= BESIDE_WRAPPERS - properties.keys():
        return arguments
    inner = arguments[wrapper]
    try:
        inner = read_arguments(inner) if isinstance(inner, str) else inner
    except InvalidArguments:
        return arguments
    return inner if isinstance(inner, dict) else arguments


def _is_nothing(value: object) -> bool:
    return isinstance(value, str) and value.strip().casefold() in NOTHING


def _converted(value: Any, kind: Schema) -> Any:
    if "enum" in kind:
        return _choice(value, kind["enum"])
    match kind.get("type"):
        case "string":
            return _text(value)
        case "integer" | "number" as name:
            return _number(value, is_whole=name == "integer")
        case "boolean":
            return _boolean(value)
    return value


def _text(value: Any) -> Any:
    if isinstance(value, float) and not abs(value) < MAX_EXACT:
        return value
    return rendered(value) if isinstance(value, bool | int | float) else value


def _choice(value: Any, choices: Collection[str]) -> Any:
    """The choice that is written differently, if there is only one."""
    if value in choices:
        return value
    plain = _plain(_text(value))
    same = [choice for choice in choices if _plain(choice) == plain]
    return same[0] if len(same) == 1 else value


def _plain(value: object) -> str:
    text = unicodedata.normalize("NFKC", str(value)).casefold()
    return " ".join(re.split(r"[\s_-]+", text.strip(" .\"'“”")))


def _number(value: Any, *, is_whole: bool) -> Any:
    if isinstance(value, str):
        text = value.strip()
        if WHOLE_NUMBER.fullmatch(text):
            return int(text.partition(".")[0])
        if is_whole or AMBIGUOUS_NUMBER.fullmatch(text):
            return value
        return float(text) if NUMBER.fullmatch(text) else value
    is_float = isinstance(value, float) and value.is_integer()
    return int(value) if is_whole and is_float else value


def _boolean(value: Any) -> Any:
    if not isinstance(value, str | int):
        return value
    word = str(value).strip().casefold()
    return True if word in TRUE else False if word in FALSE else value
