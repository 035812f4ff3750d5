"""Requests that are too large, or never end, are refused before daphne stores them."""

from typing import Any

import pytest
from daphne.http_protocol import HTTPFactory
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from voicebot.server.request_limits import LimitedRequest, limit_requests


class Daphne:
    """The part of daphne's server that a request needs."""

    http_timeout = 30
    proxy_forwarded_address_header = None
    server_name = root_path = ""

    def __init__(self) -> None:
        self.connected: list[LimitedRequest] = []

    def protocol_connected(self, request: LimitedRequest) -> None:
        self.connected.append(request)

    def protocol_disconnected(self, request: LimitedRequest) -> None:
        """Stores nothing."""

    def create_application(self, request: LimitedRequest, scope: Any) -> None:
        """Creates none: the test answers."""

    def log_action(self, *about: Any) -> None:
        """Logs nothing."""


def connected() -> tuple[Daphne, Any, Any, Clock]:
    """Return a new connection: daphne, channel, transport, and its clock."""
    daphne, clock = Daphne(), Clock()
    factory = HTTPFactory(daphne)
    factory.reactor = clock
    limit_requests(factory)
    transport: Any = StringTransport()  # type: ignore[no-untyped-call]
    channel = factory.buildProtocol(None)
    channel.makeConnection(transport)
    return daphne, channel, transport, clock


def arriving(*pieces: bytes) -> tuple[LimitedRequest, Any]:
    """Return a request of which these pieces have arrived."""
    daphne, channel, transport, _ = connected()
    for piece in pieces:
        channel.dataReceived(piece)
    return daphne.connected[0], transport


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"\r",
        b"\r\n",
        b"GET /",
        b"POST /voice HTTP/1.1\r\n",
        b"POST /voice HTTP/1.1\r\nX-A: ",
        b"POST /voice HTTP/1.1\r\nContent-Length: 9999\r\n\r\n",
        b"POST /voice HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n270f\r\n",
    ],
)
def test_a_request_that_never_ends_is_dropped(beginning: bytes) -> None:
    _, channel, transport, clock = connected()
    channel.dataReceived(beginning)
    for _ in range(29):
        clock.advance(1)
        channel.dataReceived(b"a")
    assert not transport.disconnecting
    clock.advance(1)
    assert transport.disconnecting


def test_a_connection_without_a_request_is_dropped() -> None:
    _, _, transport, clock = connected()
    clock.advance(30)
    assert transport.disconnecting


def test_each_request_of_a_connection_has_its_own_time() -> None:
    daphne, channel, transport, clock = connected()
    for _ in range(3):
        clock.advance(29)
        channel.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n")
        clock.advance(29)
        channel.dataReceived(b"\r\n")
        clock.advance(60)  # while the answer is made
        assert not transport.disconnecting
        daphne.connected[-1].basic_error(200, b"OK", "here it is")
    channel.dataReceived(b"GET /")
    clock.advance(30)
    assert transport.disconnecting


@pytest.mark.parametrize(
    ("header", "pieces"),
    [
        (b"Content-Length: 3000001", []),
        (b"Content-Length: 5000000000", []),
        (b"Transfer-Encoding: chunked", [b"2dc6c1\r\n" + b"x" * 3_000_001]),
        (
            b"Transfer-Encoding: chunked",
            [b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n"] * 4,
        ),
    ],
)
def test_no_more_than_a_page_is_buffered(header: bytes, pieces: list[bytes]) -> None:
    head = b"POST /admin/ HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n"
    request, transport = arriving(head, *pieces)
    assert transport.value().startswith(b"HTTP/1.1 413 ")
    assert transport.disconnecting
    request.content.seek(0)
    assert len(request.content.read()) <= 3_000_000
    request.content.close()
    assert not hasattr(request, "request_start")


def test_a_form_is_not_read_in_the_event_loop() -> None:
    daphne, channel, _, _ = connected()
    form = b"text=%7B%7Bname%7D%7D&other=1"
    head = b"POST /admin/?a=1&b HTTP/1.1\r\nHost: x\r\n"
    head += b"Content-Type: application/x-www-form-urlencoded\r\n"
    channel.dataReceived(head + b"Content-Length: %d\r\n\r\n" % len(form) + form)
    (request,) = daphne.connected
    assert request.args == {}  # Twisted would decode it here
    assert (request.path, request.uri) == (b"/admin/", b"/admin/?a=1&b")
    assert request.method == b"POST"
    request.content.seek(0)
    assert request.content.read() == form
