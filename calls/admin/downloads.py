"""Streams calls to an operator's browser as a file."""

from collections.abc import AsyncIterator, Iterable, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from calls.models import Call
from calls.review.export import FORMS, json_lines, records
from calls.review.visibility import may_see_numbers

TYPES = {
    "jsonl": "application/x-ndjson",
    "json": "application/json",  # for a single call
    "csv": "text/csv; charset=utf-8",
}
LINES = {**FORMS, "json": json_lines}
# Characters sent at a time.
PIECE_LENGTH = 64_000


def download(
    request: HttpRequest, calls: QuerySet[Call], form: str, name: str
) -> StreamingHttpResponse:
    """A file of calls with their turns; only a few calls are in memory at a time."""
    hide = not may_see_numbers(request.user)
    pieces = _pieces(LINES[form](records(calls, hide=hide)))
    is_asgi = isinstance(request, ASGIRequest)
    response = StreamingHttpResponse(
        _in_threads(pieces) if is_asgi else pieces, content_type=TYPES[form]
    )
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response


def _pieces(lines: Iterable[str]) -> Iterator[str]:
    buffer, size = [], 0
    for line in lines:
        buffer.append(line)
        size += len(line)
        if size >= PIECE_LENGTH:
            yield "".join(buffer)
            buffer, size = [], 0
    yield "".join(buffer)


async def _in_threads(pieces: Iterator[str]) -> AsyncIterator[str]:
    # Under ASGI, Django reads a plain iterator to its end before it sends anything.
    while (piece := await sync_to_async(_next)(pieces)) is not None:
        yield piece


def _next(pieces: Iterator[str]) -> str | None:
    piece = next(pieces, None)
    close_old_connections()  # free while the browser reads
    return piece
