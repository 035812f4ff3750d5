"""Addresses of other people's hosts, looked up by threads that do nothing else.

Python asks for names in the threads of the event loop, of which there are few. A server
of names that hangs would take them all, and with them Inworld's and Redis's names.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

THREADS = ThreadPoolExecutor(16, thread_name_prefix="names")
# What is found is an address already, and is not asked for once more.
NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class Resolver(AbstractResolver):
    """The system's own way to find a host, in threads of its own."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Every address of a host. Raises `OSError`."""
        asked = partial(
            socket.getaddrinfo,
            *(host, port, family, socket.SOCK_STREAM),
            flags=socket.AI_ADDRCONFIG,
        )
        found = await asyncio.get_running_loop().run_in_executor(THREADS, asked)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=NUMERIC,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Keep the threads: they are every request's."""
