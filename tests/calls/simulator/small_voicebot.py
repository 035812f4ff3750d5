"""A small voicebot that the simulated caller can call."""

import asyncio
import io
import json
import wave
from collections import defaultdict, deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator
from websockets.asyncio.server import ServerConnection, serve

from calls.simulator import (
    Line,
    SimulatedCall,
)

PUBLIC = "https://bot.example.com"


TOKEN = "7e570123456789abcdef0123456789ab"


RATE = 8000


HANGUP = "<Response><Hangup/></Response>"


def wav(seconds: float, level: int = 1000, rate: int = RATE) -> bytes:
    """A clip that holds one level, so that its samples are recognised."""
    file = io.BytesIO()
    with wave.open(file, "wb") as clip:
        clip.setnchannels(1)
        clip.setsampwidth(2)
        clip.setframerate(rate)
        clip.writeframes(level.to_bytes(2, "little") * round(seconds * rate))
    return file.getvalue()


def connect(*languages: str, **attributes: str) -> str:
    """TwiML that hands the call to the relay."""
    declared = "".join(f'<Language code="{code}"/>' for code in languages)
    attributes = {"events": "speaker-events", "dtmfDetection": "true"} | attributes
    listed = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return (
        '<Response><Connect action="/ended"><ConversationRelay '
        f'url="wss://bot.example.com/conversation/7" {listed}>'
        f'<Parameter name="bot" value="Ann &amp; Bo"/>{declared}</ConversationRelay>'
        "</Connect>"
        "</Response>"
    )


def unknown_length(seconds: float, level: int = 1000) -> bytes:
    """The beginning of a clip whose header does not know its length."""
    body = bytearray(wav(seconds, level))
    body[4:8] = body[40:44] = b"\xff" * 4
    return bytes(body)


def more(seconds: float, level: int = 1000) -> bytes:
    """The samples of a later piece of a growing clip."""
    return wav(seconds, level)[44:]


@dataclass
class Post:
    path: str
    form: dict[str, str]
    headers: dict[str, str]

    def is_signed(self) -> bool:
        signature = self.headers["x-twilio-signature"]
        url = f"{PUBLIC}{self.path}"
        return bool(RequestValidator(TOKEN).validate(url, self.form, signature))


class Bot:
    """Voicebot's part: answers webhooks, serves clips, talks on the relay socket."""

    def __init__(self) -> None:
        self.twiml = defaultdict(lambda: deque[str](), {"/voice": deque([connect()])})
        self.clips: dict[str, tuple[str, bytes]] = {}
        self.posts: list[Post] = []
        self.fetched: list[str] = []
        # Pieces of clips that grow; None is the end, and b"" a broken connection.
        self.growing: dict[str, asyncio.Queue[bytes | None]] = {}
        self.statuses: dict[str, int] = {}
        self.sockets: asyncio.Queue[ServerConnection] = asyncio.Queue()
        self.origin = ""

    async def run(self, ready: asyncio.Event) -> None:
        async with serve(self._talk, "127.0.0.1", 0, max_queue=None) as relay:
            self.relay_port = next(iter(relay.sockets)).getsockname()[1]
            front = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            async with front:
                port = front.sockets[0].getsockname()[1]
                self.origin = f"http://127.0.0.1:{port}"
                ready.set()
                await asyncio.Event().wait()

    async def answers(self) -> ServerConnection:
        """The next relay socket, after its setup was read."""
        socket = await self.sockets.get()
        assert json.loads(await socket.recv())["type"] == "setup"
        return socket

    def records(self, seconds: float, level: int = 1000) -> dict[str, Any]:
        """A new clip, as the message that plays it."""
        path = f"/audio/{len(self.clips)}"
        self.clips[path] = ("audio/wav", wav(seconds, level))
        return {"type": "play", "source": PUBLIC + path}

    def grows(self, *pieces: bytes | None, kind: str = "audio/wav") -> dict[str, Any]:
        """A clip whose length is not known, as the message that plays it."""
        path = f"/audio/growing-{len(self.growing)}"
        self.clips[path] = (kind, b"")
        self.growing[path] = asyncio.Queue()
        for piece in pieces:
            self.growing[path].put_nowait(piece)
        return {"type": "play", "source": PUBLIC + path}

    async def _talk(self, socket: ServerConnection) -> None:
        self.sockets.put_nowait(socket)
        await socket.wait_closed()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"\r\nupgrade: websocket" in head.lower() and (
                "/conversation/7" not in self.statuses
            ):
                await self._pass_on(head, reader, writer)
            else:
                await self._respond(head.decode(), reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _pass_on(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        relay_reader, relay_writer = await asyncio.open_connection(
            "127.0.0.1", self.relay_port
        )
        relay_writer.write(head)
        await asyncio.gather(_pump(reader, relay_writer), _pump(relay_reader, writer))

    async def _respond(
        self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        first, *lines = head.strip().split("\r\n")
        method, path, _ = first.split()
        headers = {n.lower(): v for n, v in (line.split(": ", 1) for line in lines)}
        if method == "POST":
            body = (await reader.readexactly(int(headers["content-length"]))).decode()
            form = dict(parse_qsl(body, keep_blank_values=True))
            self.posts.append(Post(path, form, headers))
            documents = self.twiml[path]
            kind, content = "text/xml", (documents.popleft() if documents else HANGUP)
            payload = content.encode()
        else:
            self.fetched.append(path)
            kind, payload = self.clips.get(path, ("text/plain", b""))
        if path in self.growing:
            return await self._grow(writer, kind, self.growing[path])
        code = self.statuses.get(path, 200)
        start = f"HTTP/1.1 {code} X\r\nContent-Type: {kind}\r\nConnection: close\r\n"
        writer.write(f"{start}Content-Length: {len(payload)}\r\n\r\n".encode())
        writer.write(payload)
        await writer.drain()

    async def _grow(
        self,
        writer: asyncio.StreamWriter,
        kind: str,
        pieces: "asyncio.Queue[bytes | None]",
    ) -> None:
        start = f"HTTP/1.1 200 X\r\nContent-Type: {kind}\r\nConnection: close\r\n"
        writer.write(f"{start}Transfer-Encoding: chunked\r\n\r\n".encode())
        while piece := await pieces.get():
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        if piece is None:
            writer.write(b"0\r\n\r\n")
            await writer.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def send(socket: ServerConnection, *messages: dict[str, Any]) -> None:
    for message in messages:
        await socket.send(json.dumps(message))


def dial(bot: Bot, **line: Any) -> SimulatedCall:
    settings = {"connect_to": bot.origin, "fast": True, "pause": 0.05, "timeout": 2}
    return SimulatedCall(Line(PUBLIC, TOKEN, **{**settings, **line}))


def sent(call: SimulatedCall) -> list[str]:
    """The frames that the simulator sent, in short."""
    short = []
    for frame in call.frames:
        if frame.sent:
            message = frame.message
            kind = message["type"]
            short.append(message["name"] if kind == "info" else kind)
            if "value" in message:
                short[-1] += f" {message['value']}"
    return short


async def after(call: SimulatedCall, received: int) -> None:
    """Wait until the simulator has received so many messages."""
    await call.record.until(lambda: sum(not f.sent for f in call.frames) >= received)
