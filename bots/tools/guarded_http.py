"""Requests to other people's servers: only where operators said, never to ourselves.

Every socket is made for one address, which is looked at last of all, whichever way it
was come by: a name, a number, a redirect (CWE-918, server-side request forgery).
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import quote

import aiohttp
from django.conf import settings
from yarl import URL

from bots.config.text import clean, read_json

MAX_REDIRECTS = 3
# What is read of an answer, in bytes, unpacked; the rest is left with the server.
MAX_ANSWER_BYTES = 64_000
REDIRECTS = frozenset({301, 302, 303, 307, 308})
USER_AGENT = "voicebot"
# What the internet routes; of the rest of IPv6 only addresses that stand for IPv4 ones.
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
NAT64 = ipaddress.ip_network("64:ff9b::/96")
# A host as settings name it: with its port, or for all ports.
HOST = re.compile(r"(?:\[[0-9a-f:.]+\]|[\w-]+(?:\.[\w-]+)*)(?::[1-9]\d{0,4})?", re.I)
# The beginning of an address, up to its path.
ORIGIN = re.compile(r"(?:[a-z][a-z\d+.-]*:)?//[^/?#]*", re.I)
# What no path or query has as it is; of % what begins no escape.
UNESCAPED = re.compile(r"%(?![\da-f]{2})|[^\w!$%&'()*+,./:;=?@~-]", re.I | re.A)

AddrInfo = tuple[Any, Any, int, str, tuple[Any, ...]]


NOT_PUBLIC = "Its host has no public address."
EXCEPT_IT = (
    "If it is a server of your own network, name it in the setting TOOL_ALLOWED_PRIVATE_HOSTS "
    "and start this server again."
)


class Unreachable(Exception):
    """No answer could be had; says why, in words that hold no secret."""


class Forbidden(Unreachable):
    """The address is none that this server may call."""


class _Private(OSError):
    """Not connected: the address is not public."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to send, and for how long to wait in all (seconds).

    What `delivers` is not done before a server has taken the body.
    """

    method: str
    url: str = field(repr=False)  # this and what follows may hold secrets
    headers: Mapping[str, str] = field(repr=False)
    seconds: float
    query: Mapping[str, str] | None = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)
    follow_as_post: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `text` is the beginning of it where `is_cut`."""

    status: int
    text: str
    ms: int
    is_cut: bool = False

    @property
    def is_good(self) -> bool:
        """Whether the server says that it did what was asked."""
        return 200 <= self.status < 300

    @property
    def json(self) -> Any:
        """The answer's JSON; None where it is none."""
        return read_json(self.text)


async def fetch(request: Request) -> Answer:
    """Send a request and read its answer. Raises `Unreachable`."""
    began = monotonic()
    try:
        async with asyncio.timeout(request.seconds):
            status, text, is_cut = await _ask(request)
    except TimeoutError as error:
        raise Unreachable(f"No answer within {request.seconds:g} s.") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _named(error) from error
    return Answer(status, text, round((monotonic() - began) * 1000), is_cut)


async def _ask(request: Request) -> tuple[int, str, bool]:
    """Ask over a connection that is used for nothing else.

    Neither a proxy, a cookie nor a password of the environment has a part in it.
    """
    url = _exact(request.url)
    # aiohttp resolves names with aiodns, without threads: a DNS server that hangs
    # keeps nobody else waiting.
    connector = aiohttp.TCPConnector(
        socket_factory=_sockets(url),
        use_dns_cache=False,
        force_close=True,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        headers={"User-Agent": USER_AGENT},
    ) as session:
        return await _follow(session, request, url)


async def _follow(
    session: aiohttp.ClientSession, request: Request, url: URL
) -> tuple[int, str, bool]:
    """Send, and go where the answer leads on the same host."""
    check(request.url)
    method, body, query = request.method, request.body, request.query
    for _ in range(MAX_REDIRECTS + 1):
        async with session.request(
            method,
            url,
            params=query,
            data=body,
            headers=request.headers,
            allow_redirects=False,
        ) as response:
            place = response.headers.get("Location", "")
            if response.status not in REDIRECTS or not place:
                return response.status, *await _read(response)
        onward = response.url.join(_exact(place))
        if _origin(onward) != _origin(url):
            raise Forbidden("It redirects to another host, which is not asked.")
        is_done = method == "POST" and response.status in (301, 302)
        if response.status == 303 or is_done:
            if request.follow_as_post:
                raise Unreachable("It redirects without taking what is sent.")
            method, body = "GET", None
        url, query = onward, None
    raise Unreachable(f"It redirects more than {MAX_REDIRECTS} times.")


async def _read(response: aiohttp.ClientResponse) -> tuple[str, bool]:
    read = bytearray()
    async for chunk in response.content.iter_any():
        read += chunk
        if len(read) > MAX_ANSWER_BYTES:
            break
    text = bytes(read[:MAX_ANSWER_BYTES]).decode(errors="replace")
    return clean(text), len(read) > MAX_ANSWER_BYTES


def check(address: str) -> None:
    """Refuse an address that is not of an allowed host. Raises `Forbidden`."""
    try:
        url = URL(address)
    except ValueError as error:
        raise Forbidden("It is not an address.") from error
    host, port = _place(url)
    if url.scheme not in ("http", "https") or not host:
        raise Forbidden("Only addresses with http:// or https:// are called.")
    allowed = [*settings.TOOL_ALLOWED_HOSTS, *settings.TOOL_ALLOWED_PRIVATE_HOSTS]
    if settings.TOOL_ALLOWED_HOSTS and not _is_allowed(host, port, allowed):
        raise Forbidden(f"TOOL_ALLOWED_HOSTS does not name {host}.")


def refused_by_policy(address: str) -> str:
    """Why no request to an address is ever made; empty where one has to be tried."""
    try:
        check(address)
    except Forbidden as error:
        return str(error)
    url = URL(address)
    excepted = _is_allowed(*_place(url), settings.TOOL_ALLOWED_PRIVATE_HOSTS)
    if excepted or not _is_plainly_private(url.host or ""):
        return ""
    return f"{NOT_PUBLIC} {EXCEPT_IT}"


def _is_plainly_private(host: str) -> bool:
    """Whether a host is not public by what is written, without asking for its name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.lower().rstrip(".") == "localhost"
    return not is_public(host)


def is_public(address: str) -> bool:
    """Whether an IP address is one that the whole internet could reach."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found in NAT64:
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
        if found.ipv4_mapped:
            return is_public(str(found.ipv4_mapped))
        if found not in GLOBAL_UNICAST or found.sixtofour or found.teredo:
            return False
    return found.is_global and not found.is_multicast


def _sockets(url: URL) -> Callable[[AddrInfo], socket.socket]:
    """What makes the sockets for a host: to public addresses, or where excepted."""
    excepted = _is_allowed(*_place(url), settings.TOOL_ALLOWED_PRIVATE_HOSTS)

    def made(found: AddrInfo) -> socket.socket:
        family, kind, protocol, _, address = found
        if not (excepted or is_public(str(address[0]))):
            raise _Private("not public")
        return socket.socket(family, kind, protocol)

    return made


def _is_allowed(host: str, port: int, hosts: list[str]) -> bool:
    return bool({host, f"{host}:{port}"} & {each.lower() for each in hosts})


def _place(url: URL) -> tuple[str, int]:
    """Host and port as settings name them."""
    host = (url.host or "").lower().rstrip(".")
    return f"[{host}]" if ":" in host else host, url.port or 0


def _exact(address: str) -> URL:
    """An address whose escapes go out as they are.

    To many servers `;` begins a parameter of the path, and `%3B` is only a sign.
    """
    plain = URL(address)
    rest = ORIGIN.sub("", address, count=1) if plain.raw_authority else address
    rest = UNESCAPED.sub(lambda found: quote(found[0], safe=""), rest.split("#")[0])
    path, _, query = rest.partition("?")
    return URL.build(
        scheme=plain.scheme,
        authority=plain.raw_authority,
        path=path or ("/" if plain.raw_authority else ""),
        query_string=query,
        encoded=True,
    )


def _origin(url: URL) -> tuple[object, ...]:
    return url.scheme, url.raw_host, url.port, url.raw_user, url.raw_password


def _named(error: Exception) -> Unreachable:
    """Any failure in words; never with the address, which may hold a secret."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return Unreachable("There is no host of that name.")
        case aiohttp.ClientConnectorCertificateError():
            return Unreachable("Its certificate is not valid.")
        case aiohttp.ClientSSLError():
            return Unreachable("It does not speak TLS.")
        case aiohttp.ClientConnectorError(__cause__=_Private()):
            return Forbidden(NOT_PUBLIC)
        case aiohttp.ClientConnectorError():
            return Unreachable("Nothing answers at its address.")
        case aiohttp.ClientPayloadError():
            return Unreachable("Its answer broke off, or could not be unpacked.")
        case aiohttp.ServerDisconnectedError() | ConnectionError():
            return Unreachable("It hung up without an answer.")
    return Unreachable(f"It could not be asked: {type(error).__name__}.")
