"""Starts a real server process for tests that talk to it over sockets."""

import asyncio
import atexit
import os
import random
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from threading import Thread, Timer

from tests.support.preloaded import ROOT as ROOT
from tests.support.preloaded import PreloadedProcess, run_to_end

PUBLIC_URL = "https://bot.example.com"
AUTH_TOKEN = "7e570123456789abcdef0123456789ab"
SHARED_KEY = ("webhooks_sharedkey_tests", "shared/secret+of=the=tests")
START_SECONDS = 60.0
# Each process that runs tests has its own ports, below those that the kernel gives to
# outgoing connections: no other run on this machine and no connection can take one.
FIRST_PORT, PORT_RANGES, PORTS_PER_RANGE = 10_000, 88, 250


def _reserve_range() -> tuple[socket.socket, range]:
    """Take a range that no other process has; it is free again when this one ends."""
    for first in range(
        FIRST_PORT, FIRST_PORT + PORT_RANGES * PORTS_PER_RANGE, PORTS_PER_RANGE
    ):
        reserved = socket.socket()
        try:
            reserved.bind(("127.0.0.1", first))
        except OSError:
            reserved.close()
        else:
            return reserved, range(first + 1, first + PORTS_PER_RANGE)
    raise AssertionError(f"All {PORT_RANGES} ranges of ports are taken.")


_reserved, _own_ports = _reserve_range()
atexit.register(_reserved.close)


def _shuffled_ports() -> list[int]:
    ports = list(_own_ports)
    random.SystemRandom().shuffle(ports)
    return ports


_ports = cycle(_shuffled_ports())


def free_port() -> int:
    """Return a port on which nothing listens; it is not returned again soon."""
    for port in _ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("unreachable: the ports are cycled through")


Process = subprocess.Popen[str] | PreloadedProcess


@dataclass
class LiveServer:
    """A running server: its URL and the lines of its output so far."""

    url: str
    process: Process
    lines: list[str] = field(default_factory=list)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    async def logs(self, words: str, since: int = 0) -> None:
        """Wait for words in the output after its first `since` characters."""
        async with asyncio.timeout(15):
            while True:
                if words in self.output[since:]:
                    return
                await asyncio.sleep(0.02)


def environment(**changes: str) -> dict[str, str]:
    """Return the complete environment of a server process; no .env file changes it."""
    port = str(free_port())
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "voicebot.settings",
        "PYTHONWARNINGS": "default",
        "SERVER_URL": PUBLIC_URL,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_SHARED_KEYS": "=".join(SHARED_KEY),
        "DEBUG": "false",
        "HOST": "127.0.0.1",
        "PORT": port,
        "DRAIN_TIMEOUT_SECONDS": "0",
        "STREAM_CLIPS": "off",  # most tests expect whole clips
        "WARM_UP_SECONDS": "0",  # tests count the requests to Inworld
        **changes,
    }


def manage(env: dict[str, str], *command: str) -> None:
    """Run a command of `manage.py` to its end, in the environment of a server.

    On a busy machine it takes a while. Only the time limit of the test ends it.
    """
    run_to_end(environment(**env), *command, timeout=None).check_returncode()


@contextmanager
def serving(*options: str, **changes: str) -> Iterator[LiveServer]:
    """Run `manage.py serve` until the block ends."""
    env = environment(**changes)
    with _ready(PreloadedProcess(env, "serve", *options), env) as server:
        yield server


@contextmanager
def serving_afresh(**changes: str) -> Iterator[LiveServer]:
    """`serving` in a new interpreter, which inherits CPU affinity and hooks."""
    env = environment(**changes)
    command = [sys.executable, "manage.py", "serve"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with _ready(process, env) as server:
        yield server


@contextmanager
def _ready(process: Process, env: dict[str, str]) -> Iterator[LiveServer]:
    server = LiveServer(f"http://127.0.0.1:{env['PORT']}", process)
    reader = Thread(target=_read_on, args=(server,))
    try:
        _await_ready(server)
        reader.start()
        yield server
    except BaseException:
        sys.stderr.write(server.output)
        raise
    finally:
        process.terminate()
        process.wait(15)
        if reader.ident:
            reader.join(15)
        assert process.stdout
        process.stdout.close()


@asynccontextmanager
async def running(*options: str, **changes: str) -> AsyncIterator[LiveServer]:
    """`serving` in a thread, so that a fake Inworld in the running loop can answer."""
    server = serving(*options, **changes)
    live = await asyncio.to_thread(server.__enter__)
    try:
        yield live
    finally:
        await asyncio.to_thread(server.__exit__, *sys.exc_info())


def _await_ready(server: LiveServer) -> None:
    assert server.process.stdout
    watchdog = Timer(START_SECONDS, server.process.kill)
    watchdog.start()
    try:
        for line in server.process.stdout:
            server.lines.append(line)
            if line.startswith("The console is at"):
                return
    finally:
        watchdog.cancel()
    raise AssertionError(f"The server did not start:\n{server.output}")


def _read_on(server: LiveServer) -> None:
    assert server.process.stdout
    for line in server.process.stdout:
        server.lines.append(line)
