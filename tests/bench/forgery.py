"""Attempts to get in without permission: forged webhooks and handshakes, guessed clips.

    python -m tests.bench.forgery    prints a table

All run against a server with one call in progress and another one ringing. Attempts
use real values that a forger could know, such as an observed signature or a token.
"""

import asyncio
import os
import random
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from string import ascii_letters
from time import time
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

import django
import httpx
from django.core.signing import TimestampSigner, b62_encode
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidMessage

from calls.simulator.call import SimulatedCall
from calls.simulator.line import Line
from tests.bench.services import set_up, sqlite
from tests.support.live import (
    AUTH_TOKEN,
    PUBLIC_URL,
    LiveServer,
    environment,
    serving_afresh,
)

WEBHOOKS, HANDSHAKES, PROBES = 50, 50, 500
TWILIO, STRANGER = RequestValidator(AUTH_TOKEN), RequestValidator("another-token")
PATHS = ("/voice", "/voice/action", "/voice/status")
FORM = {"CallSid": "CA" + "f0" * 16, "From": "+15005550001", "To": "+15005550006"}
SOCKETS = PUBLIC_URL.replace("https", "wss")
SALT = "voicebot.relay"


@dataclass(frozen=True, slots=True)
class Request:
    """A webhook that Twilio did not send."""

    path: str
    headers: dict[str, str | bytes] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=lambda: dict(FORM))
    method: str = "POST"
    kind: str = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Attempts:
    """The number of attempts of one kind, and of those that were accepted."""

    kind: str
    tried: int
    accepted: int


def signature(path: str, form: dict[str, str] | None = None, **other: Any) -> str:
    """Return Twilio's signature, or one with other values."""
    signer = other.get("signer", TWILIO)
    url = other.get("origin", PUBLIC_URL) + path
    signed: str = signer.compute_signature(url, FORM if form is None else form)
    return signed


def signed(path: str, value: str | bytes, **changes: Any) -> Request:
    """Return a request with this signature."""
    return Request(path, {"X-Twilio-Signature": value}, **changes)


def webhooks() -> list[Request]:
    """Return fifty webhooks with no, wrong, copied or mutilated signatures."""
    attempts = [request for path in PATHS for request in _webhooks(path)]
    attempts += [signed(f"{path}?CallSid=CA1", signature(path)) for path in PATHS]
    assert len(attempts) >= WEBHOOKS, len(attempts)
    return attempts[:WEBHOOKS]


def _webhooks(path: str) -> Iterator[Request]:
    good, other = signature(path), {**FORM, "From": "+19005550000"}
    yield Request(path)
    yield signed(path, "")
    yield signed(path, secrets.token_urlsafe(20))
    yield signed(path, signature(path, signer=STRANGER))
    yield signed(path, signature(path, signer=RequestValidator("")))
    yield signed(path, good, form=other)
    yield signed(path, good, form={**FORM, "Digits": "1"})
    yield signed(path, good, form={"CallSid": FORM["CallSid"]})
    yield signed(path, signature(path, {}))
    yield signed(path, signature("/elsewhere"))
    yield signed(path, signature(path, origin="http://bot.example.com"))
    yield signed(path, good.swapcase())
    yield signed(path, good[:-1])
    yield signed(path, good * 500)
    yield signed(path, b"\xff\xfe\xe9")
    yield signed(path, good, kind="application/json")
    yield signed(f"{path}?X-Twilio-Signature={good[:-1]}", "")


def handshakes(unused: str, used: str) -> list[tuple[str, str | None]]:
    """Return fifty handshakes, each a path and a signature; two tokens are real."""
    attempts = [*_with_bad_signatures(unused), *_with_bad_tokens(unused, used)]
    assert len(attempts) >= HANDSHAKES, len(attempts)
    return attempts[:HANDSHAKES]


def _with_bad_signatures(token: str) -> Iterator[tuple[str, str | None]]:
    """Yield a valid token with signatures that are not Twilio's."""
    path = f"/conversation/{token}"
    good = signature(path, {}, origin=SOCKETS)
    yield path, None
    origins = ("https://bot.example.com", "ws://bot.example.com", "wss://evil.example")
    for origin in origins:
        yield path, signature(path, {}, origin=origin)
    for elsewhere in (f"{path}/", f"{path}?a=b", "/voice", "", path.upper()):
        yield path, signature(elsewhere, {}, origin=SOCKETS)
    for form in ({"CallSid": "CA1"}, FORM):
        yield path, signature(path, form, origin=SOCKETS)
    for key in ("", "another-token", AUTH_TOKEN[:-1], AUTH_TOKEN.upper(), token):
        yield path, signature(path, {}, origin=SOCKETS, signer=RequestValidator(key))
    for mutilated in (good[:-1], good.swapcase(), good * 2, "=", "\\", good[::-1]):
        yield path, mutilated


def _with_bad_tokens(unused: str, used: str) -> Iterator[tuple[str, str]]:
    """Yield Twilio's signature for tokens that are invalid or used."""
    body, _, rest = unused.partition(".")
    call_sid, nonce = _BackdatedSigner().unsign_object(unused)
    forged = [
        *(used, "", "x", ".", "..", "0" * 64, unused[:-1], f"{unused}A", unused[1:]),
        *(f"{body[:-2]}AA.{rest}", f"{body}.{rest[::-1]}", unused.swapcase()),
        *(body, f"{body}.", f"{body}..", f"{unused}%00", f"{unused}.{unused}"),
        _BackdatedSigner(key="another-secret-key-that-somebody-made-up").token(
            call_sid, nonce
        ),
        *(
            _BackdatedSigner(salt=salt).token(call_sid, nonce)
            for salt in ("voicebot.talk", "x")
        ),
        *(
            _BackdatedSigner().token(call_sid, wrong)
            for wrong in ("", "nonce", nonce[:-1], "None")
        ),
        _BackdatedSigner(seconds=301).token(call_sid, nonce),
        *(
            _BackdatedSigner().token(sid, nonce)
            for sid in ("", "CA" + "0" * 32, "%", call_sid * 9)
        ),
    ]
    for token in forged:
        path = f"/conversation/{token}"
        yield path, signature(path, {}, origin=SOCKETS)
    for path in ("/", "/conversation", f"//conversation/{unused}", f"/{unused}"):
        yield path, signature(path, {}, origin=SOCKETS)


class _BackdatedSigner(TimestampSigner):
    """A signer whose tokens are some seconds old."""

    def __init__(
        self, seconds: int = 0, salt: str = SALT, key: str | None = None
    ) -> None:
        super().__init__(key=key, sep=".", salt=salt)
        self.seconds = seconds

    def timestamp(self) -> str:
        return b62_encode(int(time()) - self.seconds)

    def token(self, call_sid: str, nonce: str) -> str:
        """Return the token of a call."""
        return self.sign_object([call_sid, nonce])


def probes(clip: str, seed: int = 1) -> list[str]:
    """Return five hundred guesses: similar to the address of a clip, or tricks."""
    near = [
        clip[:index] + letter + clip[index + 1 :]
        for index in range(len(clip))
        for letter in ascii_letters.replace(clip[index], "")
    ]
    random.Random(seed).shuffle(near)
    tricks = [
        *(clip[:-1], f"{clip}/", f"{clip}.wav", f"{clip}%00", clip.swapcase(), ""),
        *("*", "?" * len(clip), f"{clip[:-1]}*", "[a-z]*", "voicebot:clip:*", ".."),
        *(f"voicebot:clip:{clip}", f"..%2Faudio%2F{clip}", "%2e%2e/admin/", "..;/"),
        *("../../etc/passwd", "..%2F..%2Fdb.sqlite3", "%00", "\u202e", "a" * 8000),
    ]
    guesses = [secrets.token_urlsafe(24) for _ in range(200)]
    return [*tricks, *guesses, *near][:PROBES]


class Forger:
    """Runs all attempts against one server."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.http = httpx.AsyncClient(base_url=server.url, timeout=10)

    async def all(self, unused: str, used: str, clip: str) -> list[Attempts]:
        """Run the attempts of each kind; `clip` is the address of a stored clip."""
        sent = [await self.post(request) for request in webhooks()]
        opened = [await self.open(*handshake) for handshake in handshakes(unused, used)]
        paths = [f"/audio/{guess}" for guess in probes(clip.rsplit("/", 1)[1])]
        fetched = [await self.fetch(path) for path in paths]
        return [
            Attempts("forged webhooks", len(sent), sum(sent)),
            Attempts("forged handshakes", len(opened), sum(opened)),
            Attempts("clip probes", len(fetched), sum(fetched)),
        ]

    async def post(self, request: Request) -> bool:
        """True when a webhook is accepted as Twilio's; a status of 5xx raises."""
        headers: dict[Any, Any] = {**request.headers, "Content-Type": request.kind}
        answer = await self.http.request(
            request.method,
            request.path,
            content=urlencode(request.form),
            headers={"Host": urlsplit(PUBLIC_URL).netloc, **headers},
        )
        assert answer.status_code < 500, (request, answer.status_code)
        return answer.is_success

    async def open(self, path: str, signed_as: str | None) -> bool:
        """True when the server opens the socket."""
        headers = {} if signed_as is None else {"X-Twilio-Signature": signed_as}
        address = self.server.url.replace("http", "ws") + path
        try:
            socket = await connect(address, additional_headers=headers, proxy=None)
        except (InvalidHandshake, InvalidMessage):
            return False
        await socket.close()
        return True

    async def fetch(self, path: str) -> bool:
        """True when a guessed address has a clip."""
        answer = await self.http.get(path)
        assert answer.status_code < 500, (path, answer.status_code)
        return answer.is_success

    async def ring(self, call_sid: str) -> str:
        """Report a new call as Twilio does; return its token."""
        form = {**FORM, "CallSid": call_sid, "Direction": "inbound"}
        headers = {"X-Twilio-Signature": signature("/voice", form)}
        answer = await self.http.post("/voice", data=form, headers=headers)
        relay = ElementTree.fromstring(answer.text).find("Connect/ConversationRelay")
        assert relay is not None, answer.text
        return relay.attrib["url"].rsplit("/", 1)[1]


def token_of(call: SimulatedCall) -> str:
    """Return the token that opened a call's socket."""
    assert call._session
    return call._session.relay.url.rsplit("/", 1)[1]


async def _measure(server: LiveServer) -> list[Attempts]:
    forger = Forger(server)
    line = Line(PUBLIC_URL, AUTH_TOKEN, connect_to=server.url, fast=True)
    async with forger.http, SimulatedCall(line) as call:
        (greeting, *_) = await call.reply()
        unused = await forger.ring("CA" + "ab" * 16)
        return await forger.all(unused, token_of(call), greeting.source)


def measured() -> list[Attempts]:
    """Start a server and run all attempts against it."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    with sqlite() as database:
        own = {"DATABASE_URL": database, "INWORLD_API_KEY": "", "INWORLD_BASE_URL": ""}
        set_up(environment(**own))
        with serving_afresh(**own) as server:
            return asyncio.run(_measure(server))


def main() -> None:
    """Print the numbers of attempts and of accepted ones."""
    rows = [f"| {a.kind} | {a.tried} | {a.accepted} |" for a in measured()]
    table = ["| Attempt | Tried | Accepted |", "|---|---|---|", *rows]
    sys.stdout.write("\n".join([*table, ""]))


if __name__ == "__main__":
    main()
