"""The live page as the server sees it: a socket that follows and controls calls."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User
from django.test import Client
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.live import PUBLIC_URL, LiveServer

TIMEOUT = 10.0

Update = dict[str, Any]


class Viewer:
    """An open live page and the calls that it shows."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.calls: dict[
            str, Update
        ] = {}  # by SID: about, state, turns by index, ended
        self.partials: list[str] = []  # partial words, in the order of their arrival
        self.received: list[Update] = []  # as they came
        self.servers: set[str] = set()
        self.answers: dict[str, str] = {}  # of commands, by their names
        self.lines: dict[str, str] = {}  # the names of their lines
        self.changed = asyncio.Condition()

    async def read(self) -> None:
        async for text in self.socket:
            async with self.changed:
                self.received.append(json.loads(text))
                await self.take(json.loads(text))
                self.changed.notify_all()

    async def take(self, message: Update) -> None:
        for update in message.get("updates", []):
            await self.take_update(update)
        if full := message.get("full"):
            full["turns"] = {turn["index"]: turn for turn in full["turns"]}
            self.calls[full["call"]] = full
        if "server" in message:
            self.servers.add(message["server"])
            received = {sid: call["number"] for sid, call in self.calls.items()}
            current = message["calls"].items()
            if behind := [
                sid for sid, number in current if received.get(sid) != number
            ]:
                await self.send(want=behind)
        if "command" in message:
            self.answers[message["command"]] = message["refused"]
            self.lines[message["command"]] = message["line"]

    async def take_update(self, update: Update) -> None:
        call = self.calls.get(update["call"])
        if call is None or update["number"] > call["number"] + 1:
            return await self.send(want=[update["call"]])
        if update["number"] <= call["number"]:
            return None
        call["number"] = update["number"]
        if turn := update.get("turn"):
            call["turns"][turn["index"]] = turn
        if partial := update.get("state", {}).get("partial"):
            self.partials.append(partial)
        call |= {key: update[key] for key in ("state", "ended") if key in update}
        return None

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def command(self, do: str, call: str, text: str = "") -> str:
        """Send a command; return why it was refused, or nothing."""
        name = str(len(self.answers) + 1)
        await self.send(do=do, call=call, command=name, text=text)
        await self.until(lambda: name in self.answers)
        return self.answers[name]

    async def until(self, enough: Callable[[], Any], within: float = TIMEOUT) -> None:
        async with asyncio.timeout(within), self.changed:
            await self.changed.wait_for(enough)

    async def sees(self, call: str, enough: Callable[[Update], Any]) -> Update:
        """Wait until the page shows a call in this state."""
        await self.until(lambda: call in self.calls and enough(self.calls[call]))
        return self.calls[call]


def said(call: Update) -> list[tuple[str, str, str]]:
    return [
        (turn["role"], turn["heard"], turn["missed"])
        for _, turn in sorted(call["turns"].items())
    ]


def cookie_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}"


@sync_to_async
def cookie_with(*permissions: str, name: str = "Olga", staff: bool = True) -> str:
    user = User.objects.create_user(name, is_staff=staff)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return cookie_of(user)


def operator() -> Any:
    return cookie_with("view_call", "change_call")


def page_socket(server: LiveServer, cookie: str, origin: str | None = None) -> connect:
    return connect(
        f"{server.url.replace('http', 'ws')}/console/live",
        origin=origin or PUBLIC_URL,  # type: ignore[arg-type]
        additional_headers={"Cookie": cookie},
    )


@asynccontextmanager
async def watching(server: LiveServer, cookie: str) -> AsyncIterator[Viewer]:
    """Open a live page and wait for the first message of its server."""
    async with page_socket(server, cookie) as socket:
        viewer = Viewer(socket)
        reading = asyncio.create_task(viewer.read())
        await viewer.until(lambda: viewer.servers)
        yield viewer
    with suppress(ConnectionClosed):
        await asyncio.wait_for(reading, 5)
