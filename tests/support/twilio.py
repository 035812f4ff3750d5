"""A fake of Twilio's REST API on a real socket: numbers and SMS of one account.

with FakeTwilio() as twilio:
    twilio.has(number("+15005550006", voice_url="https://elsewhere.example/"))
    twilio.reports_to(server.url)      # callbacks; without it there are none
"""

import json
from base64 import b64encode
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
from twilio.request_validator import RequestValidator

from tests.support.http_server import Answer, FakeHttpServer
from tests.support.live import AUTH_TOKEN, PUBLIC_URL

SID = "AC" + "a1" * 16
TOKEN = "7e570123456789abcdef0123456789ab"
FOLDER = f"/2010-04-01/Accounts/{SID}"
LIST = f"{FOLDER}/IncomingPhoneNumbers.json"
MESSAGES = f"{FOLDER}/Messages.json"
SNAKE = {
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "StatusCallback": "status_callback",
    "StatusCallbackMethod": "status_callback_method",
    "VoiceApplicationSid": "voice_application_sid",
    "TrunkSid": "trunk_sid",
}


def sid_of(phone_number: str) -> str:
    """Return the SID of a number made by `number`."""
    return f"PN{phone_number.lstrip('+'):0>32}"


def number(phone_number: str, **settings: Any) -> dict[str, Any]:
    """Return the record of a number without a voice URL, in Twilio's format."""
    return {
        "sid": sid_of(phone_number),
        "account_sid": SID,
        "phone_number": phone_number,
        "friendly_name": phone_number,
        "capabilities": {"voice": True, "sms": True, "mms": False, "fax": False},
        "voice_url": None,
        "voice_method": "POST",
        "status_callback": "",
        "status_callback_method": "POST",
        "voice_application_sid": None,
        "trunk_sid": None,
        **settings,
    }


class FakeTwilio(FakeHttpServer):
    """One account's numbers; every public attribute may be set by tests."""

    def __init__(self, page_size: int = 50) -> None:
        super().__init__()
        self.page_size = page_size
        self.records: dict[str, dict[str, Any]] = {}
        self.tokens = {TOKEN}
        self.type = "Full"  # or "Trial"
        self.status = 200  # any other status answers every request, with `says`
        self.says = b'{"code": 20001, "message": "Not like this."}'
        self.next_page = ""  # the address of the next page; empty: the real one
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.server_url = ""
        self.messages: dict[str, dict[str, str]] = {}  # the fields of each SMS, by SID
        # Statuses of each SMS that are reported before its request is answered.
        self.early_statuses: tuple[str, ...] = ()

    def reports_to(self, server_url: str) -> None:
        """Send callbacks to a server, signed for its public address."""
        self.server_url = server_url

    def call_back(self, url: str, form: dict[str, str]) -> int:
        """Send a callback for a public address; returns the status of the answer."""
        if not self.server_url:
            return 0
        signature = RequestValidator(AUTH_TOKEN).compute_signature(url, form)
        headers = {"X-Twilio-Signature": signature, "Host": urlsplit(PUBLIC_URL).netloc}
        address = self.server_url + url.removeprefix(PUBLIC_URL)
        return httpx.post(address, data=form, headers=headers, timeout=10).status_code

    def report_message(self, sid: str, status: str) -> int:
        """Send the StatusCallback of an SMS."""
        form = message_callback(sid, status)
        return self.call_back(self.messages[sid]["StatusCallback"], form)

    def has(self, *records: dict[str, Any]) -> None:
        """Add numbers to the account."""
        self.records |= {record["sid"]: record for record in records}

    @property
    def changes(self) -> list[dict[str, str]]:
        """The form fields of every change request."""
        return [form for method, _, form in self.requests if method == "POST"]

    def answer(self, http: BaseHTTPRequestHandler, body: bytes) -> Answer:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        self.requests.append((http.command, http.path, form))
        self.hold()
        status, content = self._answer(http, form)
        return status, content, self.headers_of(http, status)

    def headers_of(self, http: BaseHTTPRequestHandler, status: int) -> dict[str, str]:
        """More headers of an answer."""
        return {}

    def _answer(
        self, http: BaseHTTPRequestHandler, form: dict[str, str]
    ) -> tuple[int, bytes]:
        if http.headers.get("Authorization") not in [
            _basic(token) for token in self.tokens
        ]:
            return 401, b'{"code": 20003, "message": "Authenticate"}'
        if self.status != 200:
            return self.status, self.says
        target = urlsplit(http.path)
        if (answer := self.other(http, target.path, form)) is not None:
            return answer
        if target.path == LIST:
            return 200, json.dumps(self._page(parse_qs(target.query))).encode()
        if target.path == MESSAGES:
            sid = f"SM{len(self.requests):032x}"
            self.messages[sid] = form
            for status in self.early_statuses:
                self.report_message(sid, status)
            queued = {"sid": sid, "status": "queued", "to": form.get("To")}
            return 201, json.dumps(queued).encode()
        if target.path == f"{FOLDER}.json":
            owner = {"sid": SID, "status": "active", "type": self.type}
            return 200, json.dumps(owner).encode()
        name = target.path.removeprefix(f"{FOLDER}/IncomingPhoneNumbers/")
        record = self.records.get(name.removesuffix(".json"))
        if record is None:
            return 404, b'{"code": 20404, "message": "was not found"}'
        record |= {SNAKE[field]: value for field, value in form.items()}
        return 200, json.dumps(record).encode()

    def other(
        self, http: BaseHTTPRequestHandler, path: str, form: dict[str, str]
    ) -> tuple[int, bytes] | None:
        """The answer of a part of the API that is not about numbers."""
        return None

    def _page(self, query: dict[str, list[str]]) -> dict[str, Any]:
        at = int(query.get("Page", ["0"])[0])
        records = list(self.records.values())
        begin, end = at * self.page_size, (at + 1) * self.page_size
        more = f"{LIST}?PageSize={self.page_size}&Page={at + 1}"
        return {
            "incoming_phone_numbers": records[begin:end],
            "page": at,
            "next_page_uri": self.next_page or (more if end < len(records) else None),
        }


def message_callback(sid: str, status: str, error: str = "30003") -> dict[str, str]:
    """The form of a StatusCallback of an SMS; only a lost one has an error."""
    form = {
        "AccountSid": SID,
        "ApiVersion": "2010-04-01",
        "From": "+15005550006",
        "To": "+14155550199",
        **dict.fromkeys(("MessageSid", "SmsSid"), sid),
        **dict.fromkeys(("MessageStatus", "SmsStatus"), status),
    }
    return form | ({"ErrorCode": error} if status in ("undelivered", "failed") else {})


def _basic(token: str) -> str:
    return "Basic " + b64encode(f"{SID}:{token}".encode()).decode()
