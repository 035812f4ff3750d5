"""Tool calls as people read them: on a call's page, live, and in test calls. Pure.

Stored tool calls (`ToolCallRecord.to_json`) have their secrets redacted already.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bots.config.text import read_json
from calls.turns.turn import (
    COLLECT_DIGITS,
    END_CALL,
    SWITCH_LANGUAGE,
    TRANSFER_CALL,
    ToolCallRecord,
)

# Longer results and arguments are folded away (characters).
MAX_SHOWN_LENGTH = 160
# Labels of arguments of the built-in tools.
ARGUMENT_LABELS = {
    "goodbye": "says",
    "question": "asks",
    "summary": "told to the person",
    "last_key": "ends with",
    "length": "keys",
    "seconds": "waits (s)",
    "secret": "hidden",
}


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument that the model passed."""

    name: str
    value: str

    @property
    def is_long(self) -> bool:
        return len(self.value) > MAX_SHOWN_LENGTH


@dataclass(frozen=True, slots=True)
class ToolCallView:
    """Action, arguments and result of a tool call; `ms` is how long it took."""

    title: str
    arguments: tuple[Argument, ...]
    result: str
    failed: bool
    ms: int | None

    @property
    def is_long(self) -> bool:
        return len(self.result) > MAX_SHOWN_LENGTH

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def tool_call_view(
    record: ToolCallRecord | None, latency_ms: Mapping[str, Any]
) -> ToolCallView | None:
    """The tool call of a turn in progress; None if it has none."""
    return stored_tool_call_view(record.to_json(), latency_ms) if record else None


def stored_tool_call_view(
    stored: Mapping[str, Any], latency_ms: Mapping[str, Any]
) -> ToolCallView | None:
    """The tool call of a turn from the database; None if it has none."""
    if not stored:
        return None
    name = str(stored.get("name", ""))
    arguments = _arguments(stored.get("arguments", ""))
    ms = latency_ms.get("tool")
    in_title = {TRANSFER_CALL: "target", SWITCH_LANGUAGE: "language"}.get(name)
    is_builtin = name in (END_CALL, TRANSFER_CALL, COLLECT_DIGITS)
    labels = ARGUMENT_LABELS if is_builtin else {}
    return ToolCallView(
        _title(name, arguments),
        tuple(
            Argument(labels.get(key, key), value)
            for key, value in arguments.items()
            if key != in_title
        ),
        str(stored.get("result", "")),
        bool(stored.get("failed")),
        ms if isinstance(ms, int) else None,
    )


def _title(name: str, arguments: Mapping[str, str]) -> str:
    builtin = {
        END_CALL: "End the call",
        TRANSFER_CALL: f"Transfer to {arguments.get('target') or 'a person'}",
        SWITCH_LANGUAGE: f"Change to {arguments.get('language') or 'another language'}",
        COLLECT_DIGITS: "Ask for digits",
    }
    return builtin.get(name, name or "A tool")


def _arguments(written: Any) -> dict[str, str]:
    """The arguments by name; anything but a JSON object is under an empty name."""
    arguments = read_json(str(written))
    if not isinstance(arguments, dict):
        return {"": str(written)} if written else {}
    return {name: _as_text(value) for name, value in arguments.items()}


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
