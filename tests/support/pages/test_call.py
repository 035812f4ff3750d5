"""The test call page as the server sees it: its user and its WebSocket frames."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User
from django.test import Client
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bots.models import Bot
from tests.support.live import PUBLIC_URL, LiveServer
from tests.support.process import clear_process_state

CSRF = "c" * 32


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    clear_process_state()
    yield
    clear_process_state()


def make_user(name: str, *permissions: str, **values: Any) -> User:
    user = User.objects.create_user(name, is_staff=values.pop("is_staff", True))
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


@pytest.fixture
def operator(transactional_db: None) -> User:
    return make_user("olga", "view_bot", "change_bot", "view_call")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


class Browser:
    """A signed-in browser on the test call page, as far as the server can tell."""

    def __init__(self, server: LiveServer, user: User | None) -> None:
        self.server = server
        self.cookie = f"csrftoken={CSRF}"
        if user:
            session = client_of(user).cookies["sessionid"].value
            self.cookie = f"{self.cookie}; sessionid={session}"

    async def call(self, bot: Bot) -> dict[str, Any]:
        """Press Call; return the fields of the created call."""
        headers = {"Cookie": self.cookie, "X-CSRFToken": CSRF}
        async with httpx.AsyncClient(base_url=self.server.url) as http:
            answer = await http.post(f"/admin/test-call/{bot.pk}/", headers=headers)
        assert answer.status_code == 200, answer.text
        created: dict[str, Any] = answer.json()
        return created

    async def decide(self, token: str, decision: str) -> httpx.Response:
        """Play the person who is called by a transfer."""
        headers = {"Cookie": self.cookie, "X-CSRFToken": CSRF}
        data = {"token": token, "decision": decision}
        async with httpx.AsyncClient(base_url=self.server.url) as http:
            return await http.post(
                "/admin/test-call/transfer/", headers=headers, data=data
            )

    def socket(self, path: str, origin: str | None = "") -> connect:
        """Open a socket from the console's page, or from a page of another `origin`."""
        return connect(
            f"ws{self.server.url.removeprefix('http')}{path}",
            origin=PUBLIC_URL if origin == "" else origin,  # type: ignore[arg-type]
            additional_headers={"Cookie": self.cookie},
        )


open_browser = sync_to_async(Browser)


class Line:
    """The open socket of a call and all frames that it received."""

    def __init__(self, socket: ClientConnection, created: dict[str, Any]) -> None:
        self.socket = socket
        self.created = created
        self.frames: list[dict[str, Any]] = []

    async def send(self, kind: str, **values: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **values}))

    async def set_up(self) -> None:
        await self.send("setup", callSid=self.created["callSid"])

    async def receive(self, kind: str) -> dict[str, Any]:
        """Return the next frame of a kind."""
        async with asyncio.timeout(5):
            while True:
                frame: dict[str, Any] = json.loads(await self.socket.recv())
                self.frames.append(frame)
                if frame["type"] == kind:
                    return frame

    async def hang_up(self) -> None:
        """Hang up as the page does, and receive all remaining frames."""
        await self.socket.send('{"type":"test.hangUp"}')
        with pytest.raises(ConnectionClosed):
            await self.receive("nothing")
        assert self.socket.close_code == 1000

    def turn(self, index: int) -> dict[str, Any]:
        """Return the latest version of a turn."""
        turns = [f for f in self.frames if f["type"] == "test.turn"]
        return [turn for turn in turns if turn["index"] == index][-1]


async def say(line: Line, text: str) -> None:
    await line.send("prompt", voicePrompt=text, lang="en-US", last=True)


async def info(line: Line, name: str, value: str) -> None:
    await line.send("info", name=name, value=value)
