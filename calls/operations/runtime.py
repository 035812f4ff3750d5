"""Everything that runs beside the calls of a process: started once, stopped once."""

from functools import lru_cache

from django.conf import settings

from calls.alerts.worker import AlertWorker
from calls.background import PeriodicTask
from calls.clips.streaming_policy import AUTO
from calls.costs.price_list import refresh_list
from calls.costs.settling import settle_due
from calls.db import run_in_db_thread
from calls.export_files.worker import ExportWorker
from calls.operations.heartbeat import Heartbeat
from calls.operations.loop_lag import LoopLag
from calls.operations.reaper import Reaper
from calls.operations.stream_trials import StreamTrials
from calls.operations.trouble import find_troubles
from calls.operations.warm_up import WarmUp
from calls.post_call.worker import PostCallWorker
from calls.privacy.nightly_purge import NightlyPurge
from calls.recordings.worker import RecordingWorker
from calls.session.active_calls import ActiveCalls, active_calls
from calls.session.operator_controls import OperatorControls
from calls.session.services import Services, services

REAPER_SECONDS = 60.0
COST_SECONDS = 5.0
# The list is fetched once a day; an attempt that fails is repeated so much later.
LIST_SECONDS = 1800.0
FIRST_LIST_SECONDS = 60.0  # when bots have begun to speak


class Runtime:
    """The background jobs of one process, on its one event loop."""

    def __init__(self, calls: ActiveCalls, shared: Services) -> None:
        self.calls = calls
        self.services = shared
        self.operator_controls = OperatorControls(
            calls, shared.broadcaster, shared.fetches
        )
        self.post_call_worker = PostCallWorker(shared.inworld)
        self.warm_up = WarmUp(shared)
        self.stream_trials = StreamTrials()
        if settings.STREAM_CLIPS == AUTO:
            shared.streaming = self.stream_trials
        reap = run_in_db_thread(Reaper().run)
        self.jobs = (
            Heartbeat(calls, shared.transcripts),
            PeriodicTask(REAPER_SECONDS, reap, "Reaper"),
            PeriodicTask(COST_SECONDS, settle_due, "Costs"),
            PeriodicTask(
                *(LIST_SECONDS, run_in_db_thread(refresh_list), "Price list"),
                delay=FIRST_LIST_SECONDS,
            ),
            LoopLag(calls),
            self.operator_controls,
            NightlyPurge(shared.clips),
            self.post_call_worker,
            RecordingWorker(),
            AlertWorker(lambda: find_troubles(shared)),
            ExportWorker(lambda: bool(calls.sessions)),
            self.warm_up,
            self.stream_trials,
        )

    def start(self) -> None:
        """Start the jobs that are not running yet, on the running loop."""
        for job in self.jobs:
            job.start()

    async def aclose(self) -> None:
        """End the calls, stop the jobs, then close what they used."""
        await self.calls.end_all()
        for job in self.jobs:
            await job.aclose()
        await self.services.aclose()


@lru_cache(maxsize=1)
def runtime() -> Runtime:
    """The background jobs of this process."""
    return Runtime(active_calls(), services())
