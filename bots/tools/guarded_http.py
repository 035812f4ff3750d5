"""HTTP requests to servers that operators name, and never to our own network.

A tool's address can come from a model, so it could point inside (CWE-918, server-side
request forgery). The last check is made where a socket is created for one IP address:
it holds for names, numbers and redirects alike.
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
# Unpacked bytes that are read of an answer; the rest is not fetched.
MAX_ANSWER_BYTES = 64_000
REDIRECTS = frozenset({301, 302, 303, 307, 308})
USER_AGENT = "voicebot"
# The IPv6 addresses that the internet routes; others may only stand for IPv4 addresses.
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
NAT64 = ipaddress.ip_network("64:ff9b::/96")
# A host in the settings: with its port, or for all ports.
HOST = re.compile(r"(?:\[[0-9a-f:.]+\]|[\w-]+(?:\.[\w-]+)*)(?::[1-9]\d{0,4})?", re.I)
# The beginning of a URL, up to its path.
ORIGIN = re.compile(r"(?:[a-z][a-z\d+.-]*:)?//[^/?#]*", re.I)
# Characters that a path or query must escape; of %, those that begin no escape.
UNESCAPED = re.compile(r"%(?![\da-f]{2})|[^\w!$%&'()*+,./:;=?@~-]", re.I | re.A)

AddrInfo = tuple[Any, Any, int, str, tuple[Any, ...]]


NOT_PUBLIC = "Its host has no public address."
PRIVATE_HOST_HINT = (
    "If it is a server of your own network, name it in the setting "
    "TOOL_ALLOWED_PRIVATE_HOSTS and start this server again."
)
# The first that fits counts.
FAILURES: dict[type[Exception], str] = {
    aiohttp.ClientConnectorDNSError: "There is no host of that name.",
    aiohttp.ClientConnectorCertificateError: "Its certificate is not valid.",
    aiohttp.ClientSSLError: "It does not speak TLS.",
    aiohttp.ClientConnectorError: "Nothing answers at its address.",
    aiohttp.ClientPayloadError: "Its answer broke off, or could not be unpacked.",
    aiohttp.ServerDisconnectedError: "It hung up without an answer.",
    ConnectionError: "It hung up without an answer.",
}


class Unreachable(Exception):
    """There was no answer; the message says why and holds no secret."""


class Forbidden(Unreachable):
    """This server must not call the address."""


class _Private(OSError):
    """Not connected: the address is not public."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `seconds` limit all of it.

    With `follow_as_post`, a redirect that would drop the body is an error.
    """

    method: str
    url: str = field(repr=False)  # this and the next fields may hold secrets
    headers: Mapping[str, str] = field(repr=False)
    seconds: float
    query: Mapping[str, str] | None = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)
    follow_as_post: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; `text` is only its beginning if `is_cut`."""

    status: int
    text: str
    ms: int
    is_cut: bool = False

    @property
    def is_good(self) -> bool:
        """True if the status is a success."""
        return 200 <= self.status < 300

    @property
    def json(self) -> Any:
        """The answer's JSON; None if it is not JSON."""
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
        raise _in_words(error) from error
    return Answer(status, text, round((monotonic() - began) * 1000), is_cut)


async def _ask(request: Request) -> tuple[int, str, bool]:
    """Send over a connection of its own; proxies of the environment are ignored."""
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
    """Send, and follow redirects on the same host."""
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
            location = response.headers.get("Location", "")
            if response.status not in REDIRECTS or not location:
                return response.status, *await _read(response)
        target = response.url.join(_exact(location))
        if _origin(target) != _origin(url):
            raise Forbidden("It redirects to another host, which is not asked.")
        becomes_get = method == "POST" and response.status in (301, 302)
        if response.status == 303 or becomes_get:
            if request.follow_as_post:
                raise Unreachable("It redirects without taking what is sent.")
            method, body = "GET", None
        url, query = target, None
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
    """Raise `Forbidden` for an address whose host is not allowed."""
    try:
        url = URL(address)
    except ValueError as error:
        raise Forbidden("It is not an address.") from error
    host, port = _host_and_port(url)
    if url.scheme not in ("http", "https") or not host:
        raise Forbidden("Only addresses with http:// or https:// are called.")
    allowed = [*settings.TOOL_ALLOWED_HOSTS, *settings.TOOL_ALLOWED_PRIVATE_HOSTS]
    if settings.TOOL_ALLOWED_HOSTS and not _is_allowed(host, port, allowed):
        raise Forbidden(f"TOOL_ALLOWED_HOSTS does not name {host}.")


def refused_by_policy(address: str) -> str:
    """The reason why an address is never called; empty if it may be tried."""
    try:
        check(address)
    except Forbidden as error:
        return str(error)
    url = URL(address)
    if _may_be_private(url) or not _is_plainly_private(url.host or ""):
        return ""
    return f"{NOT_PUBLIC} {PRIVATE_HOST_HINT}"


def _is_plainly_private(host: str) -> bool:
    """True for a host that is private by its spelling, without asking DNS."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.lower().rstrip(".") == "localhost"
    return not is_public(host)


def is_public(address: str) -> bool:
    """True if the internet routes an IP address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip.ipv4_mapped:
            return is_public(str(ip.ipv4_mapped))
        if ip not in GLOBAL_UNICAST or ip.sixtofour or ip.teredo:
            return False
    return ip.is_global and not ip.is_multicast


def _sockets(url: URL) -> Callable[[AddrInfo], socket.socket]:
    """A factory of sockets that refuses private addresses, unless settings allow."""
    may_be_private = _may_be_private(url)

    def create(info: AddrInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        if not (may_be_private or is_public(str(address[0]))):
            raise _Private("not public")
        return socket.socket(family, kind, protocol)

    return create


def _may_be_private(url: URL) -> bool:
    return _is_allowed(*_host_and_port(url), settings.TOOL_ALLOWED_PRIVATE_HOSTS)


def _is_allowed(host: str, port: int, hosts: list[str]) -> bool:
    return bool({host, f"{host}:{port}"} & {allowed.lower() for allowed in hosts})


def _host_and_port(url: URL) -> tuple[str, int]:
    """Host and port as they are written in the settings."""
    host = (url.host or "").lower().rstrip(".")
    return f"[{host}]" if ":" in host else host, url.port or 0


def _exact(address: str) -> URL:
    """The URL of an address, its escapes sent as they are written.

    To many servers `;` begins a parameter of the path, while `%3B` is a character.
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


def _in_words(error: Exception) -> Unreachable:
    """The failure in words, without the address, which may hold a secret."""
    if isinstance(error.__cause__, _Private):
        return Forbidden(NOT_PUBLIC)
    for kind, words in FAILURES.items():
        if isinstance(error, kind):
            return Unreachable(words)
    return Unreachable(f"It could not be asked: {type(error).__name__}.")
