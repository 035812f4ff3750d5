"""The certificates by which this process recognises other servers."""

from functools import cache
from ssl import SSLContext

import httpx


@cache
def trusted_certificates() -> SSLContext:
    """One for all connections. Reading them takes some 30 ms: not during a call."""
    return httpx.create_ssl_context()
