"""Records one call, as its session says: at Twilio, and beside the call."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from django.urls import reverse
from django.utils import timezone

from calls import metrics
from calls.background import BackgroundTasks
from calls.logs import CallLog
from calls.models.recording import Status
from calls.public_urls import public_url
from calls.recordings.steps import Progress, Step, next_step
from calls.transcripts.recording_rows import RecordingReport
from calls.turns.recording import RecordingState
from calls.twilio.errors import CallOver, NotFound, TwilioAway, TwilioError
from calls.twilio.recordings import IN_PROGRESS, PAUSED, STOPPED, RecordingControl

# Pauses before further attempts at a request that had no answer.
RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)
STATUS_OF_STEP = {
    Step.PAUSE: PAUSED,
    Step.RESUME: IN_PROGRESS,
    Step.STOP: STOPPED,
    Step.DISCARD: STOPPED,
}
HAD_SECRETS = "Deleted: hidden digits were typed before the recording was paused."
BEGAN_LATE = "Deleted: the connection was lost before this recording began."
NOT_STOPPED = "Deleted: Twilio did not pause or end this recording when it had to."
TOO_LATE = "The call ended before the recording began."


class Recorder(Protocol):
    """Records a call. Its methods return at once: no call waits for a recording."""

    def set_state(self, state: RecordingState) -> None:
        """Record from now on, pause, or stop."""

    def hide_key(self) -> None:
        """A secret key was pressed just now: no sound of it may be kept."""

    def leave(self) -> None:
        """The session is lost; another process may go on with the call."""


class NoRecorder:
    """Records nothing."""

    def set_state(self, state: RecordingState) -> None:
        """Ignore it."""

    def hide_key(self) -> None:
        """Ignore it."""

    def leave(self) -> None:
        """Ignore it."""


NOT_RECORDED = NoRecorder()


class TwilioRecorder:
    """Has Twilio record one call, one request at a time.

    `tasks` outlive the session: a stop is carried out after the relay has closed.
    `is_resumed`: an earlier session of the call may have a recording that goes on.
    """

    def __init__(
        self,
        call_sid: str,
        account_sid: str,
        control: RecordingControl,
        report: Callable[[RecordingReport], None],
        tasks: BackgroundTasks,
        log: CallLog,
        *,
        is_resumed: bool = False,
        sid: str = "",
    ) -> None:
        self.call_sid = call_sid
        self.account_sid = account_sid
        self.control = control
        self.report = report
        self.tasks = tasks
        self.log = log
        self.sid = sid  # of the recording that runs
        self.attempts = 0
        self.is_busy = False
        self.progress = Progress(is_unsure=is_resumed)
        if sid:
            self.progress.actual = RecordingState.ON

    def set_state(self, state: RecordingState) -> None:
        """Record from now on, pause, or stop."""
        self.progress.wanted = state
        self._follow()

    def hide_key(self) -> None:
        """A secret key was pressed just now: no sound of it may be kept."""
        self.progress.press_secret_key()
        self._follow()

    def leave(self) -> None:
        """The session is lost; another process may go on with the call.

        It could not pause what begins from now on, so that is deleted.
        """
        self.progress.is_left = True

    def resume(self) -> None:
        """Another session of the call begins; a request may still be in flight."""
        self.progress.is_left = False
        if not self.is_busy:
            self.progress = Progress(is_unsure=True)

    def _follow(self) -> None:
        if not self.is_busy:
            self.is_busy = True
            self.tasks.start(self._take_steps())

    async def _take_steps(self) -> None:
        try:
            while step := next_step(self.progress):
                await self._take(step)
        finally:
            self.is_busy = False

    async def _take(self, step: Step) -> None:
        began = timezone.now()
        try:
            await self._request(step)
        except TwilioError as error:
            metrics.RECORDING_REQUESTS.labels(step, "failed").inc()
            self.log.warning("Recording, %s: %s", step, type(error).__name__)
            await self._failed(step, error)
        else:
            metrics.RECORDING_REQUESTS.labels(step, "done").inc()
            self.attempts = self.attempts if step is Step.FIND else 0
            self._done(step, began + (timezone.now() - began) / 2)

    async def _request(self, step: Step) -> None:
        control, ids = self.control, (self.account_sid, self.call_sid)
        match step:
            case Step.FIND:
                if running := await control.find(*ids):
                    self.sid = running.sid
                    is_paused = running.status == PAUSED
                    state = RecordingState.PAUSED if is_paused else RecordingState.ON
                    self.progress.actual = state
                    self._report(Status.PAUSED if is_paused else Status.RECORDING)
            case Step.START:
                self.progress.is_starting = True
                try:
                    callback = public_url(reverse("voice-recording"))
                    self.sid = await control.start(*ids, callback)
                finally:
                    self.progress.is_starting = False
            case _:
                if step is Step.DISCARD:
                    had_secrets = self.progress.has_secret
                    self._discard(HAD_SECRETS if had_secrets else BEGAN_LATE)
                self.progress.may_run |= step is Step.RESUME
                await control.change(*ids, self.sid, STATUS_OF_STEP[step])

    def _done(self, step: Step, at: datetime) -> None:
        progress = self.progress
        match step:
            case Step.FIND:
                progress.is_unsure = False
                if progress.actual is RecordingState.OFF:
                    progress.end()
            case Step.START:
                progress.actual = RecordingState.ON
                progress.is_late = progress.is_left
                self._report(Status.RECORDING, at)
            case Step.RESUME:
                progress.actual = RecordingState.ON
                progress.may_run = False
                self._report(Status.RECORDING)
            case Step.PAUSE:
                progress.actual = RecordingState.PAUSED
                progress.may_run = False
                self._report(Status.PAUSED)
            case Step.STOP | Step.DISCARD:
                progress.end()

    async def _failed(self, step: Step, error: TwilioError) -> None:
        progress = self.progress
        # Twilio connects the relay before it counts the call as answered.
        is_ringing = step is Step.START and isinstance(error, CallOver)
        if isinstance(error, CallOver | NotFound) and not is_ringing:
            return self._over(step)
        if step is Step.PAUSE:  # no second attempt: the caller is about to type
            progress.must_stop = True
            return None
        if step is Step.START:
            progress.is_unsure = isinstance(error, TwilioAway)
        may_pass = isinstance(error, TwilioAway) or is_ringing
        if may_pass and self.attempts < len(RETRY_SECONDS):
            await asyncio.sleep(RETRY_SECONDS[self.attempts])
            self.attempts += 1
            if not (progress.is_left and progress.is_unsure):
                return None
        was_stopped = step is Step.STOP and not may_pass and not await self._runs()
        is_over = is_ringing or was_stopped
        return self._over(step) if is_over else self._give_up(step, error)

    async def _runs(self) -> bool:
        """False if the recording was stopped before, as a transfer does it twice."""
        try:
            running = await self.control.find(self.account_sid, self.call_sid)
        except TwilioError:
            return True
        return running is not None and running.sid == self.sid

    def _over(self, step: Step) -> None:
        """Twilio has no such call or recording in progress any more."""
        if step is Step.START:
            self.report(RecordingReport(Status.ABSENT, problem=TOO_LATE))
        self.progress.end()
        self.progress.given_up = True

    def _give_up(self, step: Step, error: TwilioError) -> None:
        progress = self.progress
        progress.given_up = True
        match step:
            case Step.START | Step.FIND:
                problem = f"Not recorded. {error}"
                self.report(RecordingReport(Status.FAILED, problem=problem))
                progress.end()
            case Step.STOP:
                self._discard(NOT_STOPPED)
                progress.end()
            case Step.DISCARD:
                progress.end()

    def _discard(self, problem: str) -> None:
        """Let nobody hear the recording; workers delete it as soon as Twilio can."""
        discarded = RecordingReport(
            Status.DELETED,
            self.sid,
            self.account_sid,
            problem=problem,
            by_us=True,
            discarded=True,
        )
        self.report(discarded)

    def _report(self, status: Status, at: datetime | None = None) -> None:
        sid, account_sid = self.sid, self.account_sid
        self.report(RecordingReport(status, sid, account_sid, at, by_us=True))
