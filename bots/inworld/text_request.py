"""Requests for a text in one piece, without voice or stream. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bots.inworld.events import content_text, written
from bots.inworld.parameters import routing

NAME_OF_SCHEMA = "answer"


@dataclass(frozen=True, slots=True)
class TextRequest:
    """A request for a text; with a `schema` the answer is JSON that fits it."""

    model: str
    messages: list[dict[str, str]]
    max_tokens: int
    fallback_models: tuple[str, ...] = ()
    first_token_seconds: float | None = None
    schema: Mapping[str, Any] | None = None

    def body(self) -> dict[str, Any]:
        """The request as the Router reads it."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": self.messages,
            "stream": False,
            "max_tokens": self.max_tokens,
            **routing(self.fallback_models, self.first_token_seconds),
        }
        if self.schema is not None:
            schema = {"name": NAME_OF_SCHEMA, "strict": True, "schema": self.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body


def text_of(answer: Mapping[str, Any]) -> str:
    """The text of an answer in one piece; empty if it has none.

    Some models answer with a schema by calling a function of its name.
    """
    match answer.get("choices"):
        case [{"message": dict(message)}, *_]:
            return content_text(message.get("content")) or _arguments(message)
    return ""


def _arguments(message: Mapping[str, Any]) -> str:
    match message.get("tool_calls"):
        case [{"function": {"name": str(name), "arguments": arguments}}, *_]:
            is_answer = name == NAME_OF_SCHEMA or name.startswith("json")
            return written(arguments) if is_answer else ""
    return ""
