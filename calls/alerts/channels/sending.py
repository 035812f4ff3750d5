"""Sends a message to a channel: by mail, to a webhook, or as an SMS.

Every way has a time limit, and none uses the threads of calls or of the database.
"""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

import aiohttp
import httpx
from django.conf import settings
from django.core.mail import EmailMessage

from bots.tools.guarded_http import (
    AnswerLost,
    Forbidden,
    Misdirected,
    Request,
    Unreachable,
    fetch,
)
from calls.accounts.mail import NOT_SET_UP, PRINTED, can_send, is_printed
from calls.alerts.attempt import Attempt, Result
from calls.alerts.channels import payloads
from calls.alerts.channels.answers import read_answer
from calls.alerts.channels.mail import deliver
from calls.alerts.texts import Text
from calls.models.alert import AlertChannel
from calls.twilio.account import account
from calls.twilio.errors import TwilioAway, TwilioError

Kind = AlertChannel.Kind

SECONDS = 15.0
TOOK_TOO_LONG = "No answer in time. It may have arrived, so it is not sent again."
ALL_BUSY = "Other mails and SMS that hang keep this one waiting."
NO_ANSWER = "It may have arrived, so it is not sent again."
PAYLOADS = {
    Kind.SLACK: payloads.slack,
    Kind.TEAMS: payloads.teams,
    Kind.DISCORD: payloads.discord,
}
# Mail servers and Twilio are asked in threads of their own, which may hang.
_threads = ThreadPoolExecutor(4, thread_name_prefix="alerts")


@dataclass(frozen=True, slots=True)
class Envelope:
    """A channel's address, and the text for it. `key` is the same for each attempt.

    Twilio reports to `report_url` whether an SMS arrived; empty: to nobody.
    """

    kind: str
    address: str = field(repr=False)  # it may be a secret
    sender: str
    text: Text = field(repr=False)
    key: str
    report_url: str = ""


async def send(envelope: Envelope, seconds: float = SECONDS) -> Attempt:
    """Make one attempt."""
    match Kind(envelope.kind):
        case Kind.MAIL:
            return await _in_thread(lambda: _mail(envelope), seconds)
        case Kind.SMS:
            return await _in_thread(lambda: _sms(envelope, seconds), seconds + 1)
        case kind:
            return await _post(envelope, PAYLOADS[kind](envelope.text), seconds)


async def _in_thread(work: Callable[[], Attempt], seconds: float) -> Attempt:
    loop, has_begun = asyncio.get_running_loop(), Event()

    def begin() -> Attempt:
        has_begun.set()
        return work()

    try:
        async with asyncio.timeout(seconds):
            return await loop.run_in_executor(_threads, begin)
    except TimeoutError:
        if has_begun.is_set():
            return Attempt(Result.UNKNOWN, TOOK_TOO_LONG)
        # Its turn had not come, and now it never does.
        return Attempt(Result.LATER, ALL_BUSY)


async def _post(
    envelope: Envelope, payload: dict[str, object], seconds: float
) -> Attempt:
    request = Request(
        method="POST",
        url=envelope.address,
        headers={"Content-Type": "application/json"},
        seconds=seconds,
        body=json.dumps(payload).encode(),
    )
    try:
        answer = await fetch(request)
    except Unreachable as error:
        return _not_posted(error)
    return read_answer(
        answer.status, answer.text, answer.retry_after, is_page=answer.is_page
    )


def _not_posted(error: Unreachable) -> Attempt:
    if isinstance(error, AnswerLost):
        return Attempt(Result.UNKNOWN, str(error))
    if isinstance(error, Misdirected):
        return Attempt(Result.REFUSED, str(error))
    if isinstance(error, Forbidden):
        return Attempt(Result.LATER, str(error))
    # Without a connection it got nothing. Later than that, nobody knows.
    if isinstance(error.__cause__, aiohttp.ClientConnectorError):
        return Attempt(Result.LATER, str(error))
    return Attempt(Result.UNKNOWN, f"{error} {NO_ANSWER}")


def _mail(envelope: Envelope) -> Attempt:
    if not (can_send() or is_printed()):
        return Attempt(Result.REFUSED, NOT_SET_UP)
    headers = {
        "Auto-Submitted": "auto-generated",  # no holiday notes in return (RFC 3834)
        "Message-ID": f"<{envelope.key}@{settings.SERVER_HOST or 'voicebot'}>",
    }
    text = envelope.text
    mail = EmailMessage(
        text.subject, payloads.plain(text), to=[envelope.address], headers=headers
    )
    attempt = deliver(mail)
    return Attempt(Result.REFUSED, PRINTED) if is_printed() else attempt


def _sms(envelope: Envelope, seconds: float) -> Attempt:
    by_service = envelope.sender.startswith("MG")
    sender = "MessagingServiceSid" if by_service else "From"
    fields = {
        "To": envelope.address,
        sender: envelope.sender,
        "Body": payloads.sms(envelope.text),
    }
    if envelope.report_url:
        fields["StatusCallback"] = envelope.report_url
    try:
        sent = account(seconds).send_message(fields)
    except TwilioAway as error:
        return _twilio_away(error)
    except TwilioError as error:
        return Attempt(Result.REFUSED, str(error))
    took = f"Twilio took it ({sent.status})."
    return Attempt(Result.SENT, "", 201, took, sid=sent.sid)


def _twilio_away(error: TwilioAway) -> Attempt:
    # An answer of Twilio's has no cause: it says that there are too many requests, or
    # that something is broken.
    had_no_line = isinstance(
        error.__cause__, httpx.ConnectError | httpx.ConnectTimeout | httpx.InvalidURL
    )
    if error.__cause__ is None or had_no_line:
        return Attempt(Result.LATER, str(error))
    return Attempt(Result.UNKNOWN, f"Twilio did not answer. {NO_ANSWER}")
