"""Foreign text and JSON: from models, callers and other servers. Pure."""

import json
from typing import Any


def clean(text: str, limit: int | None = None) -> str:
    """The first `limit` characters that a database and UTF-8 can hold.

    JSON can spell NUL, which PostgreSQL does not store, and half a surrogate pair,
    which UTF-8 cannot express: NUL is removed, the half becomes a question mark.
    """
    return text.replace("\0", "")[:limit].encode(errors="replace").decode()


def read_json(text: str | bytes, default: Any = None) -> Any:
    """The value that JSON text stands for, or `default` if it is not valid JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return default
