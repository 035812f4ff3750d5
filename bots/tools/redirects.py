"""The request that follows a redirect, or the reason why none does.

- 301, 307 and 308 say that an address has moved. On the same host, the request is sent
  again as it was. So is it after a 302 that only adds https or a slash at the end.
- 302 and 303 after a POST say that the work is done and where its answer is (RFC 9110,
  15.4.3 and 15.4.4). The answer is asked for with GET. Google's Apps Script does this.
- Another host never gets a body or a header: they may hold secrets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from yarl import URL

REDIRECTS = frozenset({301, 302, 303, 307, 308})
BODY_HEADERS = ("content-type", "content-encoding", "content-language")

NO_WEB_ADDRESS = "It redirects to something that is no web address."
HAS_PASSWORD = "It redirects to an address with a user name in it."  # noqa: S105
NOT_ENCRYPTED = "It redirects from https:// to http://, where others can read along."
MOVED = (
    "It redirects to another host, {host}, which gets nothing that was sent here. If "
    "that host is right, write it into the address."
)


class NotFollowed(ValueError):
    """The redirect leads nowhere; `is_done` if the work may be done all the same."""

    def __init__(self, message: str, *, is_done: bool) -> None:
        super().__init__(message)
        self.is_done = is_done


@dataclass(frozen=True, slots=True)
class Hop:
    """One of the requests that a request leads to; `query` is added to the address.

    With `is_done` the server has done its work, and only its answer is asked for.
    """

    method: str
    url: URL = field(repr=False)  # this and the next fields may hold secrets
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] | None = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)
    is_done: bool = False


def next_hop(sent: Hop, status: int, target: URL) -> Hop:
    """The request that a redirect leads to. Raises `NotFollowed`."""
    is_same = _is_same_host(sent.url, target)
    is_done = _says_done(sent, status, target)
    if problem := _problem(sent.url, target):
        raise NotFollowed(problem, is_done=is_done or sent.is_done)
    if is_done and (is_same or target.raw_path != sent.url.raw_path):
        headers = _without_body(sent.headers) if is_same else {}
        return Hop("GET", target, headers, is_done=True)
    if is_same:
        return replace(sent, url=target)
    if sent.method == "GET":
        return replace(sent, url=target, headers={})
    raise NotFollowed(MOVED.format(host=target.host), is_done=False)


def _says_done(sent: Hop, status: int, target: URL) -> bool:
    """True if a request that changes something got the address of its answer."""
    if sent.method == "GET":
        return False
    is_found = sent.method == "POST" and status == 302
    return status == 303 or (is_found and not _is_respelt(sent.url, target))


def _problem(source: URL, target: URL) -> str:
    if target.scheme not in ("http", "https") or not target.raw_host:
        return NO_WEB_ADDRESS
    if target.raw_user or target.raw_password:
        return HAS_PASSWORD
    if source.scheme == "https" and target.scheme == "http":
        return NOT_ENCRYPTED
    return ""


def _is_same_host(source: URL, target: URL) -> bool:
    if _host(source) != _host(target):
        return False
    is_upgrade = source.scheme == "http" and target.scheme == "https"
    same = (source.scheme, source.port) == (target.scheme, target.port)
    return same or is_upgrade


def _host(url: URL) -> str:
    return (url.raw_host or "").lower().rstrip(".")


def _is_respelt(source: URL, target: URL) -> bool:
    """True for the same address with https or with a slash at the end, or without."""
    if not _is_same_host(source, target):
        return False
    changes = source.scheme != target.scheme or source.raw_path != target.raw_path
    same_path = source.raw_path.rstrip("/") == target.raw_path.rstrip("/")
    same_query = target.raw_query_string in ("", source.raw_query_string)
    return changes and same_path and same_query


def _without_body(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name.lower() not in BODY_HEADERS
    }
