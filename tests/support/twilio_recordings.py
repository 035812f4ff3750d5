"""A fake of Twilio that records calls: its REST API, its callbacks and its sound.

with RecordingTwilio() as twilio:
    twilio.reports_to(server.url)
    ...
    twilio.ends(call_sid)              # the call is over: its recordings are ready
"""

import json
import re
from collections import defaultdict
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from itertools import count
from typing import Any
from urllib.parse import urlsplit
from wave import open as open_wave

from tests.support.live import PUBLIC_URL
from tests.support.twilio import FOLDER, SID, FakeTwilio

OF_CALL = re.compile(rf"{FOLDER}/Calls/(CA\w+)/Recordings(?:/(RE\w+))?\.json")
RECORDING = re.compile(rf"{FOLDER}/Recordings/(RE\w+)\.(json|wav)")
STARTED = "Mon, 30 Nov 2026 12:00:00 +0000"
CALL_OVER = 400, b'{"code": 21220, "message": "Not eligible for recording"}'
GONE = 404, b'{"code": 20404, "message": "The resource was not found"}'
FORBIDDEN = 403, b'{"code": 20003, "message": "Permission denied"}'
AWAY = 503, b""
IN_PROGRESS = ("in-progress", "paused")
_sids = count(1)

Answer = tuple[int, bytes]


def stereo_wav(seconds: float = 1.0, rate: int = 8_000) -> bytes:
    """A WAV with two channels, as Twilio makes them."""
    file = BytesIO()
    with open_wave(file, "wb") as wave:
        wave.setparams((2, 2, rate, 0, "NONE", ""))
        wave.writeframes(b"\1\0\2\0" * round(rate * seconds))
    return file.getvalue()


class RecordingTwilio(FakeTwilio):
    """Every public attribute may be set by tests."""

    def __init__(self) -> None:
        super().__init__()
        self.recordings: dict[str, dict[str, Any]] = {}
        self.over: set[str] = set()  # calls that have ended
        # Answers instead of the usual ones, once each, by what is asked: start, paused,
        # in-progress, stopped, list, info, sound, delete.
        self.answers: defaultdict[str, list[Answer]] = defaultdict(list)
        self.asked: list[str] = []
        self.sound = stereo_wav()
        self.form: dict[str, str] = {}  # of the latest start

    def log(self) -> list[str]:
        """The requests about recordings, in order."""
        return list(self.asked)

    def starts(self, call_sid: str) -> dict[str, Any]:
        """Record a call."""
        sid = f"RE{next(_sids):032x}"
        self.recordings[sid] = record = {
            "sid": sid,
            "account_sid": SID,
            "call_sid": call_sid,
            "status": "in-progress",
            "start_time": STARTED,
            "duration": None,
            "channels": 2,
            "error_code": None,
        }
        return record

    def ends(self, call_sid: str, status: str = "completed", error: str = "") -> None:
        """End the call: what was recorded of it is ready, or absent."""
        self.over.add(call_sid)
        for record in self.recordings.values():
            if record["call_sid"] == call_sid:
                record |= {"status": status, "duration": "7", "error_code": error}
                self.report(record)

    def report(self, record: dict[str, Any], status: str = "") -> int:
        """Send a RecordingStatusCallback; returns the HTTP status of the answer."""
        return self.call_back(f"{PUBLIC_URL}/voice/recording", callback(record, status))

    def other(
        self, http: BaseHTTPRequestHandler, path: str, form: dict[str, str]
    ) -> Answer | None:
        if found := OF_CALL.fullmatch(path):
            return self._of_call(http.command, found[1], found[2], form)
        if path == f"{FOLDER}/Recordings.json":
            return self._usual("check") or (200, b'{"recordings": []}')
        if found := RECORDING.fullmatch(path):
            return self._of_account(http, found[1], found[2])
        return None

    def headers_of(self, http: BaseHTTPRequestHandler, status: int) -> dict[str, str]:
        if not urlsplit(http.path).path.endswith(".wav"):
            return {}
        part = self._part(http)
        whole = len(self.sound)
        ranges = {"Content-Range": f"bytes {part.start}-{part.stop - 1}/{whole}"}
        return {"Content-Type": "audio/x-wav", **(ranges if status == 206 else {})}

    def _of_call(
        self, method: str, call_sid: str, sid: str | None, form: dict[str, str]
    ) -> Answer:
        if method == "GET":
            return self._usual("list") or (200, self._listed(call_sid))
        if sid is None:
            if answer := self._usual("start"):
                return answer
            if call_sid in self.over:
                return CALL_OVER
            self.form = form
            return 201, _json(self.starts(call_sid))
        record = self.recordings.get(sid)
        if answer := self._usual(form["Status"]):
            return answer
        if record is None or record["status"] in ("completed", "stopped"):
            return GONE
        record["status"] = form["Status"]
        return 200, _json(record)

    def _of_account(
        self, http: BaseHTTPRequestHandler, sid: str, ending: str
    ) -> Answer:
        kind = "sound" if ending == "wav" else "info"
        kind = "delete" if http.command == "DELETE" else kind
        if answer := self._usual(kind):
            return answer
        if sid not in self.recordings:
            return GONE
        if kind == "delete" and self.recordings[sid]["status"] in IN_PROGRESS:
            return 409, b'{"code": 20409, "message": "It is in progress."}'
        if kind == "delete":
            del self.recordings[sid]
            return 204, b""
        if kind == "info":
            return 200, _json(self.recordings[sid])
        part = self._part(http)
        return 206 if "Range" in http.headers else 200, self.sound[part]

    def _part(self, http: BaseHTTPRequestHandler) -> slice:
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", http.headers.get("Range", ""))
        if not found:
            return slice(0, len(self.sound))
        return slice(int(found[1]), int(found[2] or len(self.sound) - 1) + 1)

    def _listed(self, call_sid: str) -> bytes:
        found = [r for r in self.recordings.values() if r["call_sid"] == call_sid]
        return json.dumps({"recordings": found, "next_page_uri": None}).encode()

    def _usual(self, kind: str) -> Answer | None:
        self.asked.append(kind)
        return self.answers[kind].pop(0) if self.answers[kind] else None


def callback(record: dict[str, Any], status: str = "") -> dict[str, str]:
    """The form of a RecordingStatusCallback."""
    form = {
        "AccountSid": SID,
        "CallSid": record["call_sid"],
        "RecordingSid": record["sid"],
        "RecordingStatus": status or record["status"],
        "RecordingStartTime": STARTED,
        "RecordingSource": "StartCallRecordingAPI",
        "RecordingTrack": "both",
        "ErrorCode": record["error_code"] or "0",
    }
    if form["RecordingStatus"] == "completed":
        url = f"https://api.twilio.com{FOLDER}/Recordings/{record['sid']}"
        form |= {"RecordingUrl": url, "RecordingDuration": record["duration"]}
        form |= {"RecordingChannels": "2"}
    return form


def _json(record: dict[str, Any]) -> bytes:
    return json.dumps(record).encode()
