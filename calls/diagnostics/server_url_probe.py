"""Whether SERVER_URL leads to this very deployment: asked the way the carrier asks."""

import asyncio
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from secrets import token_hex
from socket import gaierror
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.urls import reverse
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

from calls.checks import NO_ORIGIN, is_loopback, server_url_is_an_origin
from calls.diagnostics import response_verdicts
from calls.diagnostics.response_verdicts import HttpAnswer, ProbeResult
from calls.public_urls import public_url, socket_url
from calls.speech.audio import clip_file, silence
from calls.speech.clip_store import clip_url, new_clip_id
from calls.twilio.relay_tokens import new_nonce, relay_token

# For each question; the carrier waits fifteen for an answer.
TIMEOUT_SECONDS = 6.0
MAX_BYTES = 64 * 1024
SAMPLE_SECONDS = 0.1
ADDRESS, WEBHOOK, CLIP, SOCKET = "Address", "Webhook", "Clips", "Calls"
SIGNATURE = "X-Twilio-Signature"
START = "Start the server (make run)."


@dataclass(frozen=True, slots=True)
class Sample:
    """A clip to be stored before the check and fetched by it."""

    id: str = field(default_factory=new_clip_id)
    wav: bytes = field(
        default_factory=lambda: clip_file(
            silence(SAMPLE_SECONDS, settings.CLIP_SAMPLE_RATE)
        )
    )


class Unreachable(Exception):
    """Nothing answers at the address; the text says what to do."""


def check(sample: Sample | None) -> list[ProbeResult]:
    """Ask for a signed callback, a clip and a socket through SERVER_URL.

    For a thread without a running loop, beside the server or in another process.
    `sample` is in the server's clip store; None leaves the clip out.
    """
    return asyncio.run(_check(sample))


async def _check(sample: Sample | None) -> list[ProbeResult]:
    if unreadable := _unreadable():
        return [ProbeResult(ADDRESS, False, unreadable)]
    address = _address()
    others = [CLIP, SOCKET] if sample else [SOCKET]
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
        try:
            webhook = await _webhook(http)
        except Unreachable as error:
            not_tried = (ProbeResult(name, False, "Not tried.") for name in others)
            return [address, ProbeResult(WEBHOOK, False, str(error)), *not_tried]
        questions = [_clip(http, sample)] if sample else []
        found = await asyncio.gather(*questions, _socket())
    return [address, webhook, *found]


def _unreadable() -> str:
    """What is wrong with SERVER_URL so that nothing can be asked there."""
    found = (check for check in server_url_is_an_origin() if check.id in NO_ORIGIN)
    return " ".join(f"{check.msg} {check.hint}" for check in found)


def _address() -> ProbeResult:
    url = settings.SERVER_URL
    if is_loopback(settings.SERVER_HOST):
        words = f"Twilio cannot reach {url}, only this machine can."
    elif urlsplit(url).scheme != "https":
        words = f"{url} is not https, which Twilio needs for calls."
    else:
        return ProbeResult(ADDRESS, True, f"{url} is a public https address.")
    return ProbeResult(
        ADDRESS, False, f"{words} Set SERVER_URL to your tunnel's or domain."
    )


async def _webhook(http: httpx.AsyncClient) -> ProbeResult:
    url = public_url(reverse("voice-status"))
    # No call has this SID and the status is none that ends one: nothing happens.
    form = {"CallSid": f"CA{token_hex(16)}", "CallStatus": "queued"}
    request = http.build_request("POST", url, data=form)
    request.headers[SIGNATURE] = _signature(url, form)
    answer = await _answer(http, request)
    return ProbeResult(
        WEBHOOK, *response_verdicts.webhook(answer, settings.TWILIO_AUTH_TOKENS)
    )


async def _clip(http: httpx.AsyncClient, sample: Sample) -> ProbeResult:
    try:
        answer = await _answer(http, http.build_request("GET", clip_url(sample.id)))
    except Unreachable as error:
        return ProbeResult(CLIP, False, str(error))
    return ProbeResult(CLIP, *response_verdicts.clip(answer, sample.wav))


async def _socket() -> ProbeResult:
    """Knock for a call that does not exist: our server says no, others say other."""
    path = reverse(
        "conversation",
        args=[relay_token(f"CA{token_hex(16)}", new_nonce())],
        urlconf="calls.routing",
    )
    url = socket_url(path)
    headers = {SIGNATURE: _signature(url, {})}
    try:
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            connect(url, additional_headers=headers, open_timeout=None),
        ):
            answer = HttpAnswer(101)
    except InvalidStatus as error:
        response = error.response
        answer = HttpAnswer(
            response.status_code, response.headers, bytes(response.body)
        )
    except (InvalidHandshake, OSError) as error:
        return ProbeResult(SOCKET, False, _why(error))
    return ProbeResult(SOCKET, *response_verdicts.socket(answer))


def _signature(url: str, form: dict[str, str]) -> str:
    tokens = settings.TWILIO_AUTH_TOKENS
    if not tokens:
        return ""
    return str(RequestValidator(tokens[0]).compute_signature(url, form))


async def _answer(http: httpx.AsyncClient, request: httpx.Request) -> HttpAnswer:
    body = b""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            response = await http.send(request, stream=True)
            try:
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_BYTES:
                        break
            finally:
                await response.aclose()
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise Unreachable(_why(error)) from error
    return HttpAnswer(response.status_code, response.headers, body)


def _why(error: BaseException) -> str:
    host = settings.SERVER_HOST
    for cause in _causes(error):
        match cause:
            case gaierror():
                return (
                    f"{host} is no name that DNS knows. Check SERVER_URL for a typing "
                    "error; a new name may take some minutes."
                )
            case ssl.SSLCertVerificationError():
                return (
                    f"{host} has no valid certificate ({cause.verify_message}), so "
                    "Twilio hangs up. Put a trusted one on the proxy or tunnel."
                )
            case ssl.SSLError():
                return f"{host} does not speak TLS on this port. Check SERVER_URL."
            case TimeoutError() | httpx.TimeoutException():
                return (
                    f"{host} does not answer within {TIMEOUT_SECONDS:g} seconds. Is "
                    "the tunnel running, and does a firewall let requests in?"
                )
            case ConnectionRefusedError() if is_loopback(host):
                return f"Nothing listens at {settings.SERVER_URL}. {START}"
            case ConnectionRefusedError():
                return f"Nothing listens at {host}. Start the tunnel or the proxy."
    return f"{host} cannot be reached: {error or type(error).__name__}."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _causes(each)
        error = error.__cause__ or error.__context__
