"""Responses take no more memory than their clients take bytes, and end in time."""

import asyncio
import json
import re
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from calls.models import Call, Turn
from tests.support.live import LiveServer, serving
from tests.support.preloaded import SHORTENED
from tests.voicebot.test_request_limits import arriving, connected
from voicebot.server import response_limits
from voicebot.server.response_limits import PacedRequest, slices

MB = 1_000_000
CALLS, TURNS, WORDS = 150, 50, "words " * 350
SLOW_READERS = 6
# One export has more than this, and six of them may not take it.
EXPORT_BYTES = 30 * MB
EXPORT = "/admin/calls/call/export.jsonl"
# Instead of 30 seconds, so that slow readers are cut off soon.
STALL = {"voicebot.server.response_limits.STALL_SECONDS": 6.0}


@pytest.fixture(scope="module")
def server(database_url: str) -> Iterator[LiveServer]:
    env = {"DATABASE_URL": database_url, SHORTENED: json.dumps(STALL)}
    with serving(**env) as live:
        yield live


def many_calls() -> None:
    """Store calls whose export has more than `EXPORT_BYTES`."""
    now, counted = timezone.now(), {"turn_count": TURNS}
    calls = [Call(call_sid=f"CA{n}", started_at=now, **counted) for n in range(CALLS)]
    calls = Call.objects.bulk_create(calls)
    said = {"role": "bot", "text": WORDS, "heard_text": WORDS, "started_at": now}
    turns = (
        Turn(call=call, index=index, **said) for call in calls for index in range(TURNS)
    )
    Turn.objects.bulk_create(turns, batch_size=500)


def memory(server: LiveServer) -> int:
    """The most memory that the server had so far, in bytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kilobytes) * 1024


def begun(server: LiveServer, path: str, cookie: str) -> socket.socket:
    """A client with small buffers that has read the beginning of a response."""
    address = urlsplit(server.url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(30)
    client.connect((address.hostname, address.port))
    head = f"GET {path} HTTP/1.1\r\nHost: bot.example.com\r\nCookie: {cookie}\r\n\r\n"
    client.sendall(head.encode())
    assert client.recv(12) == b"HTTP/1.1 200"
    return client


def is_cut_off(client: socket.socket) -> bool:
    """Wait until the server resets the connection, without reading from it."""
    poll = select.poll()
    poll.register(client, 0)  # nothing but errors
    return bool(poll.poll(60_000))


@pytest.mark.django_db(transaction=True)
def test_slow_readers_of_large_exports_take_little_memory_and_are_cut_off(
    server: LiveServer, admin_client: Client
) -> None:
    many_calls()
    cookie = f"sessionid={admin_client.cookies['sessionid'].value}"
    headers = {"Host": "bot.example.com", "Cookie": cookie}
    with (
        httpx.Client(base_url=server.url, headers=headers, timeout=60) as http,
        ExitStack() as opened,
    ):
        whole = http.get(EXPORT).content
        assert len(whole) > EXPORT_BYTES
        before = memory(server)
        slow = [begun(server, EXPORT, cookie) for _ in range(SLOW_READERS)]
        for client in slow:
            opened.enter_context(closing(client))
        # While one client reads two exports, the server could make all six.
        for _ in range(2):
            assert http.get(EXPORT).content == whole
        assert memory(server) - before < EXPORT_BYTES
        assert all(map(is_cut_off, slow))
        assert http.get("/healthz").status_code == 200


@given(st.binary(max_size=200), st.booleans(), st.integers(1, 50))
def test_slices_are_the_message(body: bytes, more: bool, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(response_limits, "SLICE_BYTES", size)
        message = {"type": "http.response.body", "body": body, "more_body": more}
        parts = list(slices(message))
    assert b"".join(part["body"] for part in parts) == body
    assert all(len(part["body"]) <= size for part in parts)
    assert [part["more_body"] for part in parts] == [True] * (len(parts) - 1) + [more]


def test_a_message_without_a_body_stays_as_it_is() -> None:
    for message in ({"type": "http.response.body"}, {"type": "websocket.accept"}):
        assert list(slices(message)) == [message]


class Answered:
    """A request whose response has begun, and whose client takes nothing."""

    def __init__(self, path: str = "/admin/") -> None:
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        self.request, self.transport = arriving(head)
        start = {"type": "http.response.start", "status": 200, "headers": []}
        self.request.handle_reply(start)
        self.request.channel.pauseProducing()
        self.waits = asyncio.ensure_future(self.request.taken())

    @property
    def is_cut_off(self) -> bool:
        return bool(self.transport.disconnected)


@pytest.fixture(autouse=True)
def nobody_waits() -> Iterator[None]:
    PacedRequest.waiting.clear()
    yield
    PacedRequest.waiting.clear()


async def test_sending_waits_until_the_client_has_taken_it() -> None:
    slow = Answered()
    await asyncio.sleep(0)
    assert not slow.waits.done()
    slow.request.check_timeouts()
    assert not slow.is_cut_off
    slow.request.channel.resumeProducing()
    await slow.waits
    assert not PacedRequest.waiting
    slow.request.handle_reply({"type": "http.response.body", "body": b"all of it"})
    await slow.request.taken()
    slow.request.check_timeouts()


async def test_a_client_that_left_is_not_waited_for() -> None:
    gone = Answered()
    await asyncio.sleep(0)
    gone.request.channel.connectionLost(None)
    await gone.waits
    await gone.request.taken()


async def test_a_client_that_takes_nothing_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(response_limits, "STALL_SECONDS", -1)
    stalled, fast = Answered(), Answered()
    fast.request.channel.resumeProducing()
    await fast.waits
    await asyncio.sleep(0)
    for answered in (stalled, fast):
        answered.request.check_timeouts()
    assert stalled.is_cut_off
    assert not fast.is_cut_off  # its application may be slow


@pytest.mark.parametrize(("taken", "is_late"), [(0, True), (60 * MB, False)])
async def test_a_response_has_a_longest_time_and_a_large_one_more(
    monkeypatch: pytest.MonkeyPatch, taken: int, is_late: bool
) -> None:
    monkeypatch.setattr(response_limits, "LONGEST_SECONDS", -1)
    answered = Answered()
    answered.request.sentLength = taken
    answered.request.check_timeouts()
    assert answered.is_cut_off is is_late
    answered.waits.cancel()


async def test_of_many_that_wait_the_first_is_cut_off_and_never_a_clip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(response_limits, "MAX_WAITING", 3)
    paths = ["/audio/clip", *["/admin/"] * 5]
    waiting = []
    for path in paths:
        waiting.append(Answered(path))
        await asyncio.sleep(0)
    cut = [answered.is_cut_off for answered in waiting]
    assert cut == [False, True, True, False, False, False]
    for answered in waiting:
        answered.waits.cancel()


def test_the_end_of_a_response_has_a_longest_time_too() -> None:
    """Also on a connection that is closed after it."""
    daphne, channel, transport, clock = connected()
    channel.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    daphne.connected[0].basic_error(200, b"OK", "here it is")
    transport.registerProducer(channel, True)  # as a real transport lets it go twice
    clock.advance(response_limits.STALL_SECONDS)
    assert not transport.disconnected
    clock.advance(channel.abortTimeout)
    assert transport.disconnected
