"""Requests for a text in one piece, without voice or stream. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
    """The text of an answer in one piece; empty if it has none."""
    match answer.get("choices"):
        case [{"message": {"content": str(text)}}, *_]:
            return text
        case [{"message": {"content": [*parts]}}, *_]:
            texts = (part.get("text") for part in parts if isinstance(part, dict))
            return "".join(text for text in texts if isinstance(text, str))
    return ""
