"""Foreign text and JSON: from models, callers and other servers. Pure."""

import json
import re
from typing import Any

# Characters that end a line, or that no text can contain.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")


def clean(text: str, limit: int | None = None) -> str:
    """The first `limit` characters that a database and UTF-8 can hold.

    JSON can spell NUL, which PostgreSQL does not store, and half a surrogate pair,
    which UTF-8 cannot express: NUL is removed, the half becomes a question mark.
    """
    return text.replace("\0", "")[:limit].encode(errors="replace").decode()


def one_line(text: str, limit: int | None = None) -> str:
    """The text in one line without control characters; cut with … at `limit`."""
    line = " ".join(CONTROL.sub(" ", text).split())
    return line if limit is None or len(line) <= limit else f"{line[: limit - 1]}…"


def read_json(text: str | bytes, default: Any = None) -> Any:
    """The value that JSON text stands for, or `default` if it is not valid JSON.

    NaN and Infinity, which are not JSON but which some servers send, become null.
    """
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return default
