"""Calls as tables for spreadsheets: one row a call, and another table of the turns."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bots.phone_numbers.spoken_digits import DICTATED
from calls.models import Call
from calls.models.folding import fold
from calls.review.latency_waterfall import LABELS

Record = dict[str, Any]

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
    "recorded_s",
    "turn_count",
    "cost",
    "cost_currency",
    "cost_is_partial",
    "summary",
    "outcome",
    "tags",
    "notes",
    "handled_at",
    "handled_by",
]
# Objects of a call, whose values are columns of their own, such as `fields.name`.
DETAILS = ("fields", "variables")
OTHER_DETAILS = "other_details"
# Further details stand in the last column, as JSON.
MAX_DETAIL_COLUMNS = 200
TURN_FIELDS = [
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

# Objects of a turn, whose values are columns of their own, such as `latency_ms.tool`.
TURN_PARTS = {
    "latency_ms": (*LABELS, "tool"),
    "tool_call": ("name", "arguments", "result", "failed"),
    "hedge": ("model", "error"),
}
TURN_COLUMNS = [name for name in TURN_FIELDS if name not in TURN_PARTS] + [
    f"{name}.{part}" for name, parts in TURN_PARTS.items() for part in parts
]
# Calls whose details one query reads.
CHUNK = 1_000

# A detail whose name may be that of a column: no number and no text of a caller.
COLUMN_NAME = re.compile(r"\w[\w .\-]{0,59}")
NO_COLUMN_NAME = re.compile(rf"(?:\d\D{{0,3}}){{4}}|{fold(DICTATED)}")

# Texts that a spreadsheet would read as a formula.
_SIGN = r"[=+\-@\uff1d\uff0b\uff0d\uff20]"
FORMULA = re.compile(rf"\s*{_SIGN}|[\t\r\n]")
PLAIN_NUMBER = re.compile(r"[+-][0-9]+(?:[.,][0-9]+)?")
# Where a comma is the decimal point, as in German, Excel divides lines at semicolons.
# It knows no quotes after a comma, and cells begin within texts.
CELL_WITHIN = re.compile(rf"(\r\n|[;\t\r\n])(?=[\s\"']*{_SIGN})")


class LineBuffer:
    """Returns each CSV line instead of writing it."""

    def write(self, text: str) -> str:
        return text


def calls_header(columns: list[str]) -> str:
    """The names of the columns of calls."""
    return _line([*CALL_COLUMNS, *columns, OTHER_DETAILS])


def call_lines(records: Iterable[Record], columns: list[str]) -> Iterator[str]:
    """One row per call."""
    for record in records:
        details, others = _details(record, set(columns))
        flat = {**record, "turn_count": len(record["turns"])}
        flat["recorded_s"] = _recorded(record["recordings"])
        flat["tags"] = ", ".join(record["tags"])
        flat["notes"] = "\n".join(map(_note, record["notes"]))
        values = [flat[name] for name in CALL_COLUMNS]
        yield _line([*values, *(details.get(name) for name in columns), others])


def _recorded(recordings: Iterable[Record]) -> float | None:
    """Seconds of sound that can be heard; None if there is none."""
    lengths = [
        each["duration_s"] or 0 for each in recordings if each["status"] == "completed"
    ]
    return sum(lengths) if lengths else None


def turns_header() -> str:
    """The names of the columns of turns."""
    return _line(["call_sid", *TURN_COLUMNS])


def turn_lines(records: Iterable[Record]) -> Iterator[str]:
    """One row per turn."""
    for record in records:
        for turn in record["turns"]:
            parts = {
                f"{name}.{part}": turn[name].get(part)
                for name, parts in TURN_PARTS.items()
                for part in parts
            }
            values = {**turn, **parts}
            yield _line([record["call_sid"], *(values[name] for name in TURN_COLUMNS)])


def detail_columns(ids: Sequence[int]) -> list[str]:
    """The columns for details and variables of these calls, of the first so many."""
    found: dict[str, None] = {}
    for begin in range(0, len(ids), CHUNK):
        calls = Call.objects.filter(pk__in=ids[begin : begin + CHUNK]).order_by("pk")
        rows = calls.exclude(extracted_fields={}, variables={})
        for row in rows.values_list("extracted_fields", "variables"):
            for kind, details in zip(DETAILS, row, strict=True):
                names = (str(name) for name in details)
                found |= {f"{kind}.{name}": None for name in names if _is_column(name)}
        if len(found) >= MAX_DETAIL_COLUMNS:
            break
    return sorted(list(found)[:MAX_DETAIL_COLUMNS])


def _is_column(name: str) -> bool:
    is_name = COLUMN_NAME.fullmatch(name) is not None
    return is_name and not NO_COLUMN_NAME.search(fold(name))


def _details(record: Record, columns: set[str]) -> tuple[Record, Record | None]:
    """The details that have a column by its name, and the others."""
    known: Record = {}
    others: Record = {}
    for kind in DETAILS:
        for name, value in record[kind].items():
            column = f"{kind}.{name}"
            (known if column in columns else others)[column] = value
    return known, others or None


def _note(note: Record) -> str:
    return f"{note['at']} {note['author'] or '-'}: {note['text']}"


def _line(values: list[Any]) -> str:
    writer = csv.writer(LineBuffer(), lineterminator="\n")
    return str(writer.writerow(cells(values)))


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
