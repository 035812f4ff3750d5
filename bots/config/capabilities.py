"""What a bot can do besides speaking, as a call keeps it: plain data. Pure.

The names of these classes' fields are the keys of the JSON that stands with a call.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

MASK = "••••"


class JsonData:
    """Plain data to and from JSON; a key that is missing keeps its default."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `asdict` wrote, perhaps in another release."""
        known = {field.name for field in fields(cls)}  # type: ignore[arg-type]
        return cls(**{name: value for name, value in stored.items() if name in known})

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True, slots=True)
class Parameter(JsonData):
    """One argument of a tool; a `secret` one is shown to nobody."""

    name: str
    type: str = "string"  # string, number, integer or boolean
    description: str = ""
    required: bool = True
    choices: tuple[str, ...] = ()
    secret: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """The parameter in JSON Schema."""
        told: dict[str, Any] = {"type": self.type}
        if self.description:
            told["description"] = self.description
        if self.choices:
            told["enum"] = list(self.choices)
        return told


@dataclass(frozen=True, slots=True)
class ToolSpec(JsonData):
    """A tool over HTTP; `seconds` is how long it may take.

    `url` and `headers` have placeholders; the values of {{secret.NAME}} are never kept
    here. `failure_instructions` is what the model is told to do when it fails.
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
        """Read what was kept, its parameters, too."""
        listed = tuple(map(_parameter, stored.get("parameters", ())))
        return super(ToolSpec, cls).of({**stored, "parameters": listed})

    @property
    def schema(self) -> dict[str, Any]:
        """The arguments in JSON Schema."""
        return {
            "type": "object",
            "properties": {each.name: each.schema for each in self.parameters},
            "required": [each.name for each in self.parameters if each.required],
            "additionalProperties": False,
        }

    @property
    def secrets(self) -> frozenset[str]:
        """Arguments that are shown to nobody."""
        return frozenset(each.name for each in self.parameters if each.secret)

    def masked(self, arguments: Mapping[str, Any]) -> str:
        """Arguments as anybody may read them, in JSON."""
        shown = {n: MASK if n in self.secrets else v for n, v in arguments.items()}
        text = json.dumps(shown, ensure_ascii=False)
        return text.encode(errors="replace").decode()  # a model may write half a sign


@dataclass(frozen=True, slots=True)
class TransferTarget(JsonData):
    """A person callers can be put through to; `when` is for the model to decide by.

    `rings` is in seconds; with `announced` the person hears who it is and presses 1.
    """

    name: str
    number: str
    when_to_use: str = ""
    opening_hours: str = ""
    ring_seconds: int = 25
    announce: bool = True


@dataclass(frozen=True, slots=True)
class MenuEntry(JsonData):
    """What a key does: `action` is say, transfer, tool or end.

    `what` are the words to say, or the name of whom the caller is put through to.
    """

    key: str
    action: str
    message_or_target: str = ""
    tool: ToolSpec | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Read what was kept, its tool, too."""
        tool = ToolSpec.of(stored["tool"]) if stored.get("tool") else None
        return super(MenuEntry, cls).of({**stored, "tool": tool})


@dataclass(frozen=True, slots=True)
class Language(JsonData):
    """Another language of a bot, and how it is spoken and understood."""

    language: str
    voice: str
    tts_model: str = ""
    transcription_provider: str = ""
    speech_model: str = ""


def _parameter(stored: Mapping[str, Any]) -> Parameter:
    return Parameter.of({**stored, "choices": tuple(stored.get("choices", ()))})
