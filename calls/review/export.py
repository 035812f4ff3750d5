"""Exports calls with their turns: as JSON lines, and as two kinds of CSV."""

import json
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.db.models import Prefetch, QuerySet

from bots.phone_numbers.masking import NumberMask
from calls.models import Call, CallCost, Recording, Turn
from calls.review import spreadsheet
from calls.review.spreadsheet import TURN_FIELDS
from calls.review.visibility import (
    mask_of,
    masked_call,
    masked_turns,
    shown_numbers,
    variables,
)

Record = dict[str, Any]
# One line a call: JSON, or the columns of a table. One line a turn: the other table.
JSON, CALLS_CSV, TURNS_CSV = "jsonl", "csv", "turns-csv"
FORMS = (JSON, CALLS_CSV, TURNS_CSV)
# Calls that one query reads, and turns: so many take some megabytes at most.
CHUNK = 200
MAX_TURNS = 200
TURNS = Prefetch("turns", Turn.objects.order_by("index"))
WRITTEN = ("notes__author", "tags", "recordings")

# Parts of a tool call that only its provider understands.
FOR_PROVIDERS = ("model", "provider_fields")


class Output(Protocol):
    """Anything that text can be written to."""

    def write(self, text: str, /) -> Any:
        """Write the text."""


def file_name(stem: str, form: str) -> str:
    """The name of a file of this form."""
    return f"{stem}-turns.csv" if form == TURNS_CSV else f"{stem}.{form}"


def write(calls: QuerySet[Call], form: str, output: Output) -> None:
    """Write calls in one of the forms."""
    columns = columns_of(calls, form)
    if names := header(form, columns):
        output.write(names)
    for line in lines(form, records(calls), columns):
        output.write(line)


def columns_of(calls: QuerySet[Call], form: str) -> list[str]:
    """The columns that only some of the calls have; other forms have none."""
    return spreadsheet.detail_columns(ids_of(calls)) if form == CALLS_CSV else []


def header(form: str, columns: list[str]) -> str:
    """The first line of a form, with the names of its columns."""
    if form == CALLS_CSV:
        return spreadsheet.calls_header(columns)
    return spreadsheet.turns_header() if form == TURNS_CSV else ""


def lines(form: str, found: Iterable[Record], columns: list[str]) -> Iterator[str]:
    """The lines of a form below its header."""
    if form == CALLS_CSV:
        return spreadsheet.call_lines(found, columns)
    if form == TURNS_CSV:
        return spreadsheet.turn_lines(found)
    return json_lines(found)


def json_lines(records: Iterable[Record]) -> Iterator[str]:
    """One JSON object per line; in ASCII, so that no reader splits a line."""
    for record in records:
        yield json.dumps(record) + "\n"


def file_start(form: str, columns: list[str]) -> str:
    """The beginning of a file: without the mark, Excel does not read CSV as UTF-8."""
    first = header(form, columns)
    return f"\ufeff{first}" if first else ""


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
    calls = Call.objects.defer("settings", "search_text").select_related(
        "handled_by", "cost"
    )
    found = calls.prefetch_related(*WRITTEN).in_bulk(list(ids))
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
    written = _written(call, mask_of(call) if hide else None)
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
        **_cost(call),
        "summary": call.summary,
        "outcome": call.outcome,
        "fields": call.extracted_fields,
        "variables": variables(call),
        "handled_at": _iso(call.handled_at),
        "handled_by": _name(call.handled_by),
        **written,
        "recordings": [recording_of(row) for row in call.recordings.all()],
        "turns": [turn_of(turn) for turn in turns],
    }


def _cost(call: Call) -> Record:
    """The known part of the cost; null if nothing of it is known, or not yet."""
    row: CallCost | None = getattr(call, "cost", None)
    cost = row.cost if row else None
    is_known = cost is not None and not cost.is_unknown
    return {
        "cost": float(round(cost.amount, 6)) if cost and is_known else None,
        "cost_currency": row.currency if row and is_known else None,
        "cost_is_partial": cost.is_partial if cost else True,
        "cost_lines": row.lines if row else [],
    }


def _written(call: Call, mask: NumberMask | None) -> Record:
    """The tags and notes of operators."""

    def shown(text: str) -> str:
        return str(mask.made(text)) if mask else text

    notes = [
        {"at": _iso(note.at), "author": _name(note.author), "text": shown(note.text)}
        for note in call.notes.all()
    ]
    return {"tags": [shown(tag.name) for tag in call.tags.all()], "notes": notes}


def _name(user: Any) -> str | None:
    return user.get_username() if user else None


def recording_of(row: Recording) -> Record:
    """One recording as a JSON object. Its sound is heard in the console only."""
    return {
        "status": row.status,
        "started_at": _iso(row.started_at),
        "duration_s": None if row.duration_ms is None else row.duration_ms / 1000,
        "problem": row.problem,
    }


def turn_of(turn: Turn) -> Record:
    """One turn as a JSON object."""
    values = {name: getattr(turn, name) for name in TURN_FIELDS}
    values["tool_call"] = {
        name: value
        for name, value in turn.tool_call.items()
        if name not in FOR_PROVIDERS
    }
    times = {name: _iso(values[name]) for name in ("started_at", "ended_at")}
    return {**values, **times}


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
