"""A server returns free memory to the system."""

import platform
import subprocess
import sys

import pytest

# Prints the number of heaps while twelve threads allocate memory.
HEAPS = """
import ctypes, re, sys, tempfile, threading
from voicebot.server import malloc
if "together" in sys.argv:
    malloc.limit_arenas()
barrier, libc = threading.Barrier(12), ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
def work():
    barrier.wait()
    objects = [bytes(5000) for _ in range(200)]
    barrier.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
malloc.trim()
with tempfile.NamedTemporaryFile() as report:
    file = ctypes.c_void_p(libc.fopen(report.name.encode(), b"w"))
    libc.malloc_info(0, file)
    libc.fclose(file)
    print(len(re.findall("<heap nr=", report.read().decode())))
"""


def heaps(*arguments: str) -> int:
    command = [sys.executable, "-c", HEAPS, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="not glibc")
def test_threads_share_a_few_heaps() -> None:
    assert heaps("together") <= 2 < heaps()
