"""Whatever Twilio answers, and whenever: no secret key is on a recording that stays."""

import asyncio
import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.background import BackgroundTasks
from calls.logs import CallLog
from calls.recordings import recorder as module
from calls.recordings.recorder import TwilioRecorder
from calls.transcripts.recording_rows import RecordingReport
from calls.turns.recording import RecordingState
from calls.twilio.errors import NotFound, TwilioAway, TwilioError, TwilioRefused
from calls.twilio.recordings import PAUSED, STOPPED, TwilioRecording

# What the session does, and how Twilio answers the next request: it does it, it does it
# and the answer is lost, it does nothing, it refuses.
STEPS = ("on", "pause", "key", "reconnect", "done", "lost", "away", "refused")


class Line:
    """A call, and a Twilio in memory whose answers the test gives."""

    def __init__(self) -> None:
        self.statuses: dict[str, str] = {}  # by SID
        self.spoilt: set[str] = set()  # have a secret key on them
        self.reports: list[RecordingReport] = []
        self.waiting: asyncio.Future[str] | None = None
        log = CallLog(logging.getLogger(__name__), "CA1")
        self.tasks = BackgroundTasks(log)
        control: Any = self
        self.recorder = TwilioRecorder(
            *("CA1", "AC1", control, self.reports.append, self.tasks, log)
        )

    # As `RecordingControl`

    async def start(self, account_sid: str, call_sid: str, callback: str) -> str:
        answer = await self._answer()
        if answer in ("away", "refused"):
            raise _error(answer)
        sid = f"RE{len(self.statuses) + 1}"
        self.statuses[sid] = "in-progress"
        await self._lose(answer)
        return sid

    async def find(self, account_sid: str, call_sid: str) -> TwilioRecording | None:
        if (answer := await self._answer()) in ("away", "refused"):
            raise _error(answer)
        await self._lose(answer)
        for sid, status in self.statuses.items():
            if status != STOPPED:
                return TwilioRecording(sid, status)
        return None

    async def change(self, _: str, __: str, sid: str, status: str) -> None:
        answer = await self._answer()
        if answer in ("away", "refused"):
            raise _error(answer)
        if self.statuses[sid] == STOPPED:
            raise NotFound
        self.statuses[sid] = status
        await self._lose(answer)

    async def _answer(self) -> str:
        self.waiting = asyncio.get_running_loop().create_future()
        return await self.waiting

    async def _lose(self, answer: str) -> None:
        """The answer is lost; keys may be pressed until that is known."""
        if answer == "lost":
            await self._answer()
            raise TwilioAway("No answer.")

    # What happens

    async def step(self, step: str) -> None:
        match step:
            case "on":
                self.recorder.set_state(RecordingState.ON)
            case "pause":
                self.recorder.set_state(RecordingState.PAUSED)
            case "key":
                self.press()
            case "reconnect":
                self.recorder.leave()
                self.recorder.resume()
                self.recorder.set_state(self.recorder.progress.wanted)
            case answer:
                self.answer(answer)
        await self.settle()

    def press(self) -> None:
        if self.recorder.progress.wanted is RecordingState.OFF:
            return
        self.recorder.set_state(RecordingState.PAUSED)
        heard = [
            sid for sid, status in self.statuses.items() if status == "in-progress"
        ]
        self.spoilt.update(heard)
        self.recorder.hide_key()

    def answer(self, answer: str) -> None:
        if self.waiting and not self.waiting.done():
            self.waiting.set_result(answer)

    async def settle(self) -> None:
        for _ in range(8):
            await asyncio.sleep(0)

    async def finish(self) -> None:
        """Twilio answers everything from now on."""
        for _ in range(40):
            self.answer("done")
            await self.settle()
        assert not self.tasks.tasks

    @property
    def kept(self) -> set[str]:
        """The recordings that somebody may hear."""
        discarded = {each.sid for each in self.reports if each.discarded}
        controlled = {each.sid for each in self.reports if each.by_us and each.sid}
        gave_up = any(str(each.status) == "failed" for each in self.reports)
        # `recording_rows` deletes what runs although the session has given up.
        known = controlled if gave_up else set(self.statuses)
        return known - discarded


def _error(answer: str) -> TwilioError:
    if answer == "refused":
        return TwilioRefused("No.")
    return TwilioAway("No answer.")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", (0.0, 0.0))


@settings(max_examples=400)
@given(st.lists(st.sampled_from(STEPS), max_size=25))
def test_no_secret_key_stays_on_a_recording(steps: list[str]) -> None:
    asyncio.run(happens(steps))


@pytest.mark.parametrize(
    "steps",
    [
        "done pause done on lost key",
        "done pause done on lost done pause key",
        "done pause done on lost done refused pause key",
    ],
)
async def test_a_recording_that_may_go_on_again_is_paused_anew(steps: str) -> None:
    """It was asked to go on, and the answer is lost."""
    await happens(steps.split())


async def happens(steps: list[str]) -> None:
    line = Line()
    await line.step("on")
    for step in steps:
        await line.step(step)
    await line.finish()
    assert line.spoilt & line.kept == set()
    assert not [sid for sid in line.kept if line.statuses[sid] == PAUSED] or (
        line.recorder.progress.wanted is not RecordingState.ON
        or line.recorder.progress.given_up
    )
