"""Connections to Inworld, which stay open between turns."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from ssl import SSLContext
from typing import Any, TypeVar

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from bots.inworld.errors import InworldTimeout, InworldUnavailable, rejection
from bots.tls import trusted_certificates

# An open connection saves a TLS handshake.
KEEPALIVE_SECONDS = 120
# The transport counts DNS, TCP and TLS together as `pool`.
TIMEOUT = httpx.Timeout(connect=2, read=10, write=5, pool=3)


CHAT = "/v1/chat/completions"
HTTP_ERRORS = (httpx.RequestError, aiohttp.ClientError, OSError)

Response = TypeVar("Response")


class Pool:
    """The process's connections to Inworld, made in the loop of the first request.

    httpx uses aiohttp's connections: httpcore loses a slot for ever if cancelled at a
    wrong moment. Chats go to aiohttp without httpx, which takes a quarter of the CPU
    time in which a reply is read.
    """

    def __init__(
        self, base_url: str, headers: dict[str, str], timeout: httpx.Timeout
    ) -> None:
        self._base_url = base_url
        self._headers = headers
        self._timeout = timeout
        self._trusted = trusted_certificates()
        self._session: aiohttp.ClientSession | None = None
        self._http: httpx.AsyncClient | None = None
        # By path and status; the status is "none" if no answer came.
        self.answers: Counter[tuple[str, str]] = Counter()

    @asynccontextmanager
    async def request(
        self, method: str, path: str, **options: Any
    ) -> AsyncIterator[httpx.Response]:
        """Open a successful response, its body unread; leaving the block closes it.

        Raises InworldUnavailable, InworldTimeout or one of InworldRejected's family.
        """
        http = self._http = self._http or self._over(self._connected())
        request = http.build_request(method, path, **options)
        response = await self._answer(request.url.path, http.send(request, stream=True))
        self.answers[request.url.path, str(response.status_code)] += 1
        try:
            if not response.is_success:
                with named_errors():
                    body = await response.aread()
                retry_after = response.headers.get("Retry-After")
                raise rejection(response.status_code, body, retry_after)
            yield response
        finally:
            await response.aclose()

    @asynccontextmanager
    async def chat(
        self,
        content: bytes,
        headers: Mapping[str, str],
        timeouts: httpx.Timeout | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """`request` for a chat of the Router."""
        timeouts = timeouts or self._timeout
        posting = self._connected().post(
            self._base_url.rstrip("/") + CHAT,
            data=content,
            headers={**self._headers, **headers},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                connect=timeouts.pool,
                sock_connect=timeouts.connect,
                sock_read=timeouts.read,
            ),
        )
        response = await self._answer(CHAT, posting)
        self.answers[CHAT, str(response.status)] += 1
        try:
            if not 200 <= response.status < 300:
                with named_errors():
                    body = await response.read()
                retry_after = response.headers.get("Retry-After")
                raise rejection(response.status, body, retry_after)
            yield response
        finally:
            response.release()

    async def aclose(self) -> None:
        """Close every connection, also those still streaming."""
        session, self._session, self._http = self._session, None, None
        if session:
            await session.close()

    async def _answer(self, path: str, sending: Awaitable[Response]) -> Response:
        try:
            with named_errors():
                return await sending
        except Exception:
            self.answers[path, "none"] += 1
            raise

    def _connected(self) -> aiohttp.ClientSession:
        self._session = self._session or _session(self._trusted)
        return self._session

    def _over(self, session: aiohttp.ClientSession) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self._base_url,
            headers=self._headers,
            timeout=self._timeout,
            transport=AiohttpTransport(self._trusted, client=session),
        )


def _session(trusted: SSLContext) -> aiohttp.ClientSession:
    # No limit here: CallLimits limits calls, INWORLD_MAX_CONCURRENCY generations.
    connector = aiohttp.TCPConnector(
        limit=0, keepalive_timeout=KEEPALIVE_SECONDS, ssl=trusted
    )
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    )


@contextmanager
def named_errors() -> Iterator[None]:
    """Raise errors of httpx and aiohttp as our own."""
    try:
        yield
    except HTTP_ERRORS as error:
        raise named(error) from error


def named(error: Exception) -> InworldUnavailable:
    """Our own error for one of HTTP_ERRORS."""
    # httpx's transport reports every broken connection as a timeout.
    cause = error.__cause__ if isinstance(error, httpx.RequestError) else error
    if isinstance(cause, TimeoutError):
        reason = type(error).__name__
        return InworldTimeout(f"Inworld did not answer in time: {reason}")
    reason = str(error) or type(error).__name__
    return InworldUnavailable(f"Inworld cannot be reached: {reason}")
