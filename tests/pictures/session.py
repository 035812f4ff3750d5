"""Starts a server with two weeks of calls and one live call, and takes screenshots."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from calls.simulator.call import SimulatedCall
from calls.simulator.line import Line
from tests.pictures import sample_calls, scenes
from tests.pictures.camera import Camera
from tests.support.live import AUTH_TOKEN, ROOT, environment, free_port, serving

FOLDER = ROOT / "docs" / "screenshots"
KEY = "c2FuZGJveDpvbmU="


def shoot(names: list[str], settings: str) -> None:
    """Fill an empty database, start the server and take the screenshots."""
    session = _prepare()
    FOLDER.mkdir(parents=True, exist_ok=True)
    # The page's socket is open to pages of this address only.
    address = f"http://127.0.0.1:{(port := free_port())}"
    with (
        _sandbox() as inworld,
        serving(
            DJANGO_SETTINGS_MODULE=settings,
            PORT=str(port),
            SERVER_URL=address,
            INWORLD_API_KEY=KEY,
            INWORLD_BASE_URL=inworld,
        ),
    ):
        asyncio.run(_take(address, session, names))


def _prepare() -> str:
    """Fill a new database; return the session key of a superuser."""
    call_command("migrate", verbosity=0)
    sample_calls.make_bots()
    sample_calls.make_calls(timezone.localtime())
    user = get_user_model().objects.create_superuser("sam", password="unused")
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


@contextmanager
def _sandbox() -> Iterator[str]:
    """Start the sandbox that replaces Inworld; yield its URL."""
    command = [sys.executable, "manage.py", "sandbox", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


async def _take(address: str, session: str, names: list[str]) -> None:
    """Take the screenshots during a live call."""
    line = Line(address, AUTH_TOKEN, to="+15005550110", from_="+15005552017")
    async with SimulatedCall(line) as call, Camera(address, session) as camera:
        for picture in scenes.ALL:
            if not names or picture.name in names:
                path = FOLDER / f"{picture.name}.png"
                await camera.take(picture, path, call)
                sys.stdout.write(f"{path}: {path.stat().st_size // 1000} KB\n")
