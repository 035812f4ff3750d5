"""The operator's wishes for a call's summary: text, outcome, fields. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

Schema = dict[str, Any]

MAX_OUTCOME_LENGTH = 80
NO_OUTCOME = "none of these"
EMPTY_IF_UNKNOWN = "Empty where the call does not tell."


@dataclass(frozen=True, slots=True)
class SummarySpec:
    """The operator's wishes for the summary of each call."""

    prompt: str = ""
    outcomes: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, prompt: str, outcomes: str, fields: str) -> Self:
        """Read a bot's settings: a comma between outcomes, a line for each field."""
        parts = (part.strip()[:MAX_OUTCOME_LENGTH] for part in outcomes.split(","))
        lines = (line.partition(":") for line in fields.splitlines())
        texts = {name.strip(): text.strip() for name, _, text in lines if name.strip()}
        return cls(prompt.strip(), tuple(dict.fromkeys(filter(None, parts))), texts)

    def __bool__(self) -> bool:
        """True if the operator asks for anything."""
        return bool(self.prompt or self.outcomes or self.fields)

    @property
    def schema(self) -> Schema:
        """JSON Schema of the answer. Every key is required, as strict mode demands."""
        parts: dict[str, Schema] = {}
        if self.prompt:
            parts["summary"] = {"type": "string"}
        if self.outcomes:
            choices = dict.fromkeys([*self.outcomes, NO_OUTCOME])
            parts["outcome"] = {"type": "string", "enum": list(choices)}
        if self.fields:
            fields = {
                name: {
                    "type": "string",
                    "description": f"{text} {EMPTY_IF_UNKNOWN}".strip(),
                }
                for name, text in self.fields.items()
            }
            parts["fields"] = _object(fields)
        return _object(parts)


def _object(parts: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": parts,
        "required": list(parts),
        "additionalProperties": False,
    }
