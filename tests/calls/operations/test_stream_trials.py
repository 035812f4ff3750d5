"""The policy `auto`: few calls on trial, what all processes know, and acting on it."""

import asyncio
from datetime import timedelta
from itertools import count

import pytest
from django import db
from django.utils import timezone
from pytest_django import Settings

from calls import metrics
from calls.clips.carrier_evidence import Evidence
from calls.clips.carrier_verdict import MAX_TRIAL_CALLS, CarrierRecord, Verdict
from calls.clips.clip_format import ClipFormat
from calls.clips.streaming_policy import AUTO, StreamedClip
from calls.db import run_in_db_thread
from calls.models import CarrierVerdict
from calls.operations import stream_trials
from calls.operations.stream_trials import MAX_CALLS_AT_ONCE, StreamTrials
from calls.transcripts.carrier_records import load_records, store_evidence

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNT = "AC1"
WAV, MP3 = ClipFormat.WAV, ClipFormat.MP3
numbers = count()


def clip(
    call_sid: str,
    shows: Evidence,
    account: str = ACCOUNT,
    grew_as: ClipFormat = WAV,
) -> StreamedClip:
    """A clip that shows this."""
    clip_id = "c1" + grew_as.suffix
    streamed = StreamedClip(account, call_sid, clip_id, 10.0, 10.0, 11.0, 4.0, 10.1)
    streamed.was_idle = True
    streamed.refused = shows is Evidence.REFUSED
    sound = {Evidence.STREAMED: 10.3, Evidence.WAITED: 11.1}
    streamed.audible_at = sound.get(shows)
    return streamed


async def call(trials: StreamTrials, shows: Evidence, account: str = ACCOUNT) -> bool:
    """One whole call; False if it did not stream."""
    call_sid = f"CA{next(numbers)}"
    grows_as = trials.stream_format(account, call_sid)
    if not grows_as:
        return False
    trials.observe(clip(call_sid, shows, account, grows_as))
    await trials.run()
    return True


async def running_trials() -> StreamTrials:
    trials = StreamTrials()
    await trials.run()
    return trials


async def test_three_calls_decide_for_all_processes() -> None:
    first, second = await running_trials(), await running_trials()
    for _ in range(3):
        assert await call(first, Evidence.STREAMED)
    await second.run()
    for trials in (first, second, await running_trials()):
        # Every call streams, however many there are.
        assert all(trials.stream_format(ACCOUNT, f"CA{n}") for n in range(99))


@pytest.mark.parametrize(
    ("shows", "calls", "verdict"),
    [
        (Evidence.WAITED, 6, Verdict.WAITS),
        (Evidence.REFUSED, 4, Verdict.REFUSES),
        (Evidence.UNCLEAR, MAX_TRIAL_CALLS, Verdict.UNCLEAR),
    ],
)
async def test_whole_clips_until_a_week_has_passed(
    shows: Evidence, calls: int, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_trials, "TRIAL_SECONDS", 0.0)
    trials = await running_trials()
    for _ in range(calls):
        assert await call(trials, shows)
    assert not await call(trials, shows)
    record = (await run_in_db_thread(load_records)())[ACCOUNT]
    assert (record.verdict, record.calls) == (verdict, calls)
    due = timezone.now() - timedelta(seconds=1)
    await run_in_db_thread(CarrierVerdict.objects.update)(retry_at=due)
    await trials.run()
    for _ in range(3):
        assert await call(trials, Evidence.STREAMED)
    assert trials.stream_format(ACCOUNT, "CA-other")


async def test_mp3_is_tried_and_streams_from_then_on() -> None:
    first, second = await running_trials(), await running_trials()
    for _ in range(3):
        assert await call(first, Evidence.WAITED)
    await second.run()
    # A call that showed what becomes of WAV may show it of MP3, too.
    assert second.stream_format(ACCOUNT, "CA0") is MP3
    for _ in range(3):
        assert await call(first, Evidence.STREAMED)
    await second.run()
    for trials in (first, second, await running_trials()):
        formats = {trials.stream_format(ACCOUNT, f"CA{n}") for n in range(9)}
        assert formats == {MP3}
        trials.observe(clip("CA-late", Evidence.REFUSED))  # it grew as a WAV
        assert trials.stream_format(ACCOUNT, "CA-late") is MP3


async def test_few_calls_stream_while_it_is_not_known() -> None:
    trials = await running_trials()
    at_once = [f"CA{n}" for n in range(9) if trials.stream_format(ACCOUNT, f"CA{n}")]
    assert at_once == [f"CA{n}" for n in range(MAX_CALLS_AT_ONCE)]
    assert trials.stream_format(ACCOUNT, "CA0")  # its next answer
    trials.observe(clip("CA0", Evidence.UNCLEAR))
    assert trials.stream_format(ACCOUNT, "CA0")
    trials.observe(clip("CA0", Evidence.WAITED))
    # It has shown what it can, and gives its place to another call.
    assert not trials.stream_format(ACCOUNT, "CA0")
    assert trials.stream_format(ACCOUNT, "CA7")
    assert not trials.stream_format(ACCOUNT, "CA8")


async def test_a_silent_call_does_not_keep_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trials = await running_trials()
    assert [trials.stream_format(ACCOUNT, f"CA{n}") for n in range(3)] == [
        WAV,
        WAV,
        None,
    ]
    monkeypatch.setattr(stream_trials, "TRIAL_SECONDS", 0.0)
    assert trials.stream_format(ACCOUNT, "CA2")


async def test_an_ended_call_does_not_keep_its_place() -> None:
    trials = await running_trials()
    for number in range(MAX_CALLS_AT_ONCE):
        assert trials.stream_format(ACCOUNT, f"CA{number}")
        trials.observe(clip(f"CA{number}", Evidence.UNCLEAR))
    assert not trials.stream_format(ACCOUNT, "CA-next")
    trials.call_ended("CA0")
    assert trials.stream_format(ACCOUNT, "CA-next")


async def test_a_refusal_is_acted_on_before_it_is_stored() -> None:
    trials = await running_trials()
    for _ in range(3):
        await call(trials, Evidence.STREAMED)
    assert trials.stream_format(ACCOUNT, "CA-refused")
    trials.observe(clip("CA-refused", Evidence.REFUSED))
    assert not trials.stream_format(ACCOUNT, "CA-refused")
    streaming = [trials.stream_format(ACCOUNT, f"CA-{n}") for n in range(9)]
    assert streaming.count(WAV) == MAX_CALLS_AT_ONCE
    await trials.run()
    assert (await run_in_db_thread(load_records)())[ACCOUNT].verdict is Verdict.UNKNOWN


async def test_accounts_do_not_speak_for_each_other() -> None:
    trials = await running_trials()
    for _ in range(3):
        await call(trials, Evidence.STREAMED, "AC2")
    assert all(trials.stream_format("AC2", f"CA-{n}") for n in range(9))
    assert not all(trials.stream_format(ACCOUNT, f"CA-{n}") for n in range(9))
    # A test call in a browser has no account.
    assert not trials.stream_format("", "CA-test")


async def test_nothing_streams_before_the_database_was_read() -> None:
    trials = StreamTrials()
    assert not trials.stream_format(ACCOUNT, "CA1")
    trials.observe(clip("CA1", Evidence.STREAMED))  # of a call that was resumed here
    assert not trials.waiting


async def test_observations_wait_for_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trials = await running_trials()

    def failing(*_: object) -> None:
        raise db.OperationalError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(stream_trials, "store_evidence", failing)
        for number in range(3):
            trials.observe(clip(f"CA{number}", Evidence.STREAMED))
        with pytest.raises(db.OperationalError):
            await trials.run()
    assert trials.stream_format(ACCOUNT, "CA-any")
    assert len(trials.waiting) == 3
    await trials.run()
    assert not trials.waiting
    assert (await run_in_db_thread(load_records)())[ACCOUNT].streams


async def test_many_processes_may_write_at_once() -> None:
    store = run_in_db_thread(store_evidence)
    now = timezone.now()
    await asyncio.gather(
        *(store(ACCOUNT, f"CA{n}", WAV, Evidence.UNCLEAR, now) for n in range(12))
    )
    records = await run_in_db_thread(load_records)()
    assert len(records[ACCOUNT].shown) == 12


async def test_records_survive_the_database() -> None:
    store = run_in_db_thread(store_evidence)
    now = timezone.now()
    for shows in (Evidence.STREAMED, Evidence.WAITED, Evidence.REFUSED):
        before, after = await store(ACCOUNT, f"CA{shows}", WAV, shows, now)
        assert before != after
    stored = await run_in_db_thread(load_records)()
    assert stored == {ACCOUNT: after}
    assert isinstance(stored[ACCOUNT], CarrierRecord)


async def test_a_new_verdict_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    trials = await running_trials()
    for _ in range(9):
        await call(trials, Evidence.REFUSED)
    first, second = [record.message for record in caplog.records]
    refuses = "Twilio refuses clips that still grow"
    assert first == f"{refuses} (WAV): MP3 is tried next (AC1)"
    assert second == f"{refuses} (MP3): clips are sent whole (AC1)"


async def test_what_clips_show_is_counted() -> None:
    trials = await running_trials()
    before = metrics.REGISTRY.get_sample_value(
        "voicebot_streamed_clips_total", {"format": "wav", "shown": "waited"}
    )
    trials.observe(clip("CA1", Evidence.WAITED))
    after = metrics.REGISTRY.get_sample_value(
        "voicebot_streamed_clips_total", {"format": "wav", "shown": "waited"}
    )
    assert (before or 0) + 1 == after


async def test_it_runs_only_if_the_settings_want_it(settings: Settings) -> None:
    settings.STREAM_CLIPS = AUTO
    trials = StreamTrials()
    trials.start()
    async with asyncio.timeout(15):
        while True:
            if trials.records is not None:
                break
            await asyncio.sleep(0.01)
    await trials.aclose()
    settings.STREAM_CLIPS = "off"
    idle = StreamTrials()
    idle.start()
    assert idle.task is None
