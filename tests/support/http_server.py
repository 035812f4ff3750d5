"""An HTTP server of the tests on a real socket, in threads of its own."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from threading import Event, Thread
from typing import Any, Self

# A status, a body, and headers.
Answer = tuple[int, bytes, dict[str, str]]


class FakeHttpServer:
    """Gives each request the answer that `answer` returns."""

    protocol_version = "HTTP/1.0"  # with 1.1 connections stay open

    def __init__(self, tls: SSLContext | None = None) -> None:
        self.tls = tls
        self.holds: Event | None = None  # `hold` waits for this event

    @property
    def url(self) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, http: BaseHTTPRequestHandler, body: bytes) -> Answer:
        """Answer a request, whose body is read already."""
        raise NotImplementedError

    def hold(self) -> None:
        """Wait with an answer if the test says so."""
        if self.holds:
            self.holds.wait(10)

    def __enter__(self) -> Self:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = fake.protocol_version

            def do_GET(self) -> None:
                fake._take(self)

            do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

            def log_message(self, *_: Any) -> None:
                """Keep the tests' output clean."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        if self.tls:
            listening = self._server.socket
            self._server.socket = self.tls.wrap_socket(listening, server_side=True)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.holds:
            self.holds.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _take(self, http: BaseHTTPRequestHandler) -> None:
        body = http.rfile.read(int(http.headers.get("Content-Length") or 0))
        status, content, headers = self.answer(http, body)
        http.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            http.send_header(name, value)
        http.end_headers()
        if http.command != "HEAD":
            http.wfile.write(content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args: Any) -> None:
        """A client may leave before its answer; anything else is an error."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(*args)
