"""Calls whose export is large, and the file of it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from calls.export_files import queue
from calls.models import Call, ExportFile
from calls.review.export import file_name
from tests.support.pages.calls import make_call, say

PAGE, EXPORT = "/admin/exports/", "/admin/calls/call/export"
CALLS = 5


def many_calls() -> None:
    """Store more calls than are sent at once."""
    for number in range(1, CALLS + 1):
        call = make_call(number, turn_count=2)
        say(call, "caller", f"Grüße von {number}")
        say(call, "bot", "=1+1")


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> None:
    """Few calls count as many."""
    monkeypatch.setattr(queue, "MAX_DIRECT", CALLS - 1)
    monkeypatch.setattr(queue, "STEP", 2)
    many_calls()


def ask(user: User, form: str = "turns-csv") -> ExportFile:
    """Ask for a file of all calls."""
    assert queue.ask(user, Call.objects.all(), form, file_name("calls", form))
    return queue.files_of(user)[0]


def make() -> None:
    """Make the next file, as a worker does."""
    claimed = queue.claim()
    assert claimed
    while claimed.is_mine and not claimed.is_complete:
        queue.write_some(claimed)


def content(file: ExportFile) -> bytes:
    """The content of a file, which has the size that is told."""
    file.refresh_from_db()
    whole = b"".join(queue.content(file))
    assert len(whole) == file.size
    return whole


def body(response: Any) -> bytes:
    """The body of a download."""
    assert response.status_code == 200
    return b"".join(response.streaming_content)


def sent_at_once(client: Client, form: str) -> bytes:
    """The export of the same calls if they are not too many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue, "MAX_DIRECT", CALLS)
        return body(client.get(f"{EXPORT}.{form}"))


def due_now() -> None:
    """Let the process die that makes a file, and its claim end."""
    ExportFile.objects.update(due_at="2026-01-01T00:00Z")
