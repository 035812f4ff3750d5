"""Measures download times of clips between two network namespaces, 40 ms apart.

Each namespace has a tunnel device; a thread forwards packets between them, late. This
needs root and /dev/net/tun, but no kernel module (netem is often left out). Nothing
outside the two namespaces can be reached from there.
"""

import fcntl
import heapq
import json
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

from tests.support.live import ROOT
from tests.support.services import Missing

ROUND_TRIP = 0.04
SERVER, CLIENT, PORT = "10.213.7.1", "10.213.7.2", 8000
SENTENCE_SECONDS = 2.4
# Bytes per second of each clip format.
FORMATS = {"48 kHz": 96_000, "8 kHz": 16_000, "8 kHz mu-law": 8_000}
# A clip whose address was sent early is asked for so long before it is complete (s).
AHEAD = 0.2
FETCHES = 7
PACKET = 65_536
TUN, TUNSETIFF, IFF_TUN, IFF_NO_PI = "/dev/net/tun", 0x400454CA, 0x0001, 0x1000
TIMEOUT = 20.0


def over_a_link() -> list[dict[str, Any]]:
    """Return the milliseconds to fetch a sentence in each format, newly connected."""
    if os.geteuid() != 0:
        raise Missing("network namespaces need root")
    if shutil.which("ip") is None:
        raise Missing("iproute2 (the ip command) is not installed")
    if not Path(TUN).exists():
        raise Missing(f"the kernel has no {TUN}")
    try:
        with _link() as (there, here), _serving(there):
            command = [*_within(here), sys.executable, "-m", "tests.bench.link"]
            done = subprocess.run(
                [*command, "fetch"],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                check=True,
                timeout=TIMEOUT,
            )
    except (OSError, subprocess.SubprocessError) as error:
        raise Missing(f"no network namespaces here: {error}") from error
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return results


@contextmanager
def _link() -> Iterator[tuple[str, str]]:
    """Create two namespaces with a link between them; yield their names."""
    names = [f"bench{os.getpid()}{side}" for side in "ab"]
    addresses = [(SERVER, CLIENT), (CLIENT, SERVER)]
    with ExitStack() as stack:
        tunnels = []
        for name, (own, peer) in zip(names, addresses, strict=True):
            _ip("netns", "add", name)
            stack.callback(_ip, "netns", "del", name)
            _ip("-n", name, "link", "set", "lo", "up")  # tests.support.live needs it
            tunnels.append(_tunnel(name))
            stack.callback(os.close, tunnels[-1])
            _ip("link", "set", name, "netns", name)
            _ip("-n", name, "addr", "add", own, "peer", peer, "dev", name)
            _ip("-n", name, "link", "set", name, "up")
        done = Event()
        forwarder = Thread(target=_forward, args=(*tunnels, done), daemon=True)
        forwarder.start()
        stack.callback(forwarder.join, 2)
        stack.callback(done.set)
        yield names[0], names[1]


def _forward(one: int, other: int, done: Event) -> None:
    """Forward packets, each half a round trip after it was sent."""
    across, delay, order = {one: other, other: one}, ROUND_TRIP / 2, 0
    waiting: list[tuple[float, int, int, bytes]] = []
    while not done.is_set():
        timeout = max(waiting[0][0] - monotonic(), 0) if waiting else 0.1
        for source in select.select([one, other], [], [], timeout)[0]:
            order += 1
            packet = os.read(source, PACKET)
            heapq.heappush(waiting, (monotonic() + delay, order, source, packet))
        while waiting and waiting[0][0] <= monotonic():
            _, _, source, packet = heapq.heappop(waiting)
            os.write(across[source], packet)


def _tunnel(name: str) -> int:
    device = os.open(TUN, os.O_RDWR)
    request = struct.pack("16sH14x", name.encode(), IFF_TUN | IFF_NO_PI)
    fcntl.ioctl(device, TUNSETIFF, request)
    return device


@contextmanager
def _serving(namespace: str) -> Iterator[None]:
    command = [*_within(namespace), sys.executable, "-m", "tests.bench.link", "serve"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield
        finally:
            process.terminate()


def _within(namespace: str) -> list[str]:
    return ["ip", "netns", "exec", namespace]


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=5)


def serve() -> None:
    """Send each client the bytes that it asks for, when it wants them."""
    with socket.create_server((SERVER, PORT)) as listener:
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            with connection:
                size, ready_at = connection.recv(100).split()
                sleep(max(float(ready_at) - monotonic(), 0))
                connection.sendall(bytes(int(size)))


def fetch() -> None:
    """Print for each format when a sentence has arrived after its end, as JSON."""
    results = []
    for name, byte_rate in FORMATS.items():
        size = 44 + round(SENTENCE_SECONDS * byte_rate)
        ms, early_ms = (
            round(1000 * median(_fetched(size, ahead) for _ in range(FETCHES)), 1)
            for ahead in (0.0, AHEAD)
        )
        results.append({"format": name, "bytes": size, "ms": ms, "early_ms": early_ms})
    json.dump(results, sys.stdout)


def _fetched(size: int, ahead: float) -> float:
    """Fetch a sentence, asking for it `ahead` of its end; return the seconds since."""
    left, ready_at = size, monotonic() + ahead
    with socket.create_connection((SERVER, PORT), timeout=TIMEOUT) as connection:
        connection.sendall(f"{size} {ready_at}".encode())
        while left and (piece := connection.recv(1 << 16)):
            left -= len(piece)
    seconds = monotonic() - ready_at
    sleep(0.01)
    return seconds


if __name__ == "__main__":
    {"serve": serve, "fetch": fetch}[sys.argv[1]]()
