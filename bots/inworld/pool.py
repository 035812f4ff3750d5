"""Connections to Inworld, which stay open between turns."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from ssl import SSLContext
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from bots.inworld.errors import InworldTimeout, InworldUnavailable, rejection

# An open connection saves a TLS handshake.
KEEPALIVE_SECONDS = 120
# The transport counts DNS, TCP and TLS together as `pool`.
TIMEOUT = httpx.Timeout(connect=2, read=10, write=5, pool=3)


class Pool:
    """One `httpx.AsyncClient`, made inside the loop of the first request.

    It uses aiohttp's connections, which read a stream at two thirds of the cost of
    httpcore's. Also, httpcore loses a slot for ever if cancelled at a wrong moment.
    """

    def __init__(
        self, base_url: str, headers: dict[bytes, bytes], timeout: httpx.Timeout
    ) -> None:
        self._base_url = base_url
        self._headers = headers
        self._timeout = timeout
        # Takes some 30 ms, so do it before calls wait for their first answer.
        self._trusted = httpx.create_ssl_context()
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
        http = self._http = self._http or self._connect()
        with named_errors():
            request = http.build_request(method, path, **options)
            response = await self._send(http, request)
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

    async def aclose(self) -> None:
        """Close every connection, also those still streaming."""
        http, self._http = self._http, None
        if http:
            await http.aclose()

    async def _send(
        self, http: httpx.AsyncClient, request: httpx.Request
    ) -> httpx.Response:
        try:
            return await http.send(request, stream=True)
        except Exception:
            self.answers[request.url.path, "none"] += 1
            raise

    def _connect(self) -> httpx.AsyncClient:
        session = partial(_session, self._trusted)
        transport = AiohttpTransport(self._trusted, client=session)
        return httpx.AsyncClient(
            base_url=self._base_url,
            headers=self._headers,
            timeout=self._timeout,
            transport=transport,
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
    """Raise errors of httpx and its transport as our own."""
    try:
        yield
    except (httpx.RequestError, aiohttp.ClientError, OSError) as error:
        # The transport reports every broken connection as a timeout.
        if isinstance(error.__cause__, TimeoutError):
            reason = type(error).__name__
            raise InworldTimeout(f"Inworld did not answer in time: {reason}") from error
        reason = str(error) or type(error).__name__
        raise InworldUnavailable(f"Inworld cannot be reached: {reason}") from error
