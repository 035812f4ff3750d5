"""Forks servers from a process that has imported their libraries: half the CPU.

Each server imports its own modules and settings. Only in pytest; a server whose
interpreter needs another environment at its start must be a new process.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import warnings
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# None of these reads settings, starts a thread or installs Twisted's reactor.
PRELOADED = [
    "aiodns",
    "aiohttp",
    "autobahn.websocket.protocol",
    "channels_redis.core",
    "cryptography.fernet",
    "cryptography.x509",
    "django.contrib.admin",
    "django.core.management",
    "django.core.serializers.json",
    "httpx_aiohttp",
    "jsonschema",
    "numpy",
    "prometheus_client",
    "psycopg",
    "redis.asyncio",
    "service_identity",
    "soxr",
    "twilio.request_validator",
    "twilio.twiml.voice_response",
    "twisted.internet.asyncioreactor",
    "twisted.internet.tcp",
    "twisted.protocols.tls",
    "twisted.web.http",
    "websockets",
]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(PRELOADED)


class PreloadedProcess:
    """A command of `manage.py` with the `subprocess.Popen` methods that tests use."""

    def __init__(self, env: dict[str, str], *command: str) -> None:
        reader, writer = _context.Pipe(duplex=False)
        arguments = (env, command, writer)
        self._process = _context.Process(target=_run, args=arguments, daemon=True)
        self._process.start()
        writer.close()
        self.stdout = os.fdopen(os.dup(reader.fileno()))
        reader.close()
        assert self._process.pid
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """The exit code; negative for a signal, None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; raises `TimeoutExpired` like `subprocess.Popen`."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("manage.py", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


def _run(env: dict[str, str], command: Sequence[str], output: Connection) -> None:
    """Become `manage.py`, in the environment and with the output of a new process."""
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    output.close()
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    sys.argv = ["manage.py", *command]
    warnings.simplefilter("default")
    runpy.run_path("manage.py", run_name="__main__")
