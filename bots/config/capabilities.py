"""Tools, transfer targets, menu and languages of a bot as plain data. Pure.

The field names of these classes are keys of the JSON that is stored with a call.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from bots.config.text import clean

MASK = "••••"


class JsonData:
    """Converts a dataclass to and from JSON data; missing keys get their defaults."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Read the output of `to_json`, perhaps of another release."""
        names = {field.name for field in fields(cls)}  # type: ignore[arg-type]
        return cls(**{name: value for name, value in stored.items() if name in names})

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON data."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True, slots=True)
class Parameter(JsonData):
    """One argument of a tool; people never see a `secret` one."""

    name: str
    type: str = "string"  # string, number, integer or boolean
    description: str = ""
    required: bool = True
    choices: tuple[str, ...] = ()
    secret: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """The parameter in JSON Schema."""
        schema: dict[str, Any] = {"type": self.type}
        if self.description:
            schema["description"] = self.description
        if self.choices:
            schema["enum"] = list(self.choices)
        return schema


@dataclass(frozen=True, slots=True)
class ToolSpec(JsonData):
    """A tool that is called over HTTP.

    `url` and `headers` may contain placeholders. The values of {{secret.NAME}} are not
    stored here. The model follows `failure_instructions` if the tool fails.
    """

    name: str
    description: str = ""
    method: str = "GET"
    url: str = ""
    headers: str = ""  # one a line, Name: value
    parameters: tuple[Parameter, ...] = ()
    timeout_seconds: float = 10.0
    failure_instructions: str = ""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Read the output of `to_json`, including the parameters."""
        parameters = tuple(map(_parameter, stored.get("parameters", ())))
        return super(ToolSpec, cls).of({**stored, "parameters": parameters})

    @property
    def schema(self) -> dict[str, Any]:
        """The arguments in JSON Schema."""
        required = [param.name for param in self.parameters if param.required]
        return {
            "type": "object",
            "properties": {param.name: param.schema for param in self.parameters},
            "required": required,
            "additionalProperties": False,
        }

    @property
    def prompt(self) -> str:
        """The texts that the model reads."""
        return f"{self.description}\n{self.failure_instructions}"

    @property
    def secrets(self) -> frozenset[str]:
        """The names of secret arguments."""
        return frozenset(param.name for param in self.parameters if param.secret)

    def masked(self, arguments: Mapping[str, Any]) -> str:
        """Return the arguments in JSON, with the secret ones masked."""
        secrets = self.secrets
        masked = {n: MASK if n in secrets else v for n, v in arguments.items()}
        # A model may write half of a surrogate pair.
        return clean(json.dumps(masked, ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class TransferTarget(JsonData):
    """A person to whom callers can be transferred.

    The model decides by `when_to_use`. With `announce` the person hears who is calling
    and presses 1 to take the call.
    """

    name: str
    number: str
    when_to_use: str = ""
    opening_hours: str = ""
    ring_seconds: int = 25
    announce: bool = True


@dataclass(frozen=True, slots=True)
class MenuEntry(JsonData):
    """A key of the bot's menu: its `action` is say, transfer, tool or end."""

    key: str
    action: str
    message_or_target: str = ""
    tool: ToolSpec | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Read the output of `to_json`, including the tool."""
        tool = ToolSpec.of(stored["tool"]) if stored.get("tool") else None
        return super(MenuEntry, cls).of({**stored, "tool": tool})


@dataclass(frozen=True, slots=True)
class Language(JsonData):
    """Another language of a bot, with its voices and its transcription."""

    language: str
    voice: str
    tts_model: str = ""
    backup_voice: str = ""
    transcription_provider: str = ""
    speech_model: str = ""
    hints: str = ""
    # Fixed sentences in this language, by the names of the settings; the standard ones
    # replace those that are missing.
    sentences: Mapping[str, str] = field(default_factory=dict)


def _parameter(stored: Mapping[str, Any]) -> Parameter:
    return Parameter.of({**stored, "choices": tuple(stored.get("choices", ()))})
