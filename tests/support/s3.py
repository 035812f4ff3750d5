"""A fake of an S3 server on a real socket: one bucket, in memory."""

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

UPLOADED = '<?xml version="1.0"?><{name}><UploadId>u1</UploadId></{name}>'
NO_KEY = b"<Error><Code>NoSuchKey</Code></Error>"


class FakeS3:
    """`objects` by key. Every public attribute may be set by tests."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.parts: dict[int, bytes] = {}
        self.largest = 0  # bytes of one request
        self.status = 200  # any other answers every request
        self.requests: list[str] = []

    @property
    def address(self) -> str:
        """RECORDING_STORAGE for this server."""
        port = self._server.server_address[1]
        return f"s3://key:sec%2Fret@bucket/calls?endpoint=http://127.0.0.1:{port}"

    def __enter__(self) -> Self:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                fake._take(self)

            do_GET = do_HEAD = do_POST = do_DELETE = do_PUT

            def log_message(self, *_: Any) -> None:
                """Keep the tests' output clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _take(self, http: BaseHTTPRequestHandler) -> None:
        if "100-continue" in http.headers.get("Expect", ""):
            http.send_response_only(100)
            http.end_headers()
        body = http.rfile.read(int(http.headers.get("Content-Length") or 0))
        self.largest = max(self.largest, len(body))
        part = http.headers.get("Range", "")
        self.requests.append(f"{http.command} {part}".strip())
        target = urlsplit(http.path)
        key = unquote(target.path).removeprefix("/bucket/")
        query = parse_qs(target.query, keep_blank_values=True)
        status, content, headers = self._answer(http, key, query, body)
        http.send_response(status)
        for name, value in {"ETag": '"e"', **headers}.items():
            http.send_header(name, value)
        if "Content-Length" not in headers:
            http.send_header("Content-Length", str(len(content)))
        http.end_headers()
        if http.command != "HEAD":
            http.wfile.write(content)

    def _answer(
        self, http: BaseHTTPRequestHandler, key: str, query: dict[str, Any], body: bytes
    ) -> tuple[int, bytes, dict[str, str]]:
        if self.status != 200:
            return self.status, b"", {}
        match http.command:
            case "POST" if "uploads" in query:
                name = "InitiateMultipartUploadResult"
                return 200, UPLOADED.format(name=name).encode(), {}
            case "POST":
                self.objects[key] = b"".join(self.parts[n] for n in sorted(self.parts))
                name = "CompleteMultipartUploadResult"
                return 200, UPLOADED.format(name=name).encode(), {}
            case "PUT" if "partNumber" in query:
                self.parts[int(query["partNumber"][0])] = body
                return 200, b"", {}
            case "PUT":
                self.objects[key] = body
                return 200, b"", {}
            case "DELETE":
                self.objects.pop(key, None)
                return 204, b"", {}
        return self._read(http, key)

    def _read(
        self, http: BaseHTTPRequestHandler, key: str
    ) -> tuple[int, bytes, dict[str, str]]:
        sound = self.objects.get(key)
        if sound is None:
            return 404, NO_KEY, {}
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", http.headers.get("Range", ""))
        if not asked:
            return 200, sound, {"Content-Length": str(len(sound))}
        part = sound[int(asked[1]) : int(asked[2]) + 1]
        place = f"bytes {asked[1]}-{asked[2]}/{len(sound)}"
        return 206, part, {"Content-Range": place}
