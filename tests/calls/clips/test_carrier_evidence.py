"""Conclusions from one streamed clip: certain ones only."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.clips.carrier_evidence import START_SECONDS, Evidence, evidence_of
from calls.clips.streaming_policy import StreamedClip

# A clip of 4 s: sent at 10.0 s, requested at 10.1 s, its last sound came at 10.9 s.
CLIP = StreamedClip(
    *("AC1", "CA1", "c1"),
    played_at=10.0,
    began_at=9.95,
    ended_at=10.9,
    seconds=4.0,
    fetched_at=10.1,
    was_idle=True,
)


def shows(**seen: float | bool | None) -> Evidence:
    return evidence_of(replace(CLIP, **seen))  # type: ignore[arg-type]


class TestReportedOutput:
    def test_sound_before_the_end_of_the_body_was_streamed(self) -> None:
        assert shows(audible_at=10.3) is Evidence.STREAMED
        assert shows(audible_at=10.3, silent_at=14.35) is Evidence.STREAMED

    def test_sound_after_the_end_of_the_body_has_waited(self) -> None:
        assert shows(audible_at=10.95) is Evidence.WAITED
        assert shows(audible_at=12.0, silent_at=16.0) is Evidence.WAITED

    def test_a_body_that_ends_soon_shows_no_wait(self) -> None:
        # A carrier that streams may take as long before it plays.
        assert shows(ended_at=10.3, audible_at=10.4) is Evidence.UNCLEAR
        assert shows(ended_at=10.3, audible_at=10.2) is Evidence.STREAMED

    def test_sound_just_before_the_end_may_have_waited_for_it(self) -> None:
        assert shows(audible_at=10.89) is Evidence.UNCLEAR

    def test_a_report_before_the_request_is_not_about_this_sound(self) -> None:
        assert shows(audible_at=10.05) is Evidence.UNCLEAR

    def test_output_behind_other_sound_is_not_this_clip_s(self) -> None:
        assert shows(audible_at=10.3, was_idle=False) is Evidence.UNCLEAR

    def test_an_output_that_lasts_too_long_was_not_sound_all_the_time(self) -> None:
        # It fell silent 4.0 s after 11.2 s: its sound came after the body's end.
        assert shows(audible_at=10.3, silent_at=15.2) is Evidence.UNCLEAR

    def test_the_end_of_an_output_with_more_clips_says_nothing(self) -> None:
        seen = {"audible_at": 10.3, "silent_at": 19.0}
        assert shows(next_played_at=12.0, **seen) is Evidence.STREAMED

    def test_sound_of_a_body_that_was_never_ended(self) -> None:
        heard = {"audible_at": 10.3, "ended_at": None}
        assert shows(cut=True, **heard) is Evidence.STREAMED
        assert shows(**heard) is Evidence.UNCLEAR


class TestRequestForTheNextClip:
    def test_one_that_comes_as_if_the_sound_began_early(self) -> None:
        seen = {"next_played_at": 11.0, "next_fetched_at": 14.3}
        assert shows(**seen) is Evidence.STREAMED

    def test_one_that_comes_as_if_the_sound_began_late(self) -> None:
        seen = {"next_played_at": 11.0, "next_fetched_at": 15.0}
        assert shows(**seen) is Evidence.WAITED

    def test_one_that_may_have_come_a_little_early(self) -> None:
        # The sound began at 10.7 s, or at 10.9 s if it was requested 0.2 s ahead.
        seen = {"next_played_at": 11.0, "next_fetched_at": 14.7}
        assert shows(**seen) is Evidence.UNCLEAR

    def test_one_that_comes_as_soon_as_the_next_clip_is_sent(self) -> None:
        seen = {"next_played_at": 14.9, "next_fetched_at": 15.0}
        assert shows(**seen) is Evidence.UNCLEAR

    def test_one_that_comes_as_soon_as_the_body_ends(self) -> None:
        seen = {"next_played_at": 10.2, "next_fetched_at": 10.95, "seconds": 0.7}
        assert shows(**seen) is Evidence.UNCLEAR

    def test_one_that_is_made_while_the_clip_plays(self) -> None:
        seen = {"next_played_at": 11.0, "next_fetched_at": 12.0}
        assert shows(**seen) is Evidence.UNCLEAR

    def test_twilio_s_own_reports_count_more(self) -> None:
        seen = {"next_played_at": 11.0, "next_fetched_at": 15.0}
        assert shows(audible_at=10.3, **seen) is Evidence.STREAMED


@pytest.mark.parametrize(
    ("seen", "evidence"),
    [
        ({"refused": True}, Evidence.REFUSED),
        ({"refused": True, "audible_at": 10.3}, Evidence.REFUSED),
        ({}, Evidence.UNCLEAR),  # the call ended, or nothing was reported
        ({"cut": True}, Evidence.UNCLEAR),
        ({"audible_at": 10.3, "fetched_at": None}, Evidence.UNCLEAR),
        ({"audible_at": 11.0, "fetched_at": 10.95}, Evidence.UNCLEAR),  # as a whole
        ({"silent_at": 14.3}, Evidence.UNCLEAR),
        ({"next_fetched_at": 14.3}, Evidence.UNCLEAR),
        ({"ended_at": None, "next_fetched_at": 14.3}, Evidence.UNCLEAR),
    ],
)
def test_other_cases(seen: dict[str, float | bool | None], evidence: Evidence) -> None:
    assert shows(**seen) is evidence


# The request takes so long, and then the carrier; the body lasts; the sound lasts.
delays = st.floats(0.01, 0.4)


@given(delays, delays, st.floats(0.05, 3), st.floats(0.3, 10), st.booleans())
def test_no_carrier_is_taken_for_another(
    request: float, start: float, growing: float, seconds: float, reports: bool
) -> None:
    clip = replace(CLIP, played_at=0.0, began_at=0.0, seconds=seconds)
    clip.fetched_at, clip.ended_at = request, growing
    for waits in (False, True):
        has_sound_at = max(request, growing) if waits else request
        audible_at = has_sound_at + start
        if reports:
            clip.audible_at = audible_at
        else:
            clip.next_played_at = 0.1
            clip.next_fetched_at = audible_at + seconds
        wrong = Evidence.STREAMED if waits else Evidence.WAITED
        assert evidence_of(clip) is not wrong
        assert start < START_SECONDS
