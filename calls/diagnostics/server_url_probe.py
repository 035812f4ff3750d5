"""Checks that SERVER_URL leads to this deployment, with requests like Twilio's."""

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
from twilio.request_validator import (
    HMAC_SHA256,
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
)
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

from bots.audio.wav import wav
from bots.responses import PAGE_SECONDS
from bots.tls import trusted_certificates
from calls.checks import NO_ORIGIN, is_loopback, server_url_is_an_origin
from calls.clips.clip_store import clip_url
from calls.clips.signed_ids import new_clip_id
from calls.diagnostics import response_checks
from calls.diagnostics.findings import Finding, failure, ok
from calls.diagnostics.response_checks import (
    ADDRESS,
    CLIP,
    SOCKET,
    WEBHOOK,
    HttpAnswer,
)
from calls.public_urls import public_url, socket_url
from calls.speech.audio import silence
from calls.twilio.relay_tokens import new_nonce, relay_token

# For each request; Twilio waits fifteen for a response.
TIMEOUT_SECONDS = PAGE_SECONDS / 3  # of each of three steps
MAX_BYTES = 64 * 1024
SILENCE = silence(seconds=0.1)
START = "Start the server (make run)."


@dataclass(frozen=True, slots=True)
class Sample:
    """A clip to be stored before the check and fetched by it."""

    id: str = field(default_factory=new_clip_id)
    wav: bytes = field(default_factory=lambda: wav(SILENCE.data, SILENCE.sample_rate))


class Unreachable(Exception):
    """No response from the address; the text says what to do."""


def check(sample: Sample | None) -> list[Finding]:
    """Send a signed callback, a clip's download and a WebSocket through SERVER_URL.

    For a thread without a running loop, beside the server or in another process.
    `sample` is in the server's clip store; None leaves the clip out.
    """
    return asyncio.run(_check(sample))


async def _check(sample: Sample | None) -> list[Finding]:
    if problem := _unusable_address():
        return [failure(ADDRESS, problem)]
    address = _address()
    async with httpx.AsyncClient(
        timeout=TIMEOUT_SECONDS, verify=trusted_certificates()
    ) as http:
        try:
            webhook = await _webhook(http)
            signed = (_shared_key(http, *key) for key in _shared_keys())
            keys = await asyncio.gather(*signed)
        except Unreachable as error:
            others = [CLIP, SOCKET] if sample else [SOCKET]
            not_checked = (failure(name, "Not checked.") for name in others)
            return [address, failure(WEBHOOK, str(error)), *not_checked]
        clip = [_clip(http, sample)] if sample else []
        findings = await asyncio.gather(*clip, _socket())
    return [address, webhook, *keys, *findings]


def _unusable_address() -> str:
    """Why no request can be sent to SERVER_URL; empty if one can."""
    errors = (check for check in server_url_is_an_origin() if check.id in NO_ORIGIN)
    return " ".join(f"{check.msg} {check.hint}" for check in errors)


def _address() -> Finding:
    url = settings.SERVER_URL
    if is_loopback(settings.SERVER_HOST):
        problem = f"Twilio cannot reach {url}, only this machine can."
    elif urlsplit(url).scheme != "https":
        problem = f"{url} is not https, which Twilio needs for calls."
    else:
        return ok(ADDRESS, f"{url} is a public https address.")
    return failure(
        ADDRESS, problem, "Set SERVER_URL to the address of your tunnel or domain."
    )


async def _webhook(http: httpx.AsyncClient) -> Finding:
    answer = await _callback(http)
    return response_checks.webhook(answer, settings.TWILIO_AUTH_TOKENS)


def _shared_keys() -> list[tuple[str, str]]:
    return sorted(settings.TWILIO_SHARED_KEYS.items())


async def _shared_key(http: httpx.AsyncClient, key: str, secret: str) -> Finding:
    return response_checks.shared_key(await _callback(http, key, secret), key)


async def _callback(
    http: httpx.AsyncClient, key: str = "", secret: str = ""
) -> HttpAnswer:
    """The answer to a callback signed with our auth token, or with a shared key."""
    url = public_url(reverse("voice-status"))
    # No call has this SID and the status does not end a call: nothing happens.
    form = {"CallSid": f"CA{token_hex(16)}", "CallStatus": "queued"}
    request = http.build_request("POST", url, data=form)
    if key:
        request.headers[SIGNATURE_HEADER] = RequestValidator(secret).compute_signature(
            url, form, HMAC_SHA256
        )
        used = f"key={key},algorithm={HMAC_SHA256}"
        request.headers[SIGNATURE_SETTINGS_HEADER] = used
    else:
        request.headers[SIGNATURE_HEADER] = _signature(url, form)
    return await _send(http, request)


async def _clip(http: httpx.AsyncClient, sample: Sample) -> Finding:
    try:
        answer = await _send(http, http.build_request("GET", clip_url(sample.id)))
    except Unreachable as error:
        return failure(CLIP, str(error))
    return response_checks.clip(answer, sample.wav)


async def _socket() -> Finding:
    """Open a WebSocket for a call that does not exist: only this server refuses it."""
    path = reverse(
        "conversation",
        args=[relay_token(f"CA{token_hex(16)}", new_nonce())],
        urlconf="calls.routing",
    )
    url = socket_url(path)
    headers = {SIGNATURE_HEADER: _signature(url, {})}
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
        return failure(SOCKET, _reason(error))
    return response_checks.socket(answer)


def _signature(url: str, form: dict[str, str]) -> str:
    tokens = settings.TWILIO_AUTH_TOKENS
    if not tokens:
        return ""
    return str(RequestValidator(tokens[0]).compute_signature(url, form))


async def _send(http: httpx.AsyncClient, request: httpx.Request) -> HttpAnswer:
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
        raise Unreachable(_reason(error)) from error
    return HttpAnswer(response.status_code, response.headers, body)


def _reason(error: BaseException) -> str:
    host = settings.SERVER_HOST
    for cause in _causes(error):
        match cause:
            case gaierror():
                return (
                    f"{host} is not a name that DNS knows. Check SERVER_URL for a "
                    "typing error; a new name may take some minutes."
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
            for member in error.exceptions:
                yield from _causes(member)
        error = error.__cause__ or error.__context__
