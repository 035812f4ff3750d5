"""Requests to other people's servers: only where operators said, never to ourselves.

A name is resolved once, and only public addresses of it are connected to; every hop of
a redirect is checked anew (CWE-918, server-side request forgery).
"""

import asyncio
import ipaddress
import json
import logging
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from django.conf import settings

log = logging.getLogger(__name__)

MOST_HOPS = 3
# What is read of an answer, in bytes; a tool that answers with more is cut off.
LONGEST_ANSWER = 64_000
REDIRECTS = frozenset({301, 302, 303, 307, 308})
USER_AGENT = "voicebot"


class Unreachable(Exception):
    """No answer could be had; says why, in words that hold no secret."""


class Forbidden(Unreachable):
    """The address is none that this server may call."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to send, and for how long to wait in all (seconds)."""

    method: str
    url: str
    headers: Mapping[str, str]
    seconds: float
    query: Mapping[str, str] | None = None
    body: bytes | None = None


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
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None


class PublicOnly(AbstractResolver):
    """Resolves names to the public addresses among theirs."""

    def __init__(self) -> None:
        self.names = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name that may be connected to. Raises `Forbidden`."""
        found = await self.names.resolve(host, port, family)
        if is_excepted(host, port):
            return found
        allowed = [each for each in found if is_public(each["host"])]
        if not allowed:
            raise Forbidden(f"{host} has no public address.")
        return allowed

    async def close(self) -> None:
        """Nothing is kept open."""
        await self.names.close()


async def fetch(request: Request) -> Answer:
    """Send a request and read its answer. Raises `Unreachable`."""
    began = monotonic()
    connector = aiohttp.TCPConnector(
        resolver=PublicOnly(), use_dns_cache=False, force_close=True
    )
    try:
        async with (
            asyncio.timeout(request.seconds),
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                headers={"User-Agent": USER_AGENT},
            ) as session,
        ):
            status, text, is_cut = await _follow(session, request)
    except TimeoutError as error:
        raise Unreachable(f"No answer within {request.seconds:g} s.") from error
    except Forbidden:
        raise
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _named(error, request) from error
    return Answer(status, text, round((monotonic() - began) * 1000), is_cut)


async def _follow(
    session: aiohttp.ClientSession, request: Request
) -> tuple[int, str, bool]:
    """Send, and go where the answer leads on the same host."""
    url, method, body = request.url, request.method, request.body
    query = request.query
    for _ in range(MOST_HOPS + 1):
        check(url)
        async with session.request(
            method,
            url,
            params=query,
            data=body,
            headers=dict(request.headers),
            allow_redirects=False,
        ) as response:
            onward = response.headers.get("Location", "")
            if response.status not in REDIRECTS or not onward:
                return response.status, *await _read(response)
            onward = urljoin(str(response.url), onward)
            if _origin(onward) != _origin(request.url):
                raise Forbidden("It redirects to another host.")
            if response.status not in (307, 308) and method != "GET":
                method, body = "GET", None
            url, query = onward, None
    raise Unreachable(f"It redirects more than {MOST_HOPS} times.")


async def _read(response: aiohttp.ClientResponse) -> tuple[str, bool]:
    read = bytearray()
    async for chunk in response.content.iter_any():
        read += chunk
        if len(read) > LONGEST_ANSWER:
            break
    text = bytes(read[:LONGEST_ANSWER]).decode(errors="replace")
    return text.replace("\x00", ""), len(read) > LONGEST_ANSWER


def check(url: str) -> None:
    """Refuse an address that is not of an allowed host. Raises `Forbidden`."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _usual_port(parts.scheme)
    if parts.scheme not in ("http", "https"):
        raise Forbidden(f"{parts.scheme}:// is not called.")
    if settings.TOOL_HOSTS and not _listed(host, port, settings.TOOL_HOSTS):
        raise Forbidden(f"{host} is not among TOOL_HOSTS.")
    # Literal addresses are connected to without being resolved.
    if _is_address(host) and not (is_public(host) or is_excepted(host, port)):
        raise Forbidden(f"{host} is not a public address.")


def is_public(address: str) -> bool:
    """Whether an IP address is one that the whole internet could reach."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    inner = inner or (getattr(found, "teredo", None) or (None, None))[1]
    if inner is not None and not is_public(str(inner)):
        return False
    return found.is_global and not found.is_multicast


def is_excepted(host: str, port: int) -> bool:
    """Whether a host may be called although its address is private."""
    return _listed(host, port, settings.TOOL_PRIVATE_HOSTS)


def _listed(host: str, port: int, hosts: list[str]) -> bool:
    named = {host.lower(), f"{host.lower()}:{port}"}
    return any(each.lower() in named for each in hosts)


def _is_address(host: str) -> bool:
    # Also 127.1, 0x7f000001 and 2130706433, which the system's resolver reads.
    try:
        socket.inet_aton(host)
    except OSError:
        return ":" in host
    return True


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    port = parts.port or _usual_port(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port


def _usual_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _named(error: Exception, request: Request) -> Unreachable:
    """Any failure in words; never with the address, which may hold a secret."""
    cause = error.__cause__ or error
    if isinstance(cause, Forbidden):
        return cause
    if isinstance(error, aiohttp.ClientConnectorDNSError | socket.gaierror):
        return Unreachable(f"There is no host {urlsplit(request.url).hostname}.")
    if isinstance(error, aiohttp.ClientSSLError):
        return Unreachable("Its certificate is not valid.")
    return Unreachable(f"It could not be reached: {type(error).__name__}.")
