"""Sends files to people's browsers: few at once, in small pieces."""

from collections.abc import AsyncIterator, Iterator, Mapping
from threading import BoundedSemaphore, Lock
from time import monotonic, sleep
from types import MappingProxyType
from typing import Any
from weakref import finalize

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render

from calls.audit.recording import Kind, record

TYPES = {
    "jsonl": "application/x-ndjson",
    "json": "application/json",  # for a single call
    "csv": "text/csv; charset=utf-8",
    "wav": "audio/wav",  # of a recording
}
# In this process; each takes a few megabytes.
MAX_DOWNLOADS = 8

NO_HEADERS: Mapping[str, str] = MappingProxyType({})

places = BoundedSemaphore(MAX_DOWNLOADS)
# One piece at a time, so that downloads take half a core and one connection at most.
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


def send_file(
    request: HttpRequest,
    content: Iterator[str] | Iterator[bytes],
    name: str,
    headers: Mapping[str, str] = NO_HEADERS,
    *,
    is_computed: bool = True,
) -> HttpResponseBase:
    """A file as an attachment, recorded; a page in plain words if there is no place.

    Pieces that are not computed, but wait for another server, are made side by side.
    """
    if not places.acquire(blocking=False):
        page = render(request, "too_many_downloads.html", status=503)
        page["Retry-After"] = "60"
        return page
    is_asgi = isinstance(request, ASGIRequest)
    disposition = f'attachment; filename="{name}"'
    response = Download(
        # Under ASGI, Django reads a plain iterator to its end before it sends anything.
        _in_threads(content, is_computed=is_computed) if is_asgi else content,
        content_type=TYPES[name.rpartition(".")[2]],
        headers={"Content-Disposition": disposition, **headers},
    )
    record(request, Kind.EXPORTED, request.user.get_username(), name)
    return response


async def _in_threads(
    content: Iterator[Any], *, is_computed: bool
) -> AsyncIterator[str | bytes]:
    make = sync_to_async(_next_piece if is_computed else _fetched_piece)
    while (piece := await make(content)) is not None:
        yield piece


def _next_piece(content: Iterator[Any]) -> str | bytes | None:
    with making:
        began = monotonic()
        try:
            return next(content, None)
        finally:
            close_old_connections()  # free while the browser reads
            sleep(monotonic() - began)  # half of a core is left to calls


def _fetched_piece(content: Iterator[Any]) -> str | bytes | None:
    try:
        return next(content, None)
    finally:
        close_old_connections()
