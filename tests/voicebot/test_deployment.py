"""The files of a deployment, checked with Compose and a real Caddy."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit
from xml.etree import ElementTree

import httpx
import pytest
from django.conf import settings
from twilio.request_validator import RequestValidator

from bots.models import Bot
from calls.simulator.call import SimulatedCall
from calls.simulator.line import Line
from tests.end_to_end.test_live import closed, dial, written
from tests.support.inworld.server import FakeInworld
from tests.support.live import AUTH_TOKEN, PUBLIC_URL, LiveServer, free_port, running

BASE = Path(settings.BASE_DIR)
COMPOSE = (BASE / "docker-compose.yml").read_text()
CADDYFILE = (BASE / "Caddyfile").read_text()
EXAMPLE = (BASE / ".env.example").read_text()

SECRETS = {
    "SERVER_URL": PUBLIC_URL,
    "SECRET_KEY": "a-key",
    "TWILIO_AUTH_TOKEN": "7e570123456789abcdef0123456789ab",
    "INWORLD_API_KEY": "dGVzdDprZXk=",
    "POSTGRES_PASSWORD": "0123456789abcdef",
    "REDIS_PASSWORD": "fedcba9876543210",
}
# For tests, or for a process that has no Redis.
NOT_DEPLOYED = {"INWORLD_BASE_URL", "TWILIO_API_URL", "CLIP_MEMORY_MB"}


# Compose


@pytest.fixture(scope="module")
def compose() -> list[str]:
    """The command of Compose: Docker's plugin or the separate program."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and not _run([*command, "version"]).returncode:
            return command
    pytest.skip("Compose is not installed (Debian: apt install docker-compose)")


def _run(command: list[str], **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=BASE,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def config(compose: list[str], folder: Path, **env: str) -> tuple[bool, str]:
    """Return True if compose accepts the file with any .env, and its output."""
    empty = folder / "empty.env"
    empty.touch()
    done = _run([*compose, "--env-file", str(empty), "config"], **env)
    return not done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def composed(
    compose: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[bool, str]:
    """The result for a deployment that sets no more than it must."""
    return config(compose, tmp_path_factory.mktemp("compose"), **SECRETS)


def test_compose_accepts_the_file(composed: tuple[bool, str]) -> None:
    accepted, said = composed
    assert accepted, said
    assert "postgres://voicebot:0123456789abcdef@postgres:5432/voicebot" in said
    assert "redis://:fedcba9876543210@redis:6379/0" in said


def test_requests_of_strangers_have_a_memory_limit(composed: tuple[bool, str]) -> None:
    _, said = composed
    folders = re.findall(r"tmpfs:\n +- (\S+)", said)
    assert len(folders) == 4
    assert all(":size=" in folder for folder in folders)


def test_every_service_has_a_memory_limit(
    compose: list[str], composed: tuple[bool, str], tmp_path: Path
) -> None:
    _, said = composed
    services = said.partition("services:\n")[2].partition("\nvolumes:")[0]
    names = re.findall(r"^  ([a-z-]+):$", services, re.MULTILINE)
    limits = re.findall(r"^    mem_limit: \D?(\d+\w?)", services, re.MULTILINE)
    assert len(limits) == len(names) == 7
    more = {"WEB_MEMORY": "3g", "POSTGRES_MEMORY": "5g"}
    accepted, said = config(compose, tmp_path, **SECRETS, **more)
    assert accepted
    assert len(re.findall(r"mem_limit: \D?(?:3g|3221225472)", said)) == 3
    assert re.search(r"mem_limit: \D?(?:5g|5368709120)", said)


def test_compose_configures_the_proxy_for_processes_on_other_machines(
    compose: list[str], composed: tuple[bool, str], tmp_path: Path
) -> None:
    _, said = composed
    assert " UPSTREAMS: web-a:3000 web-b:3000\n" in said
    assert "CONSOLE_UPSTREAMS: console:3000 web-a:3000 web-b:3000\n" in said
    others = {"UPSTREAMS": "web-a:3000 10.0.0.6:3000"}
    _, said = config(compose, tmp_path, **SECRETS, **others)
    assert "UPSTREAMS: web-a:3000 10.0.0.6:3000\n" in said


@pytest.mark.parametrize("missing", SECRETS)
def test_compose_says_which_secret_is_missing(
    compose: list[str], tmp_path: Path, missing: str
) -> None:
    accepted, said = config(compose, tmp_path, **{**SECRETS, missing: ""})
    (why,) = set(re.findall(rf"\$\{{{missing}:\?(.+?)\}}", COMPOSE))
    assert not accepted
    assert why in said


def test_compose_passes_every_setting_and_no_unknown_one() -> None:
    explained = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE))
    given = set(re.findall(r"^ +([A-Z_]+):", COMPOSE, re.MULTILINE))
    variables = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE))
    assert variables <= explained
    assert explained - given - variables == NOT_DEPLOYED


# The proxy


class Proxy:
    """A running Caddy with the Caddyfile as it is deployed."""

    def __init__(self, url: str, log: Path) -> None:
        self.url, self.log = url, log

    async def get(self, path: str, **headers: str) -> httpx.Response:
        host = {"Host": "bot.example.com"}
        async with httpx.AsyncClient(base_url=self.url, timeout=20) as http:
            return await http.get(path, headers=host | headers)

    async def ring(self, call_sid: str) -> tuple[int, list[str]]:
        """Report a new call; return the status and the verbs of the answer."""
        form = {"CallSid": call_sid, "From": "+15005550001", "To": "+15005550006"}
        sign = RequestValidator(AUTH_TOKEN).compute_signature
        headers = {
            "Host": "bot.example.com",
            "X-Twilio-Signature": sign(f"{PUBLIC_URL}/voice", form),
        }
        async with httpx.AsyncClient(base_url=self.url, timeout=20) as http:
            answer = await http.post("/voice", data=form, headers=headers)
        if answer.status_code != 200:
            return answer.status_code, []
        verbs = ElementTree.fromstring(answer.content)
        return answer.status_code, [verb.tag for verb in verbs]


@contextmanager
def caddy(
    folder: Path, *upstreams: str, console: str = "", read_within: str = ""
) -> Iterator[Proxy]:
    """Run the Caddyfile in front of these addresses, as Compose does.

    `console` is asked first for pages. `read_within` replaces the times that a client
    has to send a request.
    """
    program = shutil.which("caddy")
    if program is None:
        pytest.skip("caddy is not installed (Debian: apt install caddy)")
    port = free_port()
    addresses = [url.removeprefix("http://") for url in upstreams]
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "SERVER_URL": f"http://:{port}/",
        "UPSTREAMS": " ".join(addresses),
        "CONSOLE_UPSTREAMS": " ".join([console, *addresses]),
        "CADDY_ADMIN": f"127.0.0.1:{free_port()}",
        **({"BUFFERING": "buffer_requests"} if _is_old(program) else {}),
    }
    log, file = folder / "caddy.log", folder / "Caddyfile"
    # Tests check that the log reveals nothing.
    talkative = CADDYFILE.replace("\tlog {", "\tlog {\n\t\tlevel DEBUG", 1)
    if read_within:
        talkative = re.sub(
            r"(read_(?:header|body)) \S+", rf"\1 {read_within}", talkative
        )
    file.write_text(talkative)
    (run,) = re.findall(r'command: \["sh", "-c", "(.*caddy run .*)"\]', COMPOSE)
    run = run.replace("$$", "$").replace("/etc/caddy/Caddyfile", str(file))
    command = ["sh", "-c", run]
    with log.open("w") as written_to:
        process = _started(command, env, written_to)
        try:
            _await_port(port, process)
            yield Proxy(f"http://127.0.0.1:{port}", log)
        finally:
            process.terminate()
            process.wait(15)


def _is_old(program: str) -> bool:
    """True for a Caddy before 2.7."""
    said = subprocess.run([program, "version"], capture_output=True, check=True)
    return tuple(map(int, re.findall(rb"\d+", said.stdout)[:2])) < (2, 7)


def _started(
    command: list[str], env: dict[str, str], log: IO[str]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, cwd=BASE, env=env, stdout=log, stderr=log)


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 15
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.02)
    raise AssertionError("Caddy did not start.")


@asynccontextmanager
async def proxied(
    folder: Path,
    *servers: LiveServer,
    others: tuple[str, ...] = (),
    console: str = "",
    read_within: str = "",
) -> AsyncIterator[Proxy]:
    """`caddy` beside a running event loop."""
    urls = [server.url for server in servers]
    runs = caddy(folder, *urls, *others, console=console, read_within=read_within)
    proxy = await asyncio.to_thread(runs.__enter__)
    try:
        yield proxy
    finally:
        await asyncio.to_thread(runs.__exit__, None, None, None)


@asynccontextmanager
async def two_behind_a_proxy(
    folder: Path, env: dict[str, str]
) -> AsyncIterator[tuple[LiveServer, LiveServer, Proxy]]:
    """Two servers and a proxy that alternates between them."""
    async with (
        running(**env) as first,
        running(**env) as second,
        proxied(folder, first, second) as proxy,
    ):
        yield first, second, proxy


def shared(database_url: str, redis_url: str, inworld: FakeInworld) -> dict[str, str]:
    """The settings that servers behind a proxy share."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "INWORLD_BASE_URL": inworld.url,
        "TRUSTED_PROXY_COUNT": "1",
    }


@pytest.fixture
def env(database_url: str, redis_url: str, inworld: FakeInworld) -> dict[str, str]:
    own = {"METRICS_TOKEN": "a-token-for-the-figures"}
    return {**shared(database_url, redis_url, inworld), **own}


@pytest.mark.django_db(transaction=True)
async def test_two_calls_behind_the_proxy_outlive_their_process(
    env: dict[str, str], tmp_path: Path, bot: Bot
) -> None:
    async with (
        two_behind_a_proxy(tmp_path, env) as (first, second, proxy),
        asyncio.timeout(45),
    ):
        async with through(proxy) as call:
            (greeting,) = await call.reply()
            assert greeting.kind == "clip"
            await call.say("Hello?")
            await call.reply()
            await written(call.call_sid, lambda said: len(said) == 3)
            busy = await busy_one(first, second)
            busy.process.kill()
            await call.record.until(lambda: call.sessions == 2)
            await call.hears(2)
            await call.say("Still there?")
            assert [sound.kind for sound in await call.reply()] == ["clip"]
        assert call.errors == []
        assert (await closed(call.call_sid)).reconnects == 1
        async with through(proxy) as call:
            assert [sound.kind for sound in await call.reply()] == ["clip"]
        assert call.errors == []


@pytest.mark.django_db(transaction=True)
async def test_the_proxy_drops_slow_clients_and_keeps_calls(
    env: dict[str, str], tmp_path: Path, bot: Bot
) -> None:
    async with (
        running(**env) as server,
        proxied(tmp_path, server, read_within="500ms") as proxy,
        asyncio.timeout(30),
        through(proxy) as call,
    ):
        await call.reply()
        head = b"POST /admin/ HTTP/1.1\r\nHost: bot.example.com\r\n"
        for sent in (b"GE", head, head + b"Content-Length: 9\r\n\r\nhalf"):
            address = urlsplit(proxy.url)
            reader, writer = await asyncio.open_connection(
                address.hostname, address.port
            )
            writer.write(sent)
            await reader.read()  # until Caddy hangs up
            writer.close()
        await call.say("Still there?")
        assert [sound.kind for sound in await call.reply()] == ["clip"]
    assert call.errors == []


def through(proxy: Proxy) -> SimulatedCall:
    """Make a call through the proxy."""
    line = Line(PUBLIC_URL, AUTH_TOKEN, connect_to=proxy.url, fast=True, pause=0.1)
    return SimulatedCall(line)


async def busy_one(*servers: LiveServer) -> LiveServer:
    """Return the server that has the only call."""
    headers = {"Authorization": "Bearer a-token-for-the-figures"}
    for server in servers:
        async with httpx.AsyncClient(base_url=server.url, headers=headers) as http:
            figures = (await http.get("/metrics")).text
        if "voicebot_calls_in_progress 1.0" in figures:
            return server
    raise AssertionError("No server has a call.")


@pytest.mark.django_db(transaction=True)
async def test_new_calls_avoid_servers_that_are_not_ready_and_are_refused_if_none_is(
    env: dict[str, str], tmp_path: Path, bot: Bot
) -> None:
    env |= {"DRAIN_TIMEOUT_SECONDS": "60"}
    async with two_behind_a_proxy(tmp_path, env) as (first, second, proxy):
        async with dial(first) as one, dial(second) as two:
            (greeting,) = await one.reply()
            await two.reply()
            await stopping(first, proxy)
            for number in range(4):
                assert await proxy.ring(f"CA{number}") == (200, ["Connect"])
            await stopping(second, proxy)
            async with through(proxy) as late:
                assert "cannot take your call" in late.refusal
            clip = await proxy.get(httpx.URL(greeting.source).path)
            assert clip.status_code == 200
        second.process.terminate()  # without waiting for connecting calls


async def stopping(server: LiveServer, proxy: Proxy) -> None:
    """Stop a server and wait until the proxy avoids it."""
    server.process.terminate()
    words = f'"host":"{server.url.removeprefix("http://")}"'
    async with asyncio.timeout(15):
        while True:
            if words in proxy.log.read_text():
                return
            await asyncio.sleep(0.05)


@pytest.mark.django_db(transaction=True)
async def test_the_proxy_writes_its_own_headers_and_keeps_figures_and_clips_to_itself(
    env: dict[str, str], tmp_path: Path, bot: Bot
) -> None:
    gone = f"127.0.0.1:{free_port()}"
    async with (
        running(**env) as server,
        proxied(tmp_path, server, others=(gone,)) as proxy,
    ):
        # The proxy replaces a forged header, so the client is redirected to https.
        forged = await proxy.get("/admin/login/", **{"X-Forwarded-Proto": "https"})
        assert forged.status_code == 301
        assert forged.headers["Location"] == f"{PUBLIC_URL}/admin/login/"
        assert (await proxy.get("/metrics")).status_code == 404
        assert (await proxy.get("/healthz")).status_code == 200
        unknown = "q" * 32
        assert (await proxy.get(f"/audio/{unknown}")).status_code == 404
        server.process.kill()
        assert (await proxy.get(f"/audio/{unknown}")).status_code in (502, 503)
        said = proxy.log.read_text()
        assert "upstream roundtrip" in said
        assert unknown not in said


async def test_pages_have_a_process_of_their_own_and_the_others_stand_in(
    tmp_path: Path,
) -> None:
    pages = ("/admin", "/admin/login/", "/console/live/", "/static/calls/design.css")
    calls = ("/voice", "/voice/action", "/audio/x", "/conversation/x", "/")
    async with (
        answering("calls") as for_calls,
        answering("console") as for_pages,
        proxied(tmp_path, others=(for_calls,), console=for_pages) as proxy,
    ):
        said = [(await proxy.get(path)).text for path in pages]
        assert said == ["console"] * len(pages)
        said = [(await proxy.get(path)).text for path in calls]
        assert said == ["calls"] * len(calls)
    gone = f"127.0.0.1:{free_port()}"
    async with (
        answering("calls") as for_calls,
        proxied(tmp_path, others=(for_calls,), console=gone) as proxy,
    ):
        assert (await proxy.get("/admin/login/")).text == "calls"


@asynccontextmanager
async def answering(name: str) -> AsyncIterator[str]:
    """A server that answers every request with its name; yields its address."""

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(name)}"
        writer.write(f"{head}\r\n\r\n{name}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield "{}:{}".format(*server.sockets[0].getsockname())
