"""A fake of an S3 server on a real socket: one bucket, in memory."""

import re
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.http_server import Answer, FakeHttpServer

UPLOADED = '<?xml version="1.0"?><{name}><UploadId>u1</UploadId></{name}>'
NO_KEY = b"<Error><Code>NoSuchKey</Code></Error>"


class FakeS3(FakeHttpServer):
    """`objects` by key. Every public attribute may be set by tests."""

    protocol_version = "HTTP/1.1"

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self.parts: dict[int, bytes] = {}
        self.largest = 0  # bytes of one request
        self.status = 200  # any other answers every request
        self.requests: list[str] = []

    @property
    def address(self) -> str:
        """RECORDING_STORAGE for this server."""
        return f"s3://key:sec%2Fret@bucket/calls?endpoint={self.url}"

    def answer(self, http: BaseHTTPRequestHandler, body: bytes) -> Answer:
        self.largest = max(self.largest, len(body))
        part = http.headers.get("Range", "")
        self.requests.append(f"{http.command} {part}".strip())
        target = urlsplit(http.path)
        key = unquote(target.path).removeprefix("/bucket/")
        query = parse_qs(target.query, keep_blank_values=True)
        status, content, headers = self._answer(http, key, query, body)
        return status, content, {"ETag": '"e"', **headers}

    def _answer(
        self, http: BaseHTTPRequestHandler, key: str, query: dict[str, Any], body: bytes
    ) -> Answer:
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

    def _read(self, http: BaseHTTPRequestHandler, key: str) -> Answer:
        sound = self.objects.get(key)
        if sound is None:
            return 404, NO_KEY, {}
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", http.headers.get("Range", ""))
        if not asked:
            return 200, sound, {}
        part = sound[int(asked[1]) : int(asked[2]) + 1]
        place = f"bytes {asked[1]}-{asked[2]}/{len(sound)}"
        return 206, part, {"Content-Range": place}
