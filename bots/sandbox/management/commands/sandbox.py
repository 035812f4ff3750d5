"""`manage.py sandbox`: a local stand-in for the Inworld API, without a real model."""

import asyncio
import logging
import os
import socket
from typing import Any

from daphne.server import Server
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management.base import BaseCommand, CommandError, CommandParser
from twisted.internet import task

from bots.sandbox.chat_response import INSTANT, Pace

ORPHAN_CHECK_SECONDS = 0.5

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Serves until it is stopped, or until the process that started it ends."""

    help = (
        "Runs a local stand-in for the Inworld API: it speaks, but has no real model."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=0, help="0 takes a free one.")
        parser.add_argument(
            "--instant", action="store_true", help="Answer without a model's waits."
        )
        parser.add_argument(
            "--parent-pid", type=int, help="Stop when this is no longer the parent."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        listener = self._listen(options["host"], options["port"])
        host, port = listener.getsockname()

        def announce() -> None:
            logger.info("sandbox: no real model answers here, only small talk")
            self.stdout.write(f"sandbox listening on http://{host}:{port}")
            self.stdout.flush()  # the parent reads it through a pipe

        server = Server(
            _application(INSTANT if options["instant"] else Pace()),
            endpoints=[f"fd:fileno={listener.detach()}"],
            # The loop already handles signals when it makes this call.
            ready_callable=lambda: asyncio.get_event_loop().call_soon(announce),
        )
        if options["parent_pid"]:
            orphaned = task.LoopingCall(_stop_without, options["parent_pid"], server)
            orphaned.start(ORPHAN_CHECK_SECONDS, now=False)
        server.run()

    def _listen(self, host: str, port: int) -> socket.socket:
        if not 0 <= port <= 65535:
            raise CommandError(f"--port {port}: a port is from 0 to 65535.")
        try:
            return socket.create_server((host, port), backlog=128)
        except OSError as error:
            reason = error.strerror or error
            raise CommandError(f"Cannot listen on {host}:{port}: {reason}.") from error


def _stop_without(parent_pid: int, server: Server) -> None:
    if os.getppid() != parent_pid:
        server.stop()


def _application(pace: Pace) -> Any:
    # This process serves only the sandbox, so its routes replace the project's.
    settings.ROOT_URLCONF = "bots.sandbox.urls"
    settings.MIDDLEWARE = []
    django = get_asgi_application()

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await django({**scope, "state": {"pace": pace}}, receive, send)

    return application
