"""Ways to get in without being let in: forged webhooks and handshakes, guessed clips.

    python -m tests.bench.forgery    prints a table

All are played against a server with a call in progress and another one ringing. Where a
forger could know something real (a signature that was seen, a token), it is used.
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
SIGNER, STRANGER = RequestValidator(AUTH_TOKEN), RequestValidator("another-token")
PATHS = ("/voice", "/voice/action", "/voice/status")
FORM = {"CallSid": "CA" + "f0" * 16, "From": "+15005550001", "To": "+15005550006"}
SOCKETS = PUBLIC_URL.replace("https", "wss")
SALT = "voicebot.relay"


@dataclass(frozen=True, slots=True)
class Request:
    """A webhook that the carrier did not send."""

    path: str
    headers: dict[str, str | bytes] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=lambda: dict(FORM))
    method: str = "POST"
    kind: str = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of a kind were tried, and how many got through."""

    kind: str
    tried: int
    accepted: int


def signature(path: str, form: dict[str, str] | None = None, **other: Any) -> str:
    """What the carrier would sign, or something like it."""
    signer = other.get("signer", SIGNER)
    url = other.get("origin", PUBLIC_URL) + path
    signed: str = signer.compute_signature(url, FORM if form is None else form)
    return signed


def signed(path: str, value: str | bytes, **changes: Any) -> Request:
    """A request with this as its signature."""
    return Request(path, {"X-Twilio-Signature": value}, **changes)


def webhooks() -> list[Request]:
    """Fifty webhooks with no, wrong, borrowed or mutilated signatures."""
    found = [request for path in PATHS for request in _webhooks(path)]
    found += [signed(f"{path}?CallSid=CA1", signature(path)) for path in PATHS]
    assert len(found) >= WEBHOOKS, len(found)
    return found[:WEBHOOKS]


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
    """Fifty handshakes, each a path and a signature; two tokens are real."""
    found = [*_unsigned(unused), *_untokened(unused, used)]
    assert len(found) >= HANDSHAKES, len(found)
    return found[:HANDSHAKES]


def _unsigned(token: str) -> Iterator[tuple[str, str | None]]:
    """A good token with what is not the carrier's word."""
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


def _untokened(unused: str, used: str) -> Iterator[tuple[str, str]]:
    """The carrier's word for tokens that are none, or no longer."""
    body, _, rest = unused.partition(".")
    call_sid, nonce = _Late().unsign_object(unused)
    forged = [
        *(used, "", "x", ".", "..", "0" * 64, unused[:-1], f"{unused}A", unused[1:]),
        *(f"{body[:-2]}AA.{rest}", f"{body}.{rest[::-1]}", unused.swapcase()),
        *(body, f"{body}.", f"{body}..", f"{unused}%00", f"{unused}.{unused}"),
        _Late(key="another-secret-key-that-somebody-made-up").made(call_sid, nonce),
        *(_Late(salt=salt).made(call_sid, nonce) for salt in ("voicebot.talk", "x")),
        *(_Late().made(call_sid, wrong) for wrong in ("", "nonce", nonce[:-1], "None")),
        _Late(seconds=301).made(call_sid, nonce),
        *(_Late().made(sid, nonce) for sid in ("", "CA" + "0" * 32, "%", call_sid * 9)),
    ]
    for token in forged:
        path = f"/conversation/{token}"
        yield path, signature(path, {}, origin=SOCKETS)
    for path in ("/", "/conversation", f"//conversation/{unused}", f"/{unused}"):
        yield path, signature(path, {}, origin=SOCKETS)


class _Late(TimestampSigner):
    """A signer some seconds in the past."""

    def __init__(
        self, seconds: int = 0, salt: str = SALT, key: str | None = None
    ) -> None:
        super().__init__(key=key, sep=".", salt=salt)
        self.seconds = seconds

    def timestamp(self) -> str:
        return b62_encode(int(time()) - self.seconds)

    def made(self, call_sid: str, nonce: str) -> str:
        """The token of a call."""
        return self.sign_object([call_sid, nonce])


def probes(clip: str, seed: int = 1) -> list[str]:
    """Five hundred addresses that are nearly that of a clip, or tricks."""
    near = [
        clip[:place] + letter + clip[place + 1 :]
        for place in range(len(clip))
        for letter in ascii_letters.replace(clip[place], "")
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
    """Plays everything against one server."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.http = httpx.AsyncClient(base_url=server.url, timeout=10)

    async def all(self, unused: str, used: str, clip: str) -> list[Tally]:
        """Try each kind; `clip` is the address of one that lives."""
        sent = [await self.post(request) for request in webhooks()]
        opened = [await self.open(*each) for each in handshakes(unused, used)]
        paths = [f"/audio/{guess}" for guess in probes(clip.rsplit("/", 1)[1])]
        fetched = [await self.fetch(path) for path in paths]
        return [
            Tally("forged webhooks", len(sent), sum(sent)),
            Tally("forged handshakes", len(opened), sum(opened)),
            Tally("clip probes", len(fetched), sum(fetched)),
        ]

    async def post(self, request: Request) -> bool:
        """Whether a webhook was taken for the carrier's; an error of ours raises."""
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
        """Whether a socket was opened."""
        headers = {} if signed_as is None else {"X-Twilio-Signature": signed_as}
        address = self.server.url.replace("http", "ws") + path
        try:
            socket = await connect(address, additional_headers=headers, proxy=None)
        except (InvalidHandshake, InvalidMessage):
            return False
        await socket.close()
        return True

    async def fetch(self, path: str) -> bool:
        """Whether a guessed address had a clip."""
        answer = await self.http.get(path)
        assert answer.status_code < 500, (path, answer.status_code)
        return answer.is_success

    async def ring(self, call_sid: str) -> str:
        """Have a call ring as the carrier does; its token."""
        form = {**FORM, "CallSid": call_sid, "Direction": "inbound"}
        headers = {"X-Twilio-Signature": signature("/voice", form)}
        answer = await self.http.post("/voice", data=form, headers=headers)
        relay = ElementTree.fromstring(answer.text).find("Connect/ConversationRelay")
        assert relay is not None, answer.text
        return relay.attrib["url"].rsplit("/", 1)[1]


def token_of(call: SimulatedCall) -> str:
    """The token that opened a call's socket."""
    assert call._session
    return call._session.relay.url.rsplit("/", 1)[1]


async def _measure(server: LiveServer) -> list[Tally]:
    forger = Forger(server)
    line = Line(PUBLIC_URL, AUTH_TOKEN, connect_to=server.url, fast=True)
    async with forger.http, SimulatedCall(line) as call:
        (greeting, *_) = await call.reply()
        unused = await forger.ring("CA" + "ab" * 16)
        return await forger.all(unused, token_of(call), greeting.source)


def measured() -> list[Tally]:
    """Play everything against a server of our own."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    with sqlite() as database:
        own = {"DATABASE_URL": database, "INWORLD_API_KEY": "", "INWORLD_BASE_URL": ""}
        set_up(environment(**own), early_first_clause=False)
        with serving_afresh(**own) as server:
            return asyncio.run(_measure(server))


def main() -> None:
    """Print what was tried and what got through."""
    rows = [f"| {each.kind} | {each.tried} | {each.accepted} |" for each in measured()]
    table = ["| Attempt | Tried | Accepted |", "|---|---|---|", *rows]
    sys.stdout.write("\n".join([*table, ""]))


if __name__ == "__main__":
    main()
