"""`manage.py serve`: the server in the foreground, and the sandbox where no key is."""

import gc
import os
import resource
import subprocess
import sys
from contextlib import suppress
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

from voicebot.server.malloc import limit_arenas

from voicebot.server.daphne_server import DrainingServer  # isort: skip  (installs the reactor first)

from daphne.endpoints import build_endpoint_description_strings
from django import db
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from bots.checks import inworld_trouble
from bots.inworld.api_key import lacks_key
from bots.models import MAX_CALL_MINUTES
from bots.sandbox import demo_tool
from calls.checks import redis_problem
from calls.models import Call
from voicebot.database_options import set_lock_timeout

# The carrier's frames are small; daphne buffers whatever it is sent.
MAX_FRAME_BYTES = 64 * 1024
HTTP_TIMEOUT_SECONDS = 30
READY = "sandbox listening on "
# How long threads may take to end when all else has.
SANDBOX_STOP_SECONDS = 2.0


def _lower_switch_interval() -> None:
    """Keep what else Python does from holding up the event loop."""
    # A thread that writes transcripts would keep the interpreter for 5 ms at a time.
    sys.setswitchinterval(0.0005)
    # What start-up made stays; looking through it again and again costs calls their
    # punctuality.
    gc.collect()
    gc.freeze()
    gc.collect()  # Python waits for a quarter more than this leaves, which is nothing
    # A call lives longer than the young generations, and ends in circles with its
    # socket: collected as seldom as usual, the old one grows for hours.
    gc.set_threshold(20_000, 10, 3)


def _raise_file_limit() -> None:
    """Take the descriptors that we are allowed to, not the thousand that are usual.

    A call has two or three; so has everybody who opens connections and says nothing.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems allow fewer than they say
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _leave_in_time() -> None:
    """End even where a thread waits for a database that never answers.

    Python would wait for all of them, and for ever.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    last = Timer(SANDBOX_STOP_SECONDS, os._exit, (0,))
    last.daemon = True
    last.start()


class Command(BaseCommand):
    """Answer calls until stopped."""

    help = "Run the server on HOST and PORT; without INWORLD_API_KEY, the sandbox too."

    def handle(self, *args: Any, **options: Any) -> None:
        """Start what is needed, say what a caller can expect, and serve."""
        limit_arenas()
        _raise_file_limit()
        set_lock_timeout(connections.databases["default"])
        self._preflight()
        if lacks_key():
            self._use(self._start_sandbox())
        elif trouble := inworld_trouble():
            self.stderr.write(f"{trouble}\nUntil then callers hear an apology.")
        # Only now: it builds on the settings, and refuses to start on unsafe ones.
        from voicebot.asgi import application

        _lower_switch_interval()
        server = DrainingServer(
            application,
            endpoints=build_endpoint_description_strings(
                host=settings.HOST, port=settings.PORT
            ),
            http_timeout=HTTP_TIMEOUT_SECONDS,
            websocket_timeout=(MAX_CALL_MINUTES + 5) * 60,
            websocket_max_message_size=MAX_FRAME_BYTES,
            websocket_max_frame_size=MAX_FRAME_BYTES,
            verbosity=1,
        )
        server.run()
        if not server.listening_addresses:
            raise CommandError(
                f"Port {settings.PORT} on {settings.HOST} is taken or not allowed. "
                "Stop what uses it, or set PORT to another."
            )
        _leave_in_time()

    def _preflight(self) -> None:
        """Say what will not work."""
        if settings.REDIS_URL and (trouble := redis_problem(settings.REDIS_URL)):
            self.stderr.write(f"{trouble}\nUntil then the carrier's own voice speaks.")
        try:
            Call.objects.open().exists()
            if not lacks_key():
                demo_tool.remove()
        except db.Error as error:
            raise CommandError(
                f"The database cannot be used ({error}). Is it running, and was "
                "`manage.py setup` run?"
            ) from error

    def _use(self, sandbox: str) -> None:
        """Let a sandbox stand in for Inworld, and answer its own tool's requests."""
        settings.INWORLD_BASE_URL = sandbox
        settings.INWORLD_API_KEY = "sandbox"
        settings.SANDBOX_RUNNING = True
        host = urlsplit(sandbox).netloc
        settings.TOOL_ALLOWED_PRIVATE_HOSTS = [
            *settings.TOOL_ALLOWED_PRIVATE_HOSTS,
            host,
        ]
        if settings.TOOL_ALLOWED_HOSTS:  # else any is allowed
            settings.TOOL_ALLOWED_HOSTS = [*settings.TOOL_ALLOWED_HOSTS, host]
        demo_tool.point_to(sandbox)

    def _start_sandbox(self) -> str:
        """Run the stand-in for Inworld beside us; its address."""
        process = subprocess.Popen(  # noqa: S603  (our own command)
            [
                *(sys.executable, sys.argv[0], "sandbox", "--port", "0"),
                *("--parent-pid", str(os.getpid())),
            ],
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C is for the server; calls in progress still need the stand-in.
            start_new_session=True,
        )
        assert process.stdout  # noqa: S101  (for the type checker)
        line = process.stdout.readline()
        if not line.startswith(READY):
            raise CommandError(
                "The sandbox did not start; set INWORLD_API_KEY or see above."
            )
        self.stdout.write("Sandbox: no real model. Set INWORLD_API_KEY to use Inworld.")
        return line.removeprefix(READY).strip()
