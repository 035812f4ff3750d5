"""Sends calls to an operator's browser as a file, piece by piece."""

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
    "json": "application/json",  # of a single call
    "csv": "text/csv; charset=utf-8",
}
LINES = {**FORMS, "json": json_lines}
# Characters sent at a time.
PIECE = 64_000


def download(
    request: HttpRequest, calls: QuerySet[Call], form: str, name: str
) -> StreamingHttpResponse:
    """A file of calls with their turns; only a few of them are in memory at a time."""
    hide = not may_see_numbers(request.user)
    pieces = _pieces(LINES[form](records(calls, hide=hide)))
    asynchronous = isinstance(request, ASGIRequest)
    response = StreamingHttpResponse(
        _beside_the_loop(pieces) if asynchronous else pieces, content_type=TYPES[form]
    )
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response


def _pieces(lines: Iterable[str]) -> Iterator[str]:
    waiting, size = [], 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= PIECE:
            yield "".join(waiting)
            waiting, size = [], 0
    yield "".join(waiting)


async def _beside_the_loop(pieces: Iterator[str]) -> AsyncIterator[str]:
    # Under ASGI a plain iterator would be read to its end before anything is sent.
    while (piece := await sync_to_async(_next)(pieces)) is not None:
        yield piece


def _next(pieces: Iterator[str]) -> str | None:
    piece = next(pieces, None)
    close_old_connections()  # while the browser reads, others may have it
    return piece
