"""Connections to Inworld: kept open between turns, replaced when they run out."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx

from bots.inworld.errors import InworldTimeout, InworldUnavailable, rejection

log = logging.getLogger(__name__)

# A slot for each call and to spare: a request cancelled at the wrong moment may keep
# its slot for ever. Connections stay open between turns, which saves a TLS handshake.
LIMITS = httpx.Limits(
    max_connections=400, max_keepalive_connections=100, keepalive_expiry=120
)
TIMEOUT = httpx.Timeout(connect=2, read=10, write=5, pool=1)
RETIREMENT_SECONDS = 120


class Pool:
    """One `httpx.AsyncClient` at a time, made inside the loop of the first request."""

    def __init__(
        self,
        base_url: str,
        headers: dict[bytes, bytes],
        limits: httpx.Limits,
        timeout: httpx.Timeout,
    ) -> None:
        self._base_url = base_url
        self._headers = headers
        self._limits = limits
        self._timeout = timeout
        self._http: httpx.AsyncClient | None = None
        self._retired: dict[asyncio.Task[None], httpx.AsyncClient] = {}

    @asynccontextmanager
    async def request(
        self, method: str, path: str, **options: Any
    ) -> AsyncIterator[httpx.Response]:
        """Open a successful response, its body unread; leaving the block closes it.

        Raises InworldUnavailable, InworldTimeout or one of InworldRejected's family.
        """
        with named_errors():
            response = await self._send(method, path, **options)
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
        tasks, clients = [*self._retired], [*self._retired.values()]
        if self._http:
            clients.append(self._http)
        self._http = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for http in clients:
            await http.aclose()

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        http = self._http = self._http or self._connect()
        try:
            return await http.send(
                http.build_request(method, path, **options), stream=True
            )
        except httpx.PoolTimeout:
            fresh = self._replace(http)
        return await fresh.send(
            fresh.build_request(method, path, **options), stream=True
        )

    def _connect(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self._base_url,
            headers=self._headers,
            limits=self._limits,
            timeout=self._timeout,
        )

    def _replace(self, full: httpx.AsyncClient) -> httpx.AsyncClient:
        if self._http is full:
            log.warning("The connection pool to Inworld is full: starting a fresh one.")
            self._http = self._connect()
            task = asyncio.create_task(self._retire(full))
            self._retired[task] = full
            task.add_done_callback(self._retired.pop)
        self._http = self._http or self._connect()
        return self._http

    async def _retire(self, http: httpx.AsyncClient) -> None:
        # Streams of calls in progress still run on it.
        await asyncio.sleep(RETIREMENT_SECONDS)
        await http.aclose()


@contextmanager
def named_errors() -> Iterator[None]:
    """Raise httpx's errors as our own."""
    try:
        yield
    except httpx.TimeoutException as error:
        reason = type(error).__name__
        raise InworldTimeout(f"Inworld did not answer in time: {reason}") from error
    except httpx.RequestError as error:
        reason = str(error) or type(error).__name__
        raise InworldUnavailable(f"Inworld cannot be reached: {reason}") from error
