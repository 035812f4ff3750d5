"""Answers to requests for JSON: filled from what the conversation has, by no model.

A summary repeats a few words of the caller, a field is what looks like one, and of
several choices the one is taken that was spoken of most.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from bots.sandbox.conversation import clean

Schema = dict[str, Any]

# A line of a record that quotes who said what.
QUOTED = re.compile(r'^(\w+): (".*")$', re.MULTILINE)
PARTS_TOLD = 3
WORDS_TOLD = 12
DEEPEST = 8
# What a field asks for, by its name or description, and what looks like it.
LOOKS = (
    (r"mail", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    (r"phone|number|pin|code|zip|order", r"\+?\d(?:[\d ]*\d)?"),
    (r"name", r"(?i:my name is|this is|i am|i'm) ([A-Z]\w+(?: [A-Z]\w+)?)"),
    (
        r"date|day|when|time",
        r"(?i)\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day"
        r"|to(?:day|morrow)|at \w+)\b",
    ),
)


def schema_of(body: dict[str, Any]) -> Schema | None:
    """The schema that a request wants its answer in, if it does."""
    match body.get("response_format"):
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return schema
    return None


def filled(schema: Schema, messages: object) -> str:
    """JSON that fits the schema, about the conversation in the messages."""
    said = list(_said(messages))
    return json.dumps(_value("", schema, said, DEEPEST), ensure_ascii=False)


def _said(messages: object) -> Iterable[str]:
    """What callers said, one or the other way: quoted, or as messages."""
    for message in messages if isinstance(messages, list) else []:
        content = message.get("content")
        if message.get("role") != "user" or not isinstance(content, str):
            continue
        quoted = QUOTED.findall(content)
        yield from (_unquoted(words) for who, words in quoted if who == "Caller")
        if not quoted:
            yield content


def _unquoted(words: str) -> str:
    try:
        return str(json.loads(words))
    except ValueError:
        return words


def _value(name: str, schema: Schema, said: list[str], depth: int) -> Any:
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return _chosen(choices, said)
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    match kind:
        case "object":
            parts = schema.get("properties")
            parts = parts if isinstance(parts, dict) and depth else {}
            return {
                part: _value(
                    part, inner if isinstance(inner, dict) else {}, said, depth - 1
                )
                for part, inner in parts.items()
            }
        case "array":
            return []
        case "integer" | "number":
            return 0
        case "boolean":
            return False
        case "null":
            return None
    return _text(name, str(schema.get("description", "")), said)


def _chosen(choices: list[Any], said: list[str]) -> Any:
    """What was spoken of; else the last, which is where "none of these" stands."""
    heard = _stems(" ".join(said))

    def spoken_of(choice: Any) -> int:
        return len(_stems(str(choice)) & heard)

    best = max(choices, key=spoken_of)
    return best if spoken_of(best) else choices[-1]


def _stems(text: str) -> set[str]:
    """How its words begin, so that who says "book" speaks of "booked"."""
    return {word[:4] for word in re.findall(r"\w{3,}", text.lower())}


def _text(name: str, description: str, said: list[str]) -> str:
    if name == "summary":
        parts = [clean(words, WORDS_TOLD) for words in said]
        told = "; ".join(list(filter(None, parts))[:PARTS_TOLD])
        return f"The caller said: {told}. (Summed up by the sandbox.)" if told else ""
    for asked, looks in LOOKS:
        if re.search(asked, f"{name} {description}", re.IGNORECASE):
            found = re.search(looks, "\n".join(said))
            return found[found.re.groups and 1].strip() if found else ""
    return ""
