"""Streams files to an operator's browser, in small pieces and few at once."""

from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import chain
from threading import BoundedSemaphore, Lock
from typing import Any
from weakref import finalize

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render

from calls.audit.recording import Kind, record
from calls.models import Call
from calls.review.export import FORMS, file_mark, header, json_lines, records
from calls.review.visibility import may_see_numbers

TYPES = {
    "jsonl": "application/x-ndjson",
    "json": "application/json",  # for a single call
    "csv": "text/csv; charset=utf-8",
}
LINES = {**FORMS, "json": json_lines}
# In this process; each takes a few megabytes.
MAX_DOWNLOADS = 8
PIECE_CHARACTERS = 64 * 1024

places = BoundedSemaphore(MAX_DOWNLOADS)
# One piece at a time, so that downloads take one core and one connection at most.
making = Lock()


class Download(StreamingHttpResponse):
    """A file on its way to a browser, which has a place until it is closed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Also without `close`, which Django leaves out if another part fails.
        self.leave = finalize(self, places.release)

    def close(self) -> None:
        """Close the response; the browser has it all, or has left."""
        super().close()
        self.leave()


def download(
    request: HttpRequest, calls: QuerySet[Call], form: str, name: str
) -> HttpResponseBase:
    """A file of calls with their turns; only a few calls are in memory at a time."""
    hide = not may_see_numbers(request.user)
    lines = LINES[form](records(calls, hide=hide))
    pieces = joined(chain([file_mark(form) + header(form)], lines))
    return send_file(request, pieces, f"{name}.{form}")


def send_file(
    request: HttpRequest, pieces: Iterator[str | bytes], name: str, **headers: str
) -> HttpResponseBase:
    """A file as an attachment, recorded; a page in plain words if there is no place."""
    if not places.acquire(blocking=False):
        page = render(request, "too_many_downloads.html", status=503)
        page["Retry-After"] = "60"
        return page
    is_asgi = isinstance(request, ASGIRequest)
    headers |= {"Content-Disposition": f'attachment; filename="{name}"'}
    response = Download(
        # Under ASGI, Django reads a plain iterator to its end before it sends anything.
        _in_threads(pieces) if is_asgi else pieces,
        content_type=TYPES[name.rpartition(".")[2]],
        headers=headers,
    )
    record(request, Kind.EXPORTED, request.user.get_username(), name)
    return response


def joined(lines: Iterable[str]) -> Iterator[str]:
    """The lines in pieces of about the same size."""
    piece, size = list[str](), 0
    for line in lines:
        piece.append(line)
        size += len(line)
        if size >= PIECE_CHARACTERS:
            yield "".join(piece)
            piece, size = [], 0
    yield "".join(piece)


async def _in_threads(pieces: Iterator[str | bytes]) -> AsyncIterator[str | bytes]:
    while (piece := await sync_to_async(_next_piece)(pieces)) is not None:
        yield piece


def _next_piece(pieces: Iterator[str | bytes]) -> str | bytes | None:
    try:
        with making:
            return next(pieces, None)
    finally:
        close_old_connections()  # free while the browser reads
