"""The use of a tool as people read it: on a call's page, live, and in test calls. Pure.

It takes what is kept of a use (`ToolUse.to_json`), in which secrets are dots already.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from calls.turns.turn import (
    COLLECT_DIGITS,
    END_CALL,
    SWITCH_LANGUAGE,
    TRANSFER_CALL,
    ToolCallRecord,
)

# More of a result, or of an argument, is folded away (characters).
LONG = 160
# What some arguments are, besides their name.
ARGUMENTS = {
    "goodbye": "says",
    "question": "asks",
    "summary": "for whoever picks up",
    "last_key": "ends with",
    "length": "keys",
    "seconds": "waits (s)",
    "secret": "hidden",
}


@dataclass(frozen=True, slots=True)
class Argument:
    """One of the values that the model gave."""

    name: str
    value: str

    @property
    def is_long(self) -> bool:
        """Whether it is folded away."""
        return len(self.value) > LONG


@dataclass(frozen=True, slots=True)
class ToolCallView:
    """What was done, with what, and what came of it; `ms` is how long it took."""

    title: str
    arguments: tuple[Argument, ...]
    result: str
    failed: bool
    ms: int | None

    @property
    def is_long(self) -> bool:
        """Whether the result is folded away."""
        return len(self.result) > LONG

    def to_json(self) -> dict[str, Any]:
        """The same for a page that is kept up to date."""
        return asdict(self)


def use_of(
    tool: ToolCallRecord | None, latency_ms: Mapping[str, Any]
) -> ToolCallView | None:
    """What a turn of a call in progress did, where it is the use of a tool."""
    return use(tool.to_json(), latency_ms) if tool else None


def use(kept: Mapping[str, Any], latency_ms: Mapping[str, Any]) -> ToolCallView | None:
    """What a turn did, where it is the use of a tool."""
    if not kept:
        return None
    name = str(kept.get("name", ""))
    given = _arguments(kept.get("arguments", ""))
    ms = latency_ms.get("tool")
    titled = {TRANSFER_CALL: "target", SWITCH_LANGUAGE: "language"}.get(name)
    told = ARGUMENTS if name in (END_CALL, TRANSFER_CALL, COLLECT_DIGITS) else {}
    return ToolCallView(
        _title(name, given),
        tuple(
            Argument(told.get(key, key), value)
            for key, value in given.items()
            if key != titled
        ),
        str(kept.get("result", "")),
        bool(kept.get("failed")),
        ms if isinstance(ms, int) else None,
    )


def _title(name: str, given: Mapping[str, str]) -> str:
    match name:
        case _ if name == END_CALL:
            return "End the call"
        case _ if name == TRANSFER_CALL:
            return f"Put through to {given.get('target') or 'somebody'}"
        case _ if name == SWITCH_LANGUAGE:
            return f"Change to {given.get('language') or 'another language'}"
        case _ if name == COLLECT_DIGITS:
            return "Ask for keys"
    return name or "A tool"


def _arguments(written: Any) -> dict[str, str]:
    """The arguments by name; what is no object stands under an empty name."""
    try:
        given = json.loads(written)
    except (ValueError, TypeError, RecursionError):
        given = None
    if not isinstance(given, dict):
        return {"": str(written)} if written else {}
    return {name: _written(value) for name, value in given.items()}


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
