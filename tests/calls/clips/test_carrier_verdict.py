"""The verdict on an account, from its calls in order."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.clips.carrier_evidence import Evidence
from calls.clips.carrier_verdict import (
    MAX_TRIAL_CALLS,
    NEEDED,
    RETRY_AFTER,
    CarrierRecord,
    Verdict,
    conclusive,
)
from calls.clips.clip_format import ClipFormat

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
WAV, MP3 = ClipFormat.WAV, ClipFormat.MP3
numbers = count()
CODES = {
    "s": Evidence.STREAMED,
    "w": Evidence.WAITED,
    "r": Evidence.REFUSED,
    "?": Evidence.UNCLEAR,
}


def after(
    codes: str, record: CarrierRecord | None = None, now: datetime = NOW
) -> CarrierRecord:
    """The record after one call for each letter."""
    record = record or CarrierRecord()
    for code in codes:
        call, tried = f"call {next(numbers)}", record.next_format
        record = record.observed(call, tried, CODES[code], now)
    return record


@pytest.mark.parametrize(
    ("codes", "verdict"),
    [
        ("", Verdict.UNKNOWN),
        ("ss", Verdict.UNKNOWN),
        ("sss", Verdict.STREAMS),
        ("s?s?s", Verdict.STREAMS),
        ("ww", Verdict.UNKNOWN),
        ("www", Verdict.WAITS),
        ("r", Verdict.UNKNOWN),
        ("rr", Verdict.REFUSES),
        ("sswss", Verdict.UNKNOWN),
        ("sswsss", Verdict.STREAMS),
        ("wwrwww", Verdict.WAITS),
        ("rsrsr", Verdict.UNKNOWN),
        ("????", Verdict.UNKNOWN),
        ("?" * MAX_TRIAL_CALLS, Verdict.UNCLEAR),
        ("sw" * (MAX_TRIAL_CALLS // 2), Verdict.UNCLEAR),
    ],
)
def test_a_verdict_needs_calls_in_a_row_that_agree(
    codes: str, verdict: Verdict
) -> None:
    assert after(codes).verdict is verdict


def test_a_verdict_says_since_when_and_from_how_many_calls() -> None:
    streams = after("sss")
    assert (streams.since, streams.calls, streams.retry_at) == (NOW, 3, None)
    waits = after("sswwwwww")
    assert (waits.since, waits.calls) == (NOW, 6)
    assert waits.retry_at == NOW + RETRY_AFTER
    unclear = after("?" * MAX_TRIAL_CALLS)
    assert (unclear.calls, unclear.retry_at) == (MAX_TRIAL_CALLS, NOW + RETRY_AFTER)


def test_every_call_counts_once() -> None:
    record = CarrierRecord()
    for _ in range(9):
        record = record.observed("CA1", WAV, Evidence.STREAMED, NOW)
    assert record.verdict is Verdict.UNKNOWN
    assert len(record.shown) == 1
    streams = after("ss", record)
    for _ in range(9):
        streams = streams.observed("CA2", WAV, Evidence.STREAMED, NOW)
    assert streams.calls == 4


def test_of_a_call_that_contradicts_itself_the_worse_counts() -> None:
    record = after("ss").observed("CA1", WAV, Evidence.STREAMED, NOW)
    assert record.verdict is Verdict.STREAMS
    waited = after("ss").observed("CA1", WAV, Evidence.WAITED, NOW)
    assert waited.observed("CA1", WAV, Evidence.STREAMED, NOW) == waited
    assert waited.observed("CA1", WAV, Evidence.UNCLEAR, NOW) == waited


def test_one_refusal_puts_an_account_that_streams_on_trial_again() -> None:
    record = after("r", after("sss"))
    assert record.verdict is Verdict.UNKNOWN
    assert record.is_on_trial(NOW)
    assert after("r", record).verdict is Verdict.REFUSES
    assert after("sss", record).verdict is Verdict.STREAMS


def test_two_calls_that_waited_do_so_too() -> None:
    streams = after("sss")
    assert after("w", streams).streams
    assert after("wsw", streams).streams
    assert after("w?s?w?", streams).streams
    record = after("ww", streams)
    assert record.is_on_trial(NOW)
    assert after("w", record).verdict is Verdict.WAITS


def test_unclear_calls_of_an_account_that_streams_change_nothing() -> None:
    streams = after("sss")
    assert after("?" * 99, streams) == streams
    assert after("s" * 9, streams).calls == 12


@pytest.mark.parametrize(
    "codes", ["wwwwww", "rrrr", "rrwww", "wwwrr", "?" * MAX_TRIAL_CALLS]
)
def test_whole_clips_are_doubted_after_a_week(codes: str) -> None:
    record = after(codes)
    early, due = NOW + RETRY_AFTER - timedelta(seconds=1), NOW + RETRY_AFTER
    assert not record.is_on_trial(early)
    assert after("sss", record, early) == record
    assert record.is_on_trial(due)
    assert after("sss", record, due).verdict is Verdict.STREAMS


def test_the_same_verdict_again_counts_all_its_calls() -> None:
    later = NOW + RETRY_AFTER
    again = after("wwwwww", after("wwwwww"), later)
    assert (again.since, again.calls, again.retry_at) == (NOW, 12, later + RETRY_AFTER)
    other = after("rr", after("wwwwww"), later)
    assert (other.verdict, other.since, other.calls) == (Verdict.REFUSES, later, 2)


@pytest.mark.parametrize("codes", ["www", "rr"])
def test_if_wav_does_not_stream_mp3_is_tried_at_once(codes: str) -> None:
    record = after(codes)
    assert (record.format, record.next_format) == (WAV, MP3)
    assert record.is_on_trial(NOW)
    assert not record.streams
    streams = after("sss", record)
    assert (streams.verdict, streams.format) == (Verdict.STREAMS, MP3)
    assert (streams.next_format, streams.calls, streams.retry_at) == (MP3, 3, None)


@pytest.mark.parametrize("codes", ["www", "rr"])
def test_if_mp3_does_not_stream_either_both_are_tried_a_week_later(codes: str) -> None:
    record = after(codes, after("www"))
    assert (record.format, record.retry_at) == (MP3, NOW + RETRY_AFTER)
    assert not record.is_on_trial(NOW)
    later = NOW + RETRY_AFTER
    assert record.next_format is WAV
    assert after("www", record, later).next_format is MP3
    assert after("wwwsss", record, later).format is MP3


def test_what_shows_nothing_as_wav_is_not_tried_as_mp3() -> None:
    record = after("?" * MAX_TRIAL_CALLS)
    assert (record.next_format, record.is_on_trial(NOW)) == (WAV, False)


def test_a_late_clip_in_the_other_format_says_nothing() -> None:
    for record, other in [
        (after("www"), WAV),
        (after("wwwsss"), WAV),
        (after(""), MP3),
    ]:
        for evidence in Evidence:
            assert record.observed("CA1", other, evidence, NOW) == record


def test_an_account_that_streams_mp3_no_more_is_tried_with_wav_again() -> None:
    record = after("r", after("wwwsss"))
    assert (record.verdict, record.next_format) == (Verdict.UNKNOWN, WAV)
    assert record.shown == ()
    assert after("sss", record).format is WAV


def test_what_is_kept_names_no_call() -> None:
    record = CarrierRecord().observed("CA" + "7" * 32, WAV, Evidence.STREAMED, NOW)
    ((name, _),) = record.shown
    assert "7" * 32 not in name


calls = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from(ClipFormat),
        st.sampled_from(Evidence),
        st.booleans(),
    ),
    max_size=120,
)


@given(calls)
def test_invariants(clips: list[tuple[int, ClipFormat, Evidence, bool]]) -> None:
    record, now = CarrierRecord(), NOW
    for call, tried, evidence, next_week in clips:
        now += RETRY_AFTER if next_week else timedelta(seconds=1)
        before = record
        record = record.observed(str(call), tried, evidence, now)
        assert record.streams or record.is_on_trial(now) or record.retry_at
        assert not (record.streams and record.is_on_trial(now))
        assert len(record.shown) < MAX_TRIAL_CALLS
        assert (record.since is None) == (record.verdict is Verdict.UNKNOWN)
        if tried is not before.next_format:
            assert record == before
        elif before.streams and evidence is Evidence.REFUSED:
            assert not record.streams
        if record.verdict is not before.verdict and record.verdict:
            assert before.is_on_trial(now)
            assert record.format is tried
        if record.streams and not before.streams:
            needed, _ = NEEDED[Evidence.STREAMED]
            latest = conclusive(before.shown)[1 - needed :]
            assert {shown for _, shown in latest} == {Evidence.STREAMED}
