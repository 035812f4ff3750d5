"""Fetches and deletes what Twilio has recorded. For threads without an event loop."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

import httpx

from bots.tls import trusted_certificates
from calls.twilio.account import Account
from calls.twilio.errors import BadAccount, NotFound, recording_rejection
from calls.twilio.recordings import (
    TwilioRecording,
    away,
    content,
    credentials,
    folder,
)

# A long call is 2 MB a minute: seconds without a byte count, not the whole time.
TIMEOUT = httpx.Timeout(connect=5, read=20, write=5, pool=5)
# Both sides apart, in a file that every browser plays.
SOUND = ".wav?RequestedChannels=2"
MAX_ERROR_BYTES = 10_000


class RecordingFiles:
    """The recordings of an account and of its subaccounts."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def check(self, account_sid: str) -> None:
        """Ask for nothing in particular: do address and password work?"""
        with self._request("GET", account_sid, "", {}) as response:
            response.read()
            content(response)

    def ask(self, account_sid: str, sid: str) -> TwilioRecording:
        """The present state of a recording. Raises `NotFound`."""
        with self._request("GET", account_sid, f"{sid}.json") as response:
            response.read()
            return TwilioRecording.of_record(content(response))

    @contextmanager
    def sound(
        self, account_sid: str, sid: str, headers: Mapping[str, str] | None = None
    ) -> Iterator[httpx.Response]:
        """The sound, its body unread, with the `headers` of a request for a part.

        Twilio answers 404 until the sound is stored, for some seconds after it has
        reported that. Raises `NotFound`.
        """
        name = sid + SOUND
        with self._request("GET", account_sid, name, headers) as response:
            if not response.is_success and response.status_code != 416:
                body = next(response.iter_bytes(MAX_ERROR_BYTES), b"")
                raise recording_rejection(response.status_code, body)
            yield response

    def delete(self, account_sid: str, sid: str) -> None:
        """Delete a recording; one that is gone is deleted."""
        with self._request("DELETE", account_sid, f"{sid}.json") as response:
            response.read()
            rejected = recording_rejection(response.status_code, response.content)
            if not response.is_success and not isinstance(rejected, NotFound):
                raise rejected

    @contextmanager
    def _request(
        self,
        method: str,
        account_sid: str,
        name: str,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[httpx.Response]:
        """Send a request. A redirect to another host gets no password."""
        path = f"/Recordings/{name}" if name else "/Recordings.json?PageSize=1"
        url = f"{self.account.url}{folder(account_sid)}{path}"
        try:
            for auth in credentials(self.account, account_sid):
                asking = _http().stream(method, url, headers=headers, auth=auth)
                with asking as answer:
                    if answer.status_code != 401:
                        yield answer
                        return
        except httpx.HTTPError as error:
            raise away(error) from error
        raise BadAccount


@cache
def _http() -> httpx.Client:
    """The connections of this process, for all its threads."""
    return httpx.Client(
        timeout=TIMEOUT, follow_redirects=True, verify=trusted_certificates()
    )
