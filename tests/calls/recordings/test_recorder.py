"""The recorder asks a fake Twilio, over real sockets, and reports what came of it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from pytest_django import Settings

from calls.background import BackgroundTasks
from calls.logs import CallLog
from calls.recordings import recorder as module
from calls.recordings.recorder import (
    BEGAN_LATE,
    HAD_SECRETS,
    NOT_STOPPED,
    TOO_LATE,
    TwilioRecorder,
)
from calls.transcripts.recording_rows import RecordingReport
from calls.turns.recording import RecordingState
from calls.twilio.account import Account
from calls.twilio.recordings import RecordingControl
from tests.support.twilio import SID, TOKEN
from tests.support.twilio_recordings import (
    AWAY,
    CALL_OVER,
    FORBIDDEN,
    GONE,
    RecordingTwilio,
)

ON, PAUSED, OFF = RecordingState.ON, RecordingState.PAUSED, RecordingState.OFF
CALL = "CA" + "c1" * 16
BAD_ANSWER = 200, b"<html>"


@pytest.fixture
def twilio() -> Iterator[RecordingTwilio]:
    with RecordingTwilio() as fake:
        yield fake


class Call:
    """A call that is recorded; its reports are kept."""

    def __init__(self, twilio: RecordingTwilio, *, is_resumed: bool = False) -> None:
        self.reports: list[RecordingReport] = []
        log = CallLog(logging.getLogger(__name__), CALL)
        self.tasks = BackgroundTasks(log)
        self.control = RecordingControl(Account(SID, (TOKEN,), twilio.url))
        self.recorder = TwilioRecorder(
            *(CALL, SID, self.control, self.reports.append, self.tasks, log),
            is_resumed=is_resumed,
        )

    async def wants(self, *states: RecordingState) -> list[tuple[str, str]]:
        """Want one state after the other; return the statuses reported so far."""
        for state in states:
            self.recorder.set_state(state)
            await self.rests()
        return [(str(report.status), report.problem) for report in self.reports]

    async def rests(self) -> None:
        """Wait until the recorder asks nothing more."""
        if self.tasks.tasks:
            await asyncio.wait(set(self.tasks.tasks), timeout=10)


@pytest.fixture
async def make_call(
    twilio: RecordingTwilio, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[..., Call]]:
    monkeypatch.setattr(module, "RETRY_SECONDS", (0.0, 0.0))
    made: list[Call] = []

    def make(*, is_resumed: bool = False) -> Call:
        made.append(Call(twilio, is_resumed=is_resumed))
        return made[-1]

    yield make
    for call in made:
        await call.control.aclose()


Make = Callable[..., Call]


async def test_a_call_is_recorded_paused_and_goes_on(
    twilio: RecordingTwilio, make_call: Make, settings: Settings
) -> None:
    call = make_call()
    reported = await call.wants(ON, PAUSED, ON, OFF)
    assert [status for status, _ in reported] == ["recording", "paused", "recording"]
    assert twilio.log() == ["start", "paused", "in-progress", "stopped"]
    assert twilio.form == {
        "RecordingChannels": "dual",
        "RecordingTrack": "both",
        "Trim": "do-not-trim",
        "RecordingStatusCallback": f"{settings.SERVER_URL}/voice/recording",
        "RecordingStatusCallbackMethod": "POST",
        "RecordingStatusCallbackEvent": "in-progress completed absent",
    }
    assert twilio.requests[1][2] == {"Status": "paused", "PauseBehavior": "silence"}
    assert call.reports[0].at
    assert call.reports[0].by_us


async def test_a_pause_that_fails_ends_the_recording_and_another_begins_later(
    twilio: RecordingTwilio, make_call: Make
) -> None:
    call = make_call()
    await call.wants(ON)
    twilio.answers["paused"] = [AWAY]
    await call.wants(PAUSED)
    assert twilio.log() == ["start", "paused", "stopped"]
    await call.wants(ON)
    assert twilio.log()[3:] == ["start"]
    assert len({report.sid for report in call.reports}) == 2
    assert not any(report.discarded for report in call.reports)


async def test_a_recording_that_can_neither_pause_nor_stop_is_deleted(
    twilio: RecordingTwilio, make_call: Make
) -> None:
    call = make_call()
    await call.wants(ON)
    twilio.answers |= {"paused": [AWAY], "stopped": [AWAY] * 3}
    reported = await call.wants(PAUSED)
    assert reported[-1] == ("deleted", NOT_STOPPED)
    assert call.reports[-1].discarded
    await call.wants(ON)
    assert twilio.log().count("start") == 1  # nothing more of this call


async def test_a_secret_key_before_the_pause_spoils_the_recording(
    twilio: RecordingTwilio, make_call: Make
) -> None:
    call = make_call()
    await call.wants(ON)
    call.recorder.set_state(PAUSED)
    call.recorder.hide_key()  # Twilio has not answered yet
    await call.rests()
    assert (str(call.reports[-1].status), call.reports[-1].problem) == (
        "deleted",
        HAD_SECRETS,
    )
    await call.wants(ON)
    assert len({report.sid for report in call.reports}) == 2
    assert str(call.reports[-1].status) == "recording"


async def test_a_secret_key_during_a_pause_spoils_nothing(
    twilio: RecordingTwilio, make_call: Make
) -> None:
    call = make_call()
    await call.wants(ON, PAUSED)
    call.recorder.hide_key()
    await call.wants(ON)
    assert not any(report.discarded for report in call.reports)


async def test_a_secret_key_while_the_recording_begins_spoils_it(
    twilio: RecordingTwilio, make_call: Make
) -> None:
    call = make_call()
    call.recorder.set_state(ON)
    await asyncio.sleep(0)
    call.recorder.hide_key()
    await call.rests()
    assert [str(report.status) for report in call.reports] == [
        *("recording", "deleted", "recording")
    ]


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (FORBIDDEN, "failed", "Permission denied"),
        ((401, b""), "failed", "Twilio rejects TWILIO_ACCOUNT_SID"),
        ((400, b'{"code": 1, "message": "No."}'), "failed", "No."),
        (BAD_ANSWER, "failed", "What answers is not Twilio's API."),
        ((200, b"{}"), "failed", "did not say which recording"),
        (GONE, "absent", TOO_LATE),
    ],
)
async def test_a_refused_start_is_told_once(
    twilio: RecordingTwilio,
    make_call: Make,
    answer: tuple[int, bytes],
    status: str,
    words: str,
) -> None:
    twilio.answers["start"] = [answer] * 2
    call = make_call()
    ((reported, problem),) = await call.wants(ON, PAUSED, ON)
    assert reported == status
    assert words in problem
    assert twilio.log() == ["start"]
    assert call.reports[0].sid == ""


async def test_a_call_that_still_rings_is_recorded_a_moment_later(
    twilio: RecordingTwilio, make_call: Make
) -> None:
    twilio.answers["start"] = [CALL_OVER]
    call = make_call()
    assert [status for status, _ in await call.wants(ON)] == ["recording"]
    assert twilio.log() == ["start", "start"]


async def test_a_call_that_is_over_is_not_recorded(
    twilio: RecordingTwilio, make_call: Make
) -> None:
    twilio.answers["start"] = [CALL_OVER] * 9
    call = make_call()
    assert await call.wants(ON) == [("absent", TOO_LATE)]
    assert twilio.log() == ["start"] * 3


async def test_a_start_without_an_answer_is_looked_for_before_it_is_repeated(
    twilio: RecordingTwilio, make_call: Make
) -> None:
    running = twilio.starts(CALL)
    twilio.answers["start"] = [AWAY]
    call = make_call()
    await call.wants(ON)
    assert twilio.log() == ["start", "list"]
    assert call.reports[0].sid == running["sid"]


async def test_a_start_without_an_answer_is_repeated_a_few_times(
    twilio: RecordingTwilio, make_call: Make
) -> None:
    twilio.answers["start"] = [AWAY] * 9
    call = make_call()
    ((status, problem),) = await call.wants(ON)
    assert status == "failed"
    assert "Twilio has a problem" in problem
    assert twilio.log().count("start") == 3


async def test_a_second_session_goes_on_with_what_is_recorded(
    twilio: RecordingTwilio, make_call: Make
) -> None:
    first = make_call()
    await first.wants(ON, PAUSED)
    second = make_call(is_resumed=True)
    await second.wants(ON)
    third = make_call(is_resumed=True)
    await third.wants(ON)
    assert twilio.log().count("start") == 1
    sids = {report.sid for call in (first, second, third) for report in call.reports}
    assert len(sids) == 1


async def test_a_second_session_begins_if_nothing_is_recorded(
    twilio: RecordingTwilio, make_call: Make
) -> None:
    call = make_call(is_resumed=True)
    assert [status for status, _ in await call.wants(ON)] == ["recording"]
    assert twilio.log() == ["list", "start"]


@pytest.mark.parametrize("step", ["paused", "in-progress", "stopped"])
async def test_the_end_of_the_call_ends_the_recording(
    twilio: RecordingTwilio, make_call: Make, step: str
) -> None:
    call = make_call()
    await call.wants(ON)
    twilio.answers[step] = [GONE]
    await call.wants(PAUSED, ON, OFF)
    assert not any(report.discarded for report in call.reports)
    assert call.recorder.progress.actual is OFF


async def test_a_call_of_an_unknown_account_is_not_recorded(
    twilio: RecordingTwilio, make_call: Make
) -> None:
    call = make_call()
    call.recorder.account_sid = "../Accounts"
    ((status, problem),) = await call.wants(ON)
    assert status == "failed"
    assert "without the account" in problem
    assert twilio.requests == []


async def test_a_subaccounts_call_is_recorded_there(
    twilio: RecordingTwilio, make_call: Make
) -> None:
    call = make_call()
    call.recorder.account_sid = subaccount = "AC" + "b2" * 16
    await call.wants(ON)
    assert {path.split("/")[3] for _, path, _ in twilio.requests} == {subaccount}


async def test_another_session_waits_for_a_start_that_is_in_flight(
    twilio: RecordingTwilio, make_call: Make
) -> None:
    call = make_call()
    call.recorder.set_state(ON)
    await asyncio.sleep(0)
    call.recorder.resume()  # the relay was lost at this moment
    await call.wants(PAUSED)
    call.recorder.resume()
    await call.wants(ON)
    assert twilio.log() == ["start", "paused", "list", "in-progress"]


async def test_a_recording_that_begins_after_its_session_is_lost_is_deleted(
    twilio: RecordingTwilio, make_call: Make
) -> None:
    """Another process may go on with the call, and knows nothing of it."""
    call = make_call()
    call.recorder.set_state(ON)
    await asyncio.sleep(0)
    call.recorder.leave()
    await call.rests()
    assert twilio.log() == ["start", "stopped"]
    assert call.reports[-1].problem == BEGAN_LATE
    assert call.reports[-1].discarded


async def test_a_lost_session_asks_no_more_whether_it_records(
    twilio: RecordingTwilio, make_call: Make
) -> None:
    twilio.answers["start"] = [AWAY]
    call = make_call()
    call.recorder.set_state(ON)
    await asyncio.sleep(0)
    call.recorder.leave()
    await call.rests()
    # It would find the recording of another process. Its own is deleted once reported.
    assert twilio.log() == ["start"]
    assert [(str(report.status), report.sid) for report in call.reports] == [
        ("failed", "")
    ]


async def test_a_lost_session_still_ends_what_it_has_to_end(
    twilio: RecordingTwilio, make_call: Make
) -> None:
    call = make_call()
    await call.wants(ON)
    call.recorder.set_state(OFF)
    call.recorder.leave()
    await call.rests()
    assert twilio.log() == ["start", "stopped"]
    assert not any(report.discarded for report in call.reports)


@pytest.mark.parametrize("runs", [True, False])
async def test_a_refused_stop_costs_no_recording_that_was_stopped_before(
    twilio: RecordingTwilio, make_call: Make, runs: bool
) -> None:
    call = make_call()
    await call.wants(ON)
    (record,) = twilio.recordings.values()
    record["status"] = "in-progress" if runs else "completed"
    twilio.answers["stopped"] = [(400, b'{"code": 1, "message": "Not running."}')]
    await call.wants(OFF)
    assert twilio.log() == ["start", "stopped", "list"]
    assert call.reports[-1].discarded is runs
