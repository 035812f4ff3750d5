"""Pages wait for other servers for less time than daphne lets a left request run."""

import asyncio
import inspect
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from daphne.server import Server
from django.test import Client
from pytest_django import Settings

from bots.models import Tool
from bots.responses import PAGE_SECONDS
from tests.support.pages.bot_form import FORM

pytestmark = pytest.mark.django_db
NUMBER = f"PN{'0' * 32}"
LIMIT = inspect.signature(Server.__init__).parameters["application_close_timeout"]


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that a page would wait at most; here they pass quickly."""
    asked: list[float] = []
    real = asyncio.timeout

    def quick(seconds: float | None) -> Any:
        if seconds is not None:
            asked.append(seconds)
        return real(seconds and 0.05)

    monkeypatch.setattr(asyncio, "timeout", quick)
    return asked


@pytest.fixture
def client(admin_client: Client, settings: Settings, silent: str) -> Client:
    """A superuser, and every other server silent."""
    host = silent.removeprefix("http://")
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = [host]
    settings.INWORLD_BASE_URL = settings.TWILIO_API_URL = silent
    settings.TWILIO_ACCOUNT_SID = f"AC{'0' * 32}"
    Tool.objects.create(name="slow", url=f"{silent}/x", timeout_seconds=60)
    return admin_client


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("bots/tool/{tool}/try/", {"send": "1"}),
        ("bots/bot/editor/listen/", FORM),
        ("bots/bot/editor/voices/", {}),
        ("bots/bot/editor/models/", {}),
        ("numbers/", None),
        ("numbers/check/", {}),
        (f"numbers/point/{NUMBER}/", {}),
    ],
)
def test_a_page_gives_up_on_a_silent_server_in_time(
    client: Client,
    settings: Settings,
    waits: list[float],
    path: str,
    form: dict[str, str] | None,
) -> None:
    if "check" in path:
        settings.SERVER_URL = settings.TWILIO_API_URL
    address = f"/admin/{path.format(tool=Tool.objects.get().pk)}"
    page = client.get(address) if form is None else client.post(address, form)
    assert page.status_code != 404
    assert waits
    assert sum(waits) <= PAGE_SECONDS < LIMIT.default


def test_the_first_page_waits_for_nobody(client: Client, waits: list[float]) -> None:
    assert client.get("/admin/").status_code == 200
    assert waits == []
