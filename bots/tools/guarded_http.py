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
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any
from urllib.parse import quote

import aiohttp
from django.conf import settings
from yarl import URL

from bots.config.text import clean, read_json
from bots.tools.answer_text import decoded
from bots.tools.redirects import REDIRECTS, Hop, NotFollowed, next_hop

MAX_REDIRECTS = 3
# Unpacked bytes that are read of an answer; the rest is not fetched.
MAX_ANSWER_BYTES = 64_000
MAX_HEADER_LENGTH = 40
USER_AGENT = "voicebot"
# The IPv6 addresses that the internet routes; others may only stand for IPv4 addresses.
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
NAT64 = ipaddress.ip_network("64:ff9b::/96")
# The ranges that Python counts as public, or did until 3.13, and that reach services of
# the network or of the cloud that this server runs in.
NOT_PUBLIC_RANGES = [
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # Azure's service for its virtual machines
        "161.26.0.0/16",  # services inside IBM Cloud
        "166.8.0.0/14",
        "192.0.0.0/24",  # protocols of the IETF, and Oracle's service (192.0.0.192)
        "192.88.99.0/24",  # relays from IPv6 to IPv4
        "2001::/23",  # protocols of the IETF
        "3fff::/20",  # documentation
    )
]
# A host in the settings: with its port, or for all ports.
HOST = re.compile(r"(?:\[[0-9a-f:.]+\]|[\w-]+(?:\.[\w-]+)*)(?::[1-9]\d{0,4})?", re.I)
# The beginning of a URL, up to its path.
ORIGIN = re.compile(r"(?:[a-z][a-z\d+.-]*:)?//[^/?#]*", re.I)
# The beginning of a web page, and of what was declared to be one.
PAGE = re.compile(r"\s*<(?:!doctype\s+html|html)\b", re.I)
MARKUP = re.compile(r"\s*<")
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


class Misdirected(Unreachable):
    """It redirects to an address that is not asked, so no attempt can succeed."""


class AnswerLost(Misdirected):
    """It may have done its work, but its answer is elsewhere and cannot be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason} It may have done its work all the same.")


class _Private(OSError):
    """Not connected: the address is not public."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `seconds` limit all of it."""

    method: str
    url: str = field(repr=False)  # this and the next fields may hold secrets
    headers: Mapping[str, str] = field(repr=False)
    seconds: float
    query: Mapping[str, str] | None = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; `text` is only its beginning if `is_cut`.

    `is_page` if it is HTML; `was_elsewhere` if a redirect after the work led to it.
    `retry_after` is the header of that name, which may ask for a pause.
    """

    status: int
    text: str
    ms: int
    is_cut: bool = False
    is_page: bool = False
    was_elsewhere: bool = False
    retry_after: str = ""

    @property
    def is_good(self) -> bool:
        """True if the status is a success."""
        return 200 <= self.status < 300

    @property
    def json(self) -> Any:
        """The answer's JSON; None if it is not JSON."""
        return read_json(self.text)

    @property
    def has_values(self) -> bool:
        """True if the text is a JSON object or list, or stands for nothing."""
        text = self.text.strip()
        return text in ("", "null") or isinstance(self.json, dict | list)


async def fetch(request: Request) -> Answer:
    """Send a request, follow redirects, and read the answer. Raises `Unreachable`."""
    began = monotonic()
    hops: list[Hop] = []
    try:
        async with asyncio.timeout(request.seconds):
            answer = await _follow(request, hops)
    except (aiohttp.ClientError, OSError, ValueError, Unreachable) as error:
        raise _failure(error, request.seconds, hops) from error
    return replace(answer, ms=round((monotonic() - began) * 1000))


async def _follow(request: Request, hops: list[Hop]) -> Answer:
    """Send, and follow redirects; `hops` get each request before it is sent."""
    check(request.url)
    url = _exact(request.url)
    next_ = Hop(request.method, url, request.headers, request.query, request.body)
    while len(hops) <= MAX_REDIRECTS:
        hops.append(next_)
        found = await _send(next_)
        if isinstance(found, Answer):
            return found
        next_ = found
    raise Misdirected(f"It redirects more than {MAX_REDIRECTS} times.")


async def _send(hop: Hop) -> Answer | Hop:
    """Send over a connection of its own; proxies of the environment are ignored."""
    # aiohttp resolves names with aiodns, without threads: a DNS server that hangs
    # keeps nobody else waiting.
    connector = aiohttp.TCPConnector(
        socket_factory=_sockets(hop.url),
        use_dns_cache=False,
        force_close=True,
    )
    async with (
        aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            headers={"User-Agent": USER_AGENT},
        ) as session,
        session.request(
            hop.method,
            hop.url,
            params=hop.query,
            data=hop.body,
            headers=hop.headers,
            allow_redirects=False,
        ) as response,
    ):
        location = response.headers.get("Location", "")
        if response.status in REDIRECTS and location:
            return _redirected(replace(hop, url=response.url), response, location)
        return replace(await _read(response), was_elsewhere=hop.is_done)


def _redirected(sent: Hop, response: aiohttp.ClientResponse, location: str) -> Hop:
    try:
        target = sent.url.join(_exact(location))
    except ValueError:
        target = URL()
    hop = replace(next_hop(sent, response.status, target), query=None)
    try:
        check(str(target))
        # A server of the internet must not lead into our own network.
        if _may_be_private(target) and not _may_be_private(sent.url):
            raise Forbidden(NOT_PUBLIC)
    except Forbidden as error:
        words = f"It redirects to {target.host}, which is not asked. {error}"
        raise NotFollowed(words, is_done=hop.is_done) from error
    return hop


async def _read(response: aiohttp.ClientResponse) -> Answer:
    read = bytearray()
    async for chunk in response.content.iter_any():
        read += chunk
        if len(read) > MAX_ANSWER_BYTES:
            break
    content_type = response.headers.get("Content-Type", "")
    is_cut = len(read) > MAX_ANSWER_BYTES
    text = decoded(bytes(read[:MAX_ANSWER_BYTES]), content_type, is_cut=is_cut)
    # PHP scripts often send JSON as text/html.
    is_html = "html" in content_type.partition(";")[0].lower()
    is_page = bool((MARKUP if is_html else PAGE).match(text))
    pause = response.headers.get("Retry-After", "")[:MAX_HEADER_LENGTH]
    return Answer(response.status, clean(text), 0, is_cut, is_page, retry_after=pause)


def check(address: str) -> None:
    """Raise `Forbidden` for an address whose host is not allowed."""
    try:
        url = URL(address)
        _ = url.host  # decodes xn--, which fails for what encodes nothing
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
    if any(ip in network for network in NOT_PUBLIC_RANGES):
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
    """True if a setting names the host, with this port or without one."""
    named = (URL(f"http://{entry}") for entry in hosts)
    return any(
        _host_and_port(url)[0] == host and url.explicit_port in (None, port)
        for url in named
    )


def _host_and_port(url: URL) -> tuple[str, int]:
    """Host and port as they are written in the settings, umlauts as xn--."""
    host = (url.raw_host or "").lower().rstrip(".")
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


def _failure(error: Exception, seconds: float, hops: list[Hop]) -> Unreachable:
    """The failure in words, without the address, which may hold a secret."""
    if isinstance(error, NotFollowed):
        return (AnswerLost if error.is_done else Misdirected)(str(error))
    if isinstance(error, TimeoutError):
        words = Unreachable(f"No answer within {seconds:g} s.")
    else:
        words = error if isinstance(error, Unreachable) else _in_words(error)
    if hops and hops[-1].is_done:
        host = hops[-1].url.host
        return AnswerLost(f"Its answer is at {host}, where it cannot be read. {words}")
    if len(hops) > 1 and isinstance(words, Forbidden):
        return Misdirected(f"It redirects to {hops[-1].url.host}. {words}")
    return words


def _in_words(error: Exception) -> Unreachable:
    if isinstance(error.__cause__, _Private):
        return Forbidden(NOT_PUBLIC)
    for kind, words in FAILURES.items():
        if isinstance(error, kind):
            return Unreachable(words)
    return Unreachable(f"It could not be asked: {type(error).__name__}.")
