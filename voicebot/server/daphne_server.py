"""daphne, with a graceful stop that drops no calls, and with a monotonic clock."""

import asyncio
import signal
import sys
from contextlib import suppress
from time import monotonic
from types import SimpleNamespace
from typing import Any

from daphne.server import Server, twisted_loop  # isort: skip  (installs the reactor)

from daphne import http_protocol, server, ws_protocol
from django.conf import settings
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from calls.operations.draining import drain
from calls.operations.runtime import runtime
from calls.session.active_calls import active_calls
from voicebot.server.malloc import TRIM_SECONDS, trim
from voicebot.server.request_limits import limit_requests
from voicebot.server.response_limits import PacedRequest, slices

# Longest time for closing everything, even if a part of it hangs.
CLOSE_SECONDS = 20.0


class DrainingServer(Server):  # type: ignore[misc]
    """Drains after SIGTERM or Ctrl-C, and stops at once after the second one."""

    def __init__(self, *args: Any, first_steps: str = "", **options: Any) -> None:
        super().__init__(*args, signal_handlers=False, **options)
        self.first_steps = first_steps
        self.ports: list[Any] = []
        self.draining: asyncio.Task[None] | None = None
        self.stopped = False

    def run(self) -> None:
        """Serve until stopped."""
        events: Any = reactor  # its stubs have the arguments in another order
        _use_monotonic_clock(events)
        events.addSystemEventTrigger("before", "shutdown", _close_before_shutdown)
        events.callLater(0, lambda: runtime().start())
        LoopingCall(trim).start(TRIM_SECONDS, now=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            twisted_loop.add_signal_handler(number, self.on_sigterm)
        super().run()

    def listen_success(self, port: Any) -> None:
        """The port is open: print the addresses, which tools wait for."""
        super().listen_success(port)
        limit_requests(self.http_factory)
        self.ports.append(port)
        _log(
            f"voicebot answers calls at {settings.SERVER_URL}/voice\n"
            f"{self.first_steps}"
            f"The console is at {settings.SERVER_URL}/admin/ (stop with Ctrl-C)"
        )

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Send a message of an application; wait until an HTTP client has taken it."""
        is_http = isinstance(protocol, PacedRequest)
        for part in slices(message) if is_http else [message]:
            await super().handle_reply(protocol, part)
            if is_http:
                await protocol.taken()

    def on_sigterm(self) -> None:
        """Drain; the second time, stop at once."""
        if self.draining:
            return self.stop()
        self.draining = twisted_loop.create_task(self._drain())
        return None

    def stop(self) -> None:
        """Stop at once."""
        if not self.stopped:
            self.stopped = True
            super().stop()

    async def _drain(self) -> None:
        seconds = settings.DRAIN_TIMEOUT_SECONDS
        if count := len(active_calls().sessions):
            _log(
                f"Stopping. Calls in progress: {count}. They have {seconds} s to end. "
                "To end now, stop again."
            )
        try:
            await drain(seconds, self._stop_listening)
        finally:
            self.stop()

    async def _stop_listening(self) -> None:
        for port in self.ports:
            closed = port.stopListening()
            if isinstance(closed, Deferred):
                await closed.asFuture(asyncio.get_running_loop())


def _use_monotonic_clock(events: Any) -> None:
    """Replace the wall clock of Twisted and daphne.

    If the wall clock is set an hour ahead, everything would time out at once; if it is
    set back, nothing would for an hour.
    """
    events.seconds = monotonic
    for module in (server, http_protocol, ws_protocol):
        vars(module)["time"] = SimpleNamespace(time=monotonic)


def _close_before_shutdown() -> Deferred[None]:
    """Close calls and write what is queued, before the reactor stops."""
    return Deferred.fromFuture(asyncio.ensure_future(_close_all()))


async def _close_all() -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(runtime().aclose(), CLOSE_SECONDS)


def _log(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
