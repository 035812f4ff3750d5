"""Answers to requests for JSON, filled from the conversation without a model.

A summary repeats a few words of the caller. A field is filled with words that look
like it. Of several choices, the one mentioned most is taken.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from bots.config.text import read_json
from bots.sandbox.conversation import clean

Schema = dict[str, Any]

# A line of a transcript: speaker and quoted words.
QUOTED = re.compile(r'^(\w+): (".*")$', re.MULTILINE)
SUMMARY_TURNS = 3
WORDS_OF_A_TURN = 12
MAX_DEPTH = 8
# The name or description of a field, and words that look like its value.
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
    """The schema of the JSON answer that a request wants, if it wants one."""
    match body.get("response_format"):
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return schema
    return None


def filled(schema: Schema, messages: object) -> str:
    """JSON that fits the schema, about the conversation in the messages."""
    said = list(_said(messages))
    return json.dumps(_value("", schema, said, MAX_DEPTH), ensure_ascii=False)


def _said(messages: object) -> Iterable[str]:
    """The caller's words, quoted in a transcript or as messages."""
    for message in messages if isinstance(messages, list) else []:
        content = message.get("content")
        if message.get("role") != "user" or not isinstance(content, str):
            continue
        quoted = QUOTED.findall(content)
        yield from (
            str(read_json(words, words)) for role, words in quoted if role == "Caller"
        )
        if not quoted:
            yield content


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
    """The choice mentioned most; else the last, usually "none of these"."""
    mentioned = _stems(" ".join(said))

    def mentions(choice: Any) -> int:
        return len(_stems(str(choice)) & mentioned)

    best = max(choices, key=mentions)
    return best if mentions(best) else choices[-1]


def _stems(text: str) -> set[str]:
    """The beginnings of words, so that "book" matches "booked"."""
    return {word[:4] for word in re.findall(r"\w{3,}", text.lower())}


def _text(name: str, description: str, said: list[str]) -> str:
    if name == "summary":
        turns = filter(None, (clean(words, WORDS_OF_A_TURN) for words in said))
        text = "; ".join(list(turns)[:SUMMARY_TURNS])
        return f"The caller said: {text}. (Summed up by the sandbox.)" if text else ""
    for asked, looks in LOOKS:
        if re.search(asked, f"{name} {description}", re.IGNORECASE):
            found = re.search(looks, "\n".join(said))
            return found[found.re.groups and 1].strip() if found else ""
    return ""
