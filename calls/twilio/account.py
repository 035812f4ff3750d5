"""Twilio's REST API: an account's numbers and their settings, and SMS."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from django.conf import settings

from bots.responses import PAGE_SECONDS
from bots.tls import trusted_certificates
from calls.twilio.errors import (
    BadAccount,
    NotConnected,
    TwilioAway,
    TwilioRefused,
    UnknownNumber,
    rejection,
)
from calls.twilio.number_setup import Number

NUMBERS_PER_PAGE = 200  # parsing a longer page would block other threads
ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
NUMBER_SID = re.compile(r"PN[0-9a-fA-F]{32}")

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class SentMessage:
    """An SMS that Twilio took. Whether it arrives is another question."""

    sid: str
    status: str


@dataclass(frozen=True, slots=True)
class Account:
    """One account; for threads without a running event loop. Raises `TwilioError`s.

    While a token is being replaced there are two `tokens`; both are tried. Every method
    takes at most `seconds`.
    """

    sid: str
    tokens: tuple[str, ...]
    url: str
    seconds: float = PAGE_SECONDS

    def numbers(self) -> list[Number]:
        """All numbers of the account."""
        return self._ask(self._numbers)

    def is_trial(self) -> bool:
        """True if nobody has paid for the account yet. Twilio limits those."""
        path = f"{self._folder}.json"
        record = self._ask(lambda http: self._fetch(http, "GET", path))
        return str(record.get("type", "")).lower() == "trial"

    def number(self, sid: str) -> Number:
        """The current settings of one number."""
        path = self._path_of(sid)
        return self._ask(lambda http: self._record(http, "GET", path))

    def change(self, sid: str, fields: dict[str, str]) -> Number:
        """Change settings of a number, named as in Twilio's API; returns the result."""
        path = self._path_of(sid)
        return self._ask(lambda http: self._record(http, "POST", path, fields))

    def send_message(self, fields: dict[str, str]) -> SentMessage:
        """Send an SMS, with fields named as in Twilio's API."""
        path = f"{self._folder}/Messages.json"
        record = self._ask(lambda http: self._fetch(http, "POST", path, fields))
        return SentMessage(
            str(record.get("sid") or ""), str(record.get("status") or "queued")
        )

    def _ask(self, request: Callable[[httpx.AsyncClient], Awaitable[Result]]) -> Result:
        self._check_credentials()

        async def run() -> Result:
            async with (
                asyncio.timeout(self.seconds),
                httpx.AsyncClient(
                    base_url=self.url,
                    timeout=self.seconds,
                    verify=trusted_certificates(),
                ) as http,
            ):
                return await request(http)

        try:
            # An event loop of its own, so that a long list delays no call.
            return asyncio.run(run())
        except (TimeoutError, httpx.TimeoutException) as error:
            raise TwilioAway(
                f"Twilio did not answer within {self.seconds:g} seconds. Try again in "
                "a moment."
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TwilioAway(
                "Twilio cannot be reached from this server at the moment. Check that "
                "its network allows connections to api.twilio.com."
            ) from error

    def _check_credentials(self) -> None:
        if not self.sid or not self.tokens:
            raise NotConnected("TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN is not set.")
        if not ACCOUNT_SID.fullmatch(self.sid):
            raise NotConnected(
                "TWILIO_ACCOUNT_SID is not an Account SID: AC and 32 more characters, "
                "shown on the start page of Twilio's Console."
            )

    def _path_of(self, sid: str) -> str:
        if not NUMBER_SID.fullmatch(sid):
            raise UnknownNumber
        return f"{self._folder}/IncomingPhoneNumbers/{sid}.json"

    @property
    def _folder(self) -> str:
        return f"/2010-04-01/Accounts/{self.sid}"

    async def _numbers(self, http: httpx.AsyncClient) -> list[Number]:
        path = f"{self._folder}/IncomingPhoneNumbers.json?PageSize={NUMBERS_PER_PAGE}"
        numbers: list[Number] = []
        while path:
            page = await self._fetch(http, "GET", path)
            records = page.get("incoming_phone_numbers")
            if not isinstance(records, list):
                raise TwilioRefused("Twilio's answer is not a list of numbers.")
            numbers += [Number.of(row) for row in records if isinstance(row, dict)]
            path = str(page.get("next_page_uri") or "")
            if path and not path.startswith(f"{self._folder}/"):
                # The token must not be sent to any other address.
                raise TwilioRefused("Twilio's list goes on at an odd address.")
        return [number for number in numbers if NUMBER_SID.fullmatch(number.sid)]

    async def _record(
        self,
        http: httpx.AsyncClient,
        method: str,
        path: str,
        fields: dict[str, str] | None = None,
    ) -> Number:
        return Number.of(await self._fetch(http, method, path, fields))

    async def _fetch(
        self,
        http: httpx.AsyncClient,
        method: str,
        path: str,
        fields: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        for token in self.tokens:
            auth = (self.sid, token)
            response = await http.request(method, path, data=fields, auth=auth)
            if response.status_code != 401:
                return _content(response)
        raise BadAccount


def _content(response: httpx.Response) -> dict[str, Any]:
    if not response.is_success:
        raise rejection(response.status_code, response.content)
    try:
        content = response.json()
    except (ValueError, RecursionError) as error:
        raise TwilioRefused("What answers is not Twilio's API.") from error
    if not isinstance(content, dict):
        raise TwilioRefused("What answers is not Twilio's API.")
    return content


def is_connected() -> bool:
    """True if the credentials of a Twilio account are configured."""
    return bool(settings.TWILIO_ACCOUNT_SID and settings.TWILIO_AUTH_TOKENS)


def account(seconds: float = PAGE_SECONDS) -> Account:
    """The account that the settings name."""
    return Account(
        settings.TWILIO_ACCOUNT_SID,
        tuple(settings.TWILIO_AUTH_TOKENS),
        settings.TWILIO_API_URL,
        seconds,
    )
