"""Exports calls with their turns as JSON lines and as CSV."""

import csv
import json
import re
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.db.models import Prefetch, QuerySet

from calls.models import Call, Turn
from calls.review.visibility import (
    mask_of,
    masked_call,
    masked_turns,
    shown_numbers,
    variables,
)

Record = dict[str, Any]
# Calls that one query reads, and turns: so many take some megabytes at most.
CHUNK = 200
MAX_TURNS = 200
TURNS = Prefetch("turns", Turn.objects.order_by("index"))

CALL_COLUMNS = [
    "call_sid",
    "bot",
    "from_number",
    "to_number",
    "direction",
    "status",
    "end_reason",
    "started_at",
    "answered_at",
    "ended_at",
    "duration_s",
    "summary",
    "outcome",
    "fields",
    "variables",
]
TURN_COLUMNS = [
    "index",
    "role",
    "text",
    "heard_text",
    "interrupted",
    "started_at",
    "ended_at",
    "latency_ms",
    "kind",
    "model",
    "prompt_tokens",
    "completion_tokens",
    "error",
    "tool_call",
    "hedge",
]

# Parts of a tool call that only its provider understands.
FOR_PROVIDERS = ("model", "provider_fields")

# Texts that a spreadsheet would read as a formula.
_SIGN = r"[=+\-@\uff1d\uff0b\uff0d\uff20]"
FORMULA = re.compile(rf"\s*{_SIGN}|[\t\r\n]")
PLAIN_NUMBER = re.compile(r"[+-][0-9]+(?:[.,][0-9]+)?")
# Where a comma is the decimal point, as in German, Excel divides lines at semicolons.
# It knows no quotes after a comma, and cells begin within texts.
CELL_WITHIN = re.compile(rf"(\r\n|[;\t\r\n])(?=[\s\"']*{_SIGN})")


class Output(Protocol):
    """Anything that text can be written to."""

    def write(self, text: str, /) -> Any:
        """Write the text."""


class LineBuffer:
    """Returns each CSV line instead of writing it."""

    def write(self, text: str) -> str:
        return text


def json_lines(records: Iterable[Record]) -> Iterator[str]:
    """One JSON object per line; in ASCII, so that no reader splits a line."""
    for record in records:
        yield json.dumps(record) + "\n"


def csv_lines(records: Iterable[Record]) -> Iterator[str]:
    """One row per turn, with the call's columns repeated; one if it has no turns."""
    writer = csv.writer(LineBuffer(), lineterminator="\n")
    for record in records:
        call_values = [record[name] for name in CALL_COLUMNS]
        for turn in record["turns"] or [{}]:
            turn_values = [turn.get(name) for name in TURN_COLUMNS]
            yield str(writer.writerow(cells([*call_values, *turn_values])))


FORMS = {"jsonl": json_lines, "csv": csv_lines}


def write(calls: QuerySet[Call], form: str, output: Output) -> None:
    """Write calls in one of the formats, below its header."""
    for line in FORMS[form](records(calls)):
        output.write(line)


def header(form: str) -> str:
    """The first line of a format, with the names of its columns."""
    names = [*CALL_COLUMNS, *(f"turn_{name}" for name in TURN_COLUMNS)]
    return ",".join(names) + "\n" if form == "csv" else ""


def pieces(lines: Iterable[str], characters: int) -> Iterator[str]:
    """The lines in pieces of about this size."""
    piece, size = list[str](), 0
    for line in lines:
        piece.append(line)
        size += len(line)
        if size >= characters:
            yield "".join(piece)
            piece, size = [], 0
    if piece:
        yield "".join(piece)


def file_start(form: str) -> str:
    """The beginning of a file: without the mark, Excel does not read CSV as UTF-8."""
    return f"\ufeff{header(form)}" if form == "csv" else ""


def records(chosen: QuerySet[Call], *, hide: bool = False) -> Iterator[Record]:
    """Every call as plain data, fetched a few at a time.

    Between two groups no query is open: a slow download must hold neither a connection
    nor a transaction. With `hide` phone numbers are masked.
    """
    ids = ids_of(chosen)
    for begin in range(0, len(ids), CHUNK):
        yield from records_of(ids[begin : begin + CHUNK], hide=hide)


def ids_of(chosen: QuerySet[Call]) -> "array[int]":
    """The keys of the chosen calls, in their order; eight bytes each."""
    return array("q", chosen.values_list("pk", flat=True).iterator(10 * CHUNK))


def records_of(ids: Sequence[int], *, hide: bool) -> Iterator[Record]:
    """A few calls as plain data, in groups whose turns fit into memory.

    Calls that were deleted meanwhile are left out.
    """
    found = Call.objects.defer("settings").in_bulk(list(ids))
    group, turns = list[Call](), 0
    for call in (found[pk] for pk in ids if pk in found):
        if group and turns + call.turn_count > MAX_TURNS:
            yield from _group_records(group, hide=hide)
            group, turns = [], 0
        group.append(call)
        turns += call.turn_count
    yield from _group_records(group, hide=hide)


def _group_records(group: list[Call], *, hide: bool) -> Iterator[Record]:
    """The calls of a group; one query reads their turns."""
    # Prefetched turns refer to their call and it to them: such circles stay in memory.
    turns = defaultdict[int, list[Turn]](list)
    for turn in Turn.objects.filter(call__in=group).order_by("index"):
        turns[turn.call_id].append(turn)
    for call in group:
        yield record_of(call, turns.pop(call.pk, []), hide=hide)


def record_of(
    call: Call, turns: Iterable[Turn] | None = None, *, hide: bool = False
) -> Record:
    """One call as a JSON object. Other programs rely on its keys."""
    caller, called = shown_numbers(call, hide=hide)
    turns = call.turns.all() if turns is None else turns
    if hide:
        mask = mask_of(call)
        call, turns = masked_call(call, mask), masked_turns(turns, mask)
    return {
        "call_sid": call.call_sid,
        "bot": call.bot_name or None,
        "from_number": caller,
        "to_number": called,
        "direction": call.direction,
        "status": call.status,
        "end_reason": call.end_reason,
        "started_at": _iso(call.started_at),
        "answered_at": _iso(call.answered_at),
        "ended_at": _iso(call.ended_at),
        "duration_s": (
            None if call.duration is None else round(call.duration.total_seconds(), 3)
        ),
        "summary": call.summary,
        "outcome": call.outcome,
        "fields": call.extracted_fields,
        "variables": variables(call),
        "turns": [turn_of(turn) for turn in turns],
    }


def turn_of(turn: Turn) -> Record:
    """One turn as a JSON object."""
    values = {name: getattr(turn, name) for name in TURN_COLUMNS}
    values["tool_call"] = {
        name: value
        for name, value in turn.tool_call.items()
        if name not in FOR_PROVIDERS
    }
    times = {name: _iso(values[name]) for name in ("started_at", "ended_at")}
    return {**values, **times}


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def cells(values: Iterable[Any]) -> list[Any]:
    """The values, safe for a spreadsheet."""
    return [_cell(value) for value in values]


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str):
        return value
    # A number is marked here, too: the next column may go on with a formula.
    value = CELL_WITHIN.sub(r"\1'", value)
    # Phone numbers stay as they are: a formula of + and digits is only a number, and
    # importers need the exact text. A caller id may be anything else ("=…" from a SIP
    # address), so the text decides, not the column.
    is_formula = FORMULA.match(value) and not PLAIN_NUMBER.fullmatch(value)
    return f"'{value}" if is_formula else value
