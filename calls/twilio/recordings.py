"""Twilio's REST API for recordings: the requests, and a recording as Twilio reports it.

Sources: Twilio, "Recordings resource" (start, pause, stop, fetch, delete) and
"RecordingStatusCallback". Recordings belong to the account that has the call, which may
be a subaccount of ours.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx

from bots.config.text import read_json
from bots.tls import trusted_certificates
from calls.twilio.account import ACCOUNT_SID, Account
from calls.twilio.errors import (
    BadAccount,
    TwilioAway,
    TwilioError,
    TwilioRefused,
    recording_rejection,
)

IN_PROGRESS, PAUSED, STOPPED = "in-progress", "paused", "stopped"
# Kept open between requests: a pause must not wait for a TLS handshake.
KEEPALIVE_SECONDS = 120
TIMEOUT = httpx.Timeout(connect=3, read=5, write=5, pool=3)
RECORDING_SID = re.compile(r"RE[0-9a-fA-F]{32}")
# The parameter knows no others; a worker finds those that failed.
EVENTS = "in-progress completed absent"


@dataclass(frozen=True, slots=True)
class TwilioRecording:
    """A recording as Twilio describes it, in an answer or in a callback.

    `status` is one of: in-progress, paused, stopped, processing, completed, absent,
    failed, deleted. Values that Twilio left out are None or empty.
    """

    sid: str
    status: str
    account_sid: str = ""
    started_at: datetime | None = None  # in full seconds
    seconds: int | None = None
    channels: int | None = None
    error_code: str = ""

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Self:
        """Read an answer of the REST API."""
        names = ("sid", "status", "account_sid", "start_time", "duration", "channels")
        return cls._of(*(record.get(name) for name in names), record.get("error_code"))

    @classmethod
    def of_form(cls, form: Mapping[str, str]) -> Self:
        """Read a RecordingStatusCallback."""
        names = ("Sid", "Status", "StartTime", "Duration", "Channels")
        sid, status, *rest = (form.get(f"Recording{name}") for name in names)
        return cls._of(
            sid, status, form.get("AccountSid"), *rest, form.get("ErrorCode")
        )

    @classmethod
    def _of(cls, sid: Any, status: Any, account: Any, *rest: Any) -> Self:
        start, seconds, channels, error = rest
        return cls(
            sid=_text(sid),
            status=_text(status),
            account_sid=_text(account),
            started_at=_time(start),
            seconds=_number(seconds),
            channels=_number(channels),
            error_code="" if error in (None, "0", 0) else _text(error)[:8],
        )


class RecordingControl:
    """Starts, pauses and stops recordings of calls in progress. For one event loop."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._trusted = trusted_certificates()
        self._http: httpx.AsyncClient | None = None

    async def start(self, account_sid: str, call_sid: str, callback: str) -> str:
        """Record a call, both sides apart; returns the recording's SID."""
        form = {
            "RecordingChannels": "dual",
            "RecordingTrack": "both",
            "Trim": "do-not-trim",  # or its times would not be the transcript's
            "RecordingStatusCallback": callback,
            "RecordingStatusCallbackMethod": "POST",
            "RecordingStatusCallbackEvent": EVENTS,
        }
        path = f"/Calls/{call_sid}/Recordings.json"
        record = await self._ask("POST", account_sid, path, form)
        sid = TwilioRecording.of_record(record).sid
        if not RECORDING_SID.fullmatch(sid):
            raise TwilioRefused("Twilio did not say which recording it started.")
        return sid

    async def find(self, account_sid: str, call_sid: str) -> TwilioRecording | None:
        """The recording of the call that is in progress or paused."""
        path = f"/Calls/{call_sid}/Recordings.json"
        answer = await self._ask("GET", account_sid, path)
        records = answer.get("recordings")
        found = [
            TwilioRecording.of_record(r) for r in records or () if isinstance(r, dict)
        ]
        return next(
            (
                r
                for r in found
                if r.status in (IN_PROGRESS, PAUSED) and RECORDING_SID.fullmatch(r.sid)
            ),
            None,
        )

    async def change(
        self, account_sid: str, call_sid: str, sid: str, status: str
    ) -> None:
        """Pause a recording, go on with it, or stop it for good.

        A pause is silence of its length, so that the sound keeps the call's times.
        """
        form = {"Status": status}
        if status == PAUSED:
            form["PauseBehavior"] = "silence"
        path = f"/Calls/{call_sid}/Recordings/{sid}.json"
        await self._ask("POST", account_sid, path, form)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._http:
            await self._http.aclose()

    async def _ask(
        self,
        method: str,
        account_sid: str,
        path: str,
        form: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        if self._http is None:
            limits = httpx.Limits(keepalive_expiry=KEEPALIVE_SECONDS)
            self._http = httpx.AsyncClient(
                base_url=self.account.url,
                timeout=TIMEOUT,
                limits=limits,
                verify=self._trusted,
            )
        path = folder(account_sid) + path
        try:
            for auth in credentials(self.account, account_sid):
                response = await self._http.request(method, path, data=form, auth=auth)
                if response.status_code != 401:
                    return content(response)
        except httpx.HTTPError as error:
            raise away(error) from error
        raise BadAccount


def folder(account_sid: str) -> str:
    """The path of everything that an account has."""
    if not ACCOUNT_SID.fullmatch(account_sid):
        raise TwilioRefused("The call came without the account that has it.")
    return f"/2010-04-01/Accounts/{account_sid}"


def credentials(account: Account, account_sid: str) -> Iterator[tuple[str, str]]:
    """User names and passwords to try: a main account may act for its subaccounts."""
    for sid in dict.fromkeys((account.sid or account_sid, account_sid)):
        for token in account.tokens:
            yield sid, token


def content(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer that was read; raises `TwilioError`s."""
    if not response.is_success:
        raise recording_rejection(response.status_code, response.content)
    answer = read_json(response.content)
    if not isinstance(answer, dict):
        raise TwilioRefused("What answers is not Twilio's API.")
    return answer


def away(error: httpx.HTTPError) -> TwilioError:
    """The error of a request without an answer."""
    return TwilioAway(f"Twilio cannot be reached ({type(error).__name__}).")


def _text(value: Any) -> str:
    return str(value or "").replace("\0", "").strip()[:34]


def _number(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number < 1_000_000 else None


def _time(value: Any) -> datetime | None:
    """A time as in mails (RFC 2822), with its zone."""
    try:
        time = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return time if time.tzinfo else None
