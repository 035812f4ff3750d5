"""The answers of a trace as a table for a terminal. Pure."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap

from calls.trace.questions import Row

SIGNS = {"good": "✓", "bad": "✗", "open": "?"}
WIDTHS = (5, 32, 40, 34)
HEADINGS = ("", "Question", "Seen", "Change, or do")


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The rows, wrapped to columns, and a line that counts them."""
    yield _joined(HEADINGS)
    for row in rows:
        yield "─" * (sum(WIDTHS) + 2 * len(WIDTHS) - 2)
        sign = f"{row.number:>2} {SIGNS[row.verdict]}"
        cells = (sign, row.question, row.seen, row.setting)
        columns = [wrap(cell, width) for cell, width in zip(cells, WIDTHS, strict=True)]
        yield from map(_joined, zip_longest(*columns, fillvalue=""))
    yield ""
    yield conclusion(rows)


def conclusion(rows: Sequence[Row]) -> str:
    """How many questions are answered, and how many need a change."""
    seen = sum(row.verdict != "open" for row in rows)
    bad = sum(row.verdict == "bad" for row in rows)
    change = f", {bad} of them with something to change" if bad else ""
    return f"{seen} of {len(rows)} questions are answered{change}."


def _joined(cells: Sequence[str]) -> str:
    padded = (f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS, strict=True))
    return "  ".join(padded).rstrip()
