"""Everything that runs beside the calls of a process: started once, stopped once."""

from functools import lru_cache

from calls.operations.heartbeat import Heartbeat
from calls.operations.loop_lag import loop_watch
from calls.post_call.worker import PostCallWorker
from calls.privacy.nightly_purge import NightlyPurge
from calls.session.active_calls import ActiveCalls, active_calls
from calls.session.operator_controls import OperatorControls
from calls.session.services import Services, services


class Runtime:
    """The background jobs of one process, on its one event loop."""

    def __init__(self, calls: ActiveCalls, shared: Services) -> None:
        self.calls = calls
        self.services = shared
        self.heartbeat = Heartbeat(calls, shared.transcripts)
        self.operator_controls = OperatorControls(calls, shared.broadcaster)
        self.nightly_purge = NightlyPurge(shared.clips)
        self.post_call_worker = PostCallWorker(shared.inworld)

    def start(self) -> None:
        """Start what is not running yet, on the running loop."""
        loop_watch.start()
        self.heartbeat.start()
        self.operator_controls.start()
        self.nightly_purge.start()
        self.post_call_worker.start()

    async def aclose(self) -> None:
        """End the calls, stop the jobs, then close what they used."""
        await self.calls.end_all()
        await self.heartbeat.aclose()
        await self.operator_controls.aclose()
        await self.nightly_purge.aclose()
        await self.post_call_worker.aclose()
        await self.services.aclose()


@lru_cache(maxsize=1)
def runtime() -> Runtime:
    """The background jobs of this process."""
    return Runtime(active_calls(), services())
