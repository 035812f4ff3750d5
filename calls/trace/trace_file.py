"""Reads a trace: lines of JSON, perhaps cut off, or of another version. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any

# Of the lines' format. A reader ignores kinds and fields that it does not know.
VERSION = 1


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `ms` since the call began, its kind, and the rest."""

    ms: float
    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """A field of the line, or of its frame or form; None without it."""
        for place in (self.fields, *self._inner()):
            if name in place:
                return place[name]
        return None

    def text(self, name: str) -> str:
        """A field as text, empty without it."""
        value = self.get(name)
        return "" if value is None else str(value)

    def number(self, name: str) -> float | None:
        """A field as a number; None if it is none."""
        value = self.get(name)
        try:
            return None if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            return None

    def _inner(self) -> Iterator[Mapping[str, Any]]:
        for name in ("frame", "form"):
            if isinstance(inner := self.fields.get(name), Mapping):
                yield inner


@dataclass(frozen=True, slots=True)
class Trace:
    """A call, line by line in the order of time, and what could not be read."""

    lines: tuple[Line, ...]
    problems: tuple[str, ...] = ()

    def of(self, kind: str, **wanted: object) -> list[Line]:
        """Lines of a kind whose fields have these values."""
        return [
            line
            for line in self.lines
            if line.kind == kind
            and all(line.get(name) == value for name, value in wanted.items())
        ]

    def frames_in(self, name: str) -> list[Line]:
        """Frames of a type that Twilio sent."""
        return self.of("in", type=name)

    def frames_out(self, name: str) -> list[Line]:
        """Frames of a type that we sent."""
        return self.of("out", type=name)

    def events(self, name: str) -> list[Line]:
        """Events of the conversation that no frame caused."""
        return self.of("event", event=name)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of the bot, as far as a trace has them."""
        for line in self.of("settings"):
            config = line.get("config")
            if isinstance(config, Mapping):
                return config
        return {}


def read(lines: Iterable[str]) -> Trace:
    """Read a trace, or the parts that several machines wrote, one after the other."""
    found: list[Line] = []
    problems: list[str] = []
    began: datetime | None = None
    offset = 0.0
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        line = _line(text)
        if line is None:
            problems.append(f"Line {number} is cut off or no JSON.")
            continue
        if line.kind == "start":
            problems += _version_problem(line)
            wall = _time(line.text("wall"))
            began = began or wall
            offset = (wall - began).total_seconds() * 1000 if wall and began else 0.0
        found.append(Line(line.ms + offset, line.kind, line.fields))
    if not any(line.kind == "start" for line in found):
        problems.append("There is no start: times may be wrong.")
    return Trace(tuple(sorted(found, key=lambda line: line.ms)), tuple(problems))


def _line(text: str) -> Line | None:
    try:
        record = json.loads(text)
        fields = {k: v for k, v in record.items() if k not in ("ms", "kind")}
        ms = float(record["ms"])
        return Line(ms, str(record["kind"]), fields) if isfinite(ms) else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _version_problem(line: Line) -> list[str]:
    version = line.get("version")
    if version == VERSION:
        return []
    return [
        f"The trace is of version {version}, this is {VERSION}: parts may be missing."
    ]


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
