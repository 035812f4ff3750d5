"""JSON objects in the texts of language models, however they are wrapped. Pure."""

import json
import re
from collections.abc import Iterator
from typing import Any

# Most opening braces that are tried as the start of an object.
MAX_OPENING_BRACES = 200
# Deepest JSON within texts of JSON.
MAX_ENCODINGS = 3
# White space, a byte order mark, and other characters that nobody sees.
AROUND = " \t\r\n\0\ufeff\u200b"
FENCE = "```"
# Texts, and what Python or JavaScript write in another way than JSON: texts in single
# quotes, a comma after the last item, True, False and None, names without quotes.
TOKEN = re.compile(
    r"""
    "(?:[^"\\]|\\.?)*(?:"|\Z)
    | '(?P<single>(?:[^'\\]|\\.?)*)(?:'|\Z)
    | (?P<comma>,)(?=\s*[}\]])
    | (?P<before>[{,]\s*)(?P<name>[A-Za-z_]\w*)(?=\s*:)
    | \b(?P<word>True|False|None)\b
    """,
    re.DOTALL | re.VERBOSE,
)
WORDS = {"True": "true", "False": "false", "None": "null"}
UNREADABLE = object()


def loose_value(text: str) -> Any:
    """The value of a text, or `UNREADABLE`.

    JSON may be fenced, encoded twice, or written as Python or JavaScript write it.
    Nothing is added: JSON that broke off is unreadable.
    """
    value = _decoded(text)
    for _ in range(MAX_ENCODINGS):
        inner = _decoded(value) if isinstance(value, str) else UNREADABLE
        if inner is UNREADABLE:
            break
        value = inner
    return value


def objects_in(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in a text, in order; those inside others are left out."""
    decoder, end = json.JSONDecoder(strict=False), 0
    starts = [match.start() for match in re.finditer("{", text)]
    for start in starts[-MAX_OPENING_BRACES:]:  # an answer stands at the end
        if start >= end:
            try:
                value, end = decoder.raw_decode(text, start)
            except (ValueError, RecursionError):
                continue
            yield value


def _decoded(text: str) -> Any:
    text = text.strip(AROUND)
    if text.startswith(FENCE) and text.endswith(FENCE):
        text = re.sub("^```[a-zA-Z]*", "", text).removesuffix(FENCE)
    for written in (text, TOKEN.sub(_as_json, text)):
        try:
            # NaN and infinity are no JSON: they stay words.
            return json.loads(written, strict=False, parse_constant=str)
        except (ValueError, RecursionError):
            continue
    return UNREADABLE


def _as_json(token: re.Match[str]) -> str:
    if (single := token["single"]) is not None:
        escaped = single.replace("\\'", "'").replace('"', '\\"')
        return f'"{escaped}"'
    if token["name"]:
        return f'{token["before"]}"{token["name"]}"'
    if token["word"]:
        return WORDS[token["word"]]
    return "" if token["comma"] else token[0]
