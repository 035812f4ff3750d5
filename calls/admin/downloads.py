"""Streams calls to an operator's browser as a file."""

from collections.abc import AsyncIterator, Iterator
from itertools import chain, islice

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from calls.audit.recording import Kind, record
from calls.models import Call
from calls.review.export import FORMS, file_mark, json_lines, records
from calls.review.visibility import may_see_numbers

TYPES = {
    "jsonl": "application/x-ndjson",
    "json": "application/json",  # for a single call
    "csv": "text/csv; charset=utf-8",
}
LINES = {**FORMS, "json": json_lines}
# Lines sent at a time: rows of turns, or whole calls.
LINES_IN_A_PIECE = 100


def download(
    request: HttpRequest, calls: QuerySet[Call], form: str, name: str
) -> StreamingHttpResponse:
    """A file of calls with their turns; only a few calls are in memory at a time."""
    record(request, Kind.EXPORTED, request.user.get_username(), f"{name}.{form}")
    hide = not may_see_numbers(request.user)
    lines = chain([file_mark(form)], LINES[form](records(calls, hide=hide)))
    is_asgi = isinstance(request, ASGIRequest)
    return StreamingHttpResponse(
        _pieces(lines) if is_asgi else lines,
        content_type=TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="{name}.{form}"'},
    )


async def _pieces(lines: Iterator[str]) -> AsyncIterator[str]:
    # Under ASGI, Django reads a plain iterator to its end before it sends anything.
    while piece := await sync_to_async(_next_piece)(lines):
        yield piece


def _next_piece(lines: Iterator[str]) -> str:
    piece = "".join(islice(lines, LINES_IN_A_PIECE))
    close_old_connections()  # free while the browser reads
    return piece
