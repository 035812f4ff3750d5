"""A viewer who does the worst that the console lets them, as a process of its own.

Reads `{"url": …, "after": …, "seconds": …, "only": …}` from standard input. Writes how
often each attack got which answer, as JSON, to standard output.
"""

import asyncio
import json
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count
from time import monotonic
from urllib.parse import urlsplit

import httpx

from tests.support.live import PUBLIC_URL

VIEWER, PASSWORD = "victor", "a password of the bench"
AT_ONCE = 3  # of each attack
TIMEOUT = 30.0
CALLS = "/admin/calls/call/"
# Lookups that stopped a server: without end on SQLite, and on PostgreSQL.
LOOKUPS = (
    {"call_sid__regex": r"^(\w+)+!$"},
    {"summary__regex": r"^(.*)(.*)\1\2$"},
    {"settings__icontains": "a", "turns__text__regex": r"(a|aa)+$"},
)
SEARCHES = ("+49151", "0123", "gtaa", "%", "a b c d e f g h")
SLOW_PAGES = ("/admin/", f"{CALLS}?q=a", f"{CALLS}?p=last", "/admin/?days=90")
ADVICE_BYTES = 1_000_000
LEAVES_AFTER = 0.05
# The slow reader takes so many bytes each time.
SIP_BYTES, SIP_SECONDS = 4096, 0.2

Attack = Callable[[int], Awaitable[str]]
ATTACKS = (
    *("lookups", "masked_searches", "advice"),
    *("sign_ins", "left_pages", "slow_downloads"),
)


class Attacker:
    """Signed in as a viewer; each attack returns what came of it."""

    def __init__(self, url: str) -> None:
        self.url = urlsplit(url)
        self.headers = {"Host": urlsplit(PUBLIC_URL).netloc}
        self.token = ""
        self.http = httpx.AsyncClient(
            base_url=url, headers=self.headers, timeout=TIMEOUT, trust_env=False
        )

    async def sign_in(self) -> None:
        """Get the cookies; they are for https, so they are kept by hand."""
        page = await self.http.get("/admin/login/")
        cookies = _cookies(page)
        self.token = cookies["csrftoken"]
        answer = await self._post_form(VIEWER, cookies)
        cookies |= _cookies(answer)
        if "sessionid" not in cookies:
            raise SystemExit("The viewer cannot sign in.")
        self.token = cookies["csrftoken"]
        self.headers["Cookie"] = _header(cookies)

    async def lookups(self, number: int) -> str:
        return await self._get(CALLS, LOOKUPS[number % len(LOOKUPS)])

    async def masked_searches(self, number: int) -> str:
        return await self._get(CALLS, {"q": SEARCHES[number % len(SEARCHES)]})

    async def advice(self, number: int) -> str:
        """Post a form of a megabyte."""
        form = {"system_prompt": "{{name}} " * (ADVICE_BYTES // 9)}
        headers = {**self.headers, "X-CSRFToken": self.token}
        path = "/admin/bots/bot/editor/advice/"
        answer = await self.http.post(path, data=form, headers=headers)
        return str(answer.status_code)

    async def sign_ins(self, number: int) -> str:
        """Sign in as somebody who does not exist."""
        answer = await self._post_form(f"nobody{number}", {"csrftoken": self.token})
        return str(answer.status_code)

    async def left_pages(self, number: int) -> str:
        """Ask for a slow page and leave."""
        _, writer = await self._request(SLOW_PAGES[number % len(SLOW_PAGES)])
        await asyncio.sleep(LEAVES_AFTER)
        writer.close()
        return "left"

    async def slow_downloads(self, number: int) -> str:
        """Download all calls by sips."""
        reader, writer = await self._request(f"{CALLS}export.jsonl")
        try:
            status = (await reader.readline()).split(b" ")[1].decode()
            while await reader.read(SIP_BYTES):  # noqa: ASYNC110  (a slow reader)
                await asyncio.sleep(SIP_SECONDS)
        finally:
            writer.close()
        return status

    async def _get(self, path: str, query: dict[str, str]) -> str:
        answer = await self.http.get(path, params=query, headers=self.headers)
        return str(answer.status_code)

    async def _post_form(self, name: str, cookies: dict[str, str]) -> httpx.Response:
        form = {"username": name, "password": PASSWORD}
        form["csrfmiddlewaretoken"] = self.token
        headers = {"Host": self.headers["Host"], "Cookie": _header(cookies)}
        return await self.http.post("/admin/login/", data=form, headers=headers)

    async def _request(
        self, path: str
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Send a request on a connection that takes little at a time."""
        own = socket.socket()
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SIP_BYTES)
        own.setblocking(False)
        address = self.url.hostname, self.url.port
        await asyncio.get_running_loop().sock_connect(own, address)
        reader, writer = await asyncio.open_connection(sock=own, limit=SIP_BYTES)
        lines = [f"{name}: {value}" for name, value in self.headers.items()]
        head = "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""])
        writer.write(head.encode())
        return reader, writer


def _cookies(answer: httpx.Response) -> dict[str, str]:
    pairs = (line.partition(";")[0] for line in answer.headers.get_list("set-cookie"))
    return dict(pair.split("=", 1) for pair in pairs)


def _header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


async def attack(
    url: str, after: float, seconds: float, only: str
) -> dict[str, Counter[str]]:
    """Do everything at once, or one thing, so long; count the answers."""
    attacker, begins = Attacker(url), monotonic() + after
    async with attacker.http:
        await attacker.sign_in()
        await asyncio.sleep(begins - monotonic())
        return await _repeat_all(attacker, monotonic() + seconds, only)


async def _repeat_all(
    attacker: Attacker, until: float, only: str
) -> dict[str, Counter[str]]:
    counts = {name: Counter[str]() for name in ATTACKS if only in ("", name)}

    async def repeat(name: str, step: Attack) -> None:
        for number in count():
            try:
                counts[name][await step(number)] += 1
            except (httpx.HTTPError, OSError, IndexError) as error:
                counts[name][type(error).__name__] += 1
                await asyncio.sleep(SIP_SECONDS)

    runs = [
        asyncio.create_task(repeat(name, getattr(attacker, name)))
        for name in counts
        for _ in range(AT_ONCE)
    ]
    await asyncio.wait(runs, timeout=max(until - monotonic(), 0))
    for run in runs:
        run.cancel()
    await asyncio.gather(*runs, return_exceptions=True)
    return counts


def main() -> None:
    """Attack as standard input says."""
    json.dump(asyncio.run(attack(**json.load(sys.stdin))), sys.stdout)


if __name__ == "__main__":
    main()
