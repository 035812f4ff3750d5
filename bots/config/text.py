"""Foreign text and JSON: from models, callers and other servers. Pure."""

import json
import re
from typing import Any

# Characters that end a line, or that no text can contain.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")
# Characters that hide or reverse text, so that a reader sees another text than a model.
HIDING: dict[int, str | None] = dict.fromkeys(
    [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF, *range(0xE0000, 0xE0080)]
)
# Speech cannot contain these, but a prompt injection can: line breaks, and the brackets
# of our own notes to the model ("[pressed 1]").
NOT_SPOKEN: dict[int, str | None] = {
    **dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029], " "),
    **HIDING,
    ord("["): "(",
    ord("]"): ")",
    ord("|"): " ",
}

# `json.loads` would make a decoder for each text, which costs as much as a short text.
_DECODER = json.JSONDecoder(parse_constant=lambda _: None)


def clean(text: str, limit: int | None = None) -> str:
    """The first `limit` characters that a database and UTF-8 can hold.

    JSON can spell NUL, which PostgreSQL does not store, and half a surrogate pair,
    which UTF-8 cannot express: NUL is removed, the half becomes a question mark.
    """
    return text.replace("\0", "")[:limit].encode(errors="replace").decode()


def as_spoken(text: str) -> str:
    """A text from outside as transcribed speech could be: safe beside our own text."""
    return text.translate(NOT_SPOKEN)


def without_hiding(text: str) -> str:
    """A text without characters that hide or reverse others; JSON stays JSON."""
    return text.translate(HIDING)


def one_line(text: str, limit: int | None = None) -> str:
    """The text in one line without control characters; cut with … at `limit`."""
    line = " ".join(CONTROL.sub(" ", text).split())
    return line if limit is None or len(line) <= limit else f"{line[: limit - 1]}…"


def read_json(text: str | bytes, default: Any = None) -> Any:
    """The value that JSON text stands for, or `default` if it is not valid JSON.

    NaN and Infinity, which are not JSON but which some servers send, become null.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode(json.detect_encoding(text), "surrogatepass")
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return default
