"""`manage.py serve`: run the server, and the sandbox if there is no Inworld key."""

import gc
import os
import resource
import socket
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
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from bots.inworld.api_key import lacks_key
from bots.inworld.client import Inworld
from bots.inworld.errors import InworldError
from bots.inworld.one_shot import ask_once, operator_message
from bots.models import MAX_CALL_MINUTES
from bots.sandbox import demo_tool
from calls.checks import redis_problem
from calls.models import Call
from voicebot.database_options import keep_files_private, set_lock_timeout
from voicebot.management.commands.setup import Command as Setup

# Twilio's frames are small. daphne buffers each frame in full.
MAX_FRAME_BYTES = 64 * 1024
HTTP_TIMEOUT_SECONDS = 30
READY = "sandbox listening on "
TRY_IT = """\
Call it from a second shell:
    {port}.venv/bin/python manage.py call --say "When do you open?"
"""
# How long the start waits for Inworld's answer.
INWORLD_SECONDS = 3.0
# How long threads may take to end after everything else has stopped.
THREAD_STOP_SECONDS = 2.0


def _lower_switch_interval() -> None:
    """Keep other threads and the garbage collector from delaying the event loop."""
    # By default another thread may hold the interpreter for 5 ms at a time.
    sys.setswitchinterval(0.0005)
    # Objects from start-up stay; scanning them again and again would cause pauses.
    gc.collect()
    gc.freeze()
    # A full collection waits until a quarter more objects exist than the last one left.
    # After `freeze` that is none.
    gc.collect()
    # A call outlives the young generations, and leaves reference cycles with its
    # socket: with the default threshold the old generation would grow for hours.
    gc.set_threshold(20_000, 10, 3)


def _raise_file_limit() -> None:
    """Raise the soft limit of file descriptors, often 1024, to the hard limit.

    A call needs two or three, and so does each idle connection.
    """
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems allow fewer than they report
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def _require_free_port() -> None:
    """Raise `CommandError` if the server could not listen."""
    is_version_6 = ":" in settings.HOST
    family = socket.AF_INET6 if is_version_6 else socket.AF_INET
    with socket.socket(family) as probe:
        # Connections of a server that has stopped do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.HOST, settings.PORT))
        except OSError as error:
            raise _port_error() from error


def _port_error() -> CommandError:
    return CommandError(
        f"Port {settings.PORT} on {settings.HOST} is taken or not allowed. "
        "Stop what uses it, or set PORT to another."
    )


def _try_it() -> str:
    """The command of a first call, which works in a shell of its own, too."""
    is_usual = settings.PORT == settings.USUAL_PORT
    return TRY_IT.format(port="" if is_usual else f"PORT={settings.PORT} ")


def _exit_in_time() -> None:
    """End the process even if a thread waits for a database that never answers.

    Python itself would wait for all threads, without a limit.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    timer = Timer(THREAD_STOP_SECONDS, os._exit, (0,))
    timer.daemon = True
    timer.start()


class Command(BaseCommand):
    """Answer calls until stopped."""

    help = "Run the server on HOST and PORT; without INWORLD_API_KEY with a sandbox."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--setup`."""
        parser.add_argument(
            "--setup", action="store_true", help="run `manage.py setup` before"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare, print what callers can expect, and serve until stopped."""
        limit_arenas()
        # Before anything is changed that a server on the port may use.
        _require_free_port()
        account = Setup().prepare() if options["setup"] else ""
        is_listening = False
        try:
            is_listening = self._serve(account)
        finally:
            if account and not is_listening:
                self.stdout.write(account)
        if not is_listening:
            raise _port_error()
        _exit_in_time()

    def _serve(self, account: str) -> bool:
        """Serve until stopped; False if the port could not be opened."""
        _raise_file_limit()
        keep_files_private(connections.databases["default"])
        set_lock_timeout(connections.databases["default"])
        self._preflight()
        if lacks_key():
            self._use_sandbox(self._start_sandbox())
        # Not earlier: it depends on the settings, and refuses unsafe ones.
        from voicebot.asgi import application

        _lower_switch_interval()
        server = DrainingServer(
            application,
            first_steps=account and f"{_try_it()}{account}",
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
        return bool(server.listening_addresses)

    def _preflight(self) -> None:
        """Report what will not work."""
        try:
            if not lacks_key():
                ask_once(Inworld.voices, INWORLD_SECONDS)
        except InworldError as error:
            reason = operator_message(error)
            self.stderr.write(f"{reason}\nUntil then callers hear an apology.")
        if settings.REDIS_URL and (problem := redis_problem(settings.REDIS_URL)):
            self.stderr.write(f"{problem}\nUntil then Twilio's own voice speaks.")
        try:
            Call.objects.open().exists()
            if not lacks_key():
                demo_tool.remove()
        except db.Error as error:
            raise CommandError(
                f"The database cannot be used ({error}). Is it running, and was "
                "`manage.py setup` run?"
            ) from error

    def _use_sandbox(self, sandbox: str) -> None:
        """Use a sandbox in place of Inworld, and for the requests of the demo tool."""
        settings.INWORLD_BASE_URL = sandbox
        settings.INWORLD_API_KEY = "sandbox"
        settings.SANDBOX_RUNNING = True
        host = urlsplit(sandbox).netloc
        settings.TOOL_ALLOWED_PRIVATE_HOSTS = [
            *settings.TOOL_ALLOWED_PRIVATE_HOSTS,
            host,
        ]
        if settings.TOOL_ALLOWED_HOSTS:  # empty: all are allowed
            settings.TOOL_ALLOWED_HOSTS = [*settings.TOOL_ALLOWED_HOSTS, host]
        demo_tool.point_to(sandbox)

    def _start_sandbox(self) -> str:
        """Start the sandbox as a process beside this one; returns its URL."""
        process = subprocess.Popen(  # noqa: S603  (our own command)
            [
                *(sys.executable, sys.argv[0], "sandbox", "--port", "0"),
                *("--parent-pid", str(os.getpid())),
            ],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "voicebot.sandbox_settings"},
            # Ctrl-C must not reach it: calls in progress still need it.
            start_new_session=True,
        )
        assert process.stdout  # noqa: S101  (for the type checker)
        line = process.stdout.readline()
        if not line.startswith(READY):
            raise CommandError(
                "The sandbox did not start; see above, or set INWORLD_API_KEY."
            )
        self.stdout.write("Sandbox: no real model. Set INWORLD_API_KEY to use Inworld.")
        return line.removeprefix(READY).strip()
