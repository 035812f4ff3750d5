"""The playback clock, for a clip that is sent while it grows."""

import math
from dataclasses import replace

import pytest

from calls.turns.clip import Clip, QueuedClip
from calls.turns.playback import FETCHED_DELAY, START_DELAY, Playback

TEN_WORDS = "one two three four five six seven eight nine ten"
# Ten words take five seconds, of which one is there.
GROWING = Clip("a", "https://x/a", TEN_WORDS, 5.0, available=1.0)
WHOLE = replace(GROWING, available=None)


def playing(available: float = 1.0) -> tuple[Playback, QueuedClip]:
    """A clip that grows, sent at 0; Twilio reported the start at 1."""
    playback = Playback()
    queued = playback.add(1, replace(GROWING, available=available), at=0)
    playback.speaking(True, at=1)
    return playback, queued


def test_a_growing_clip_has_no_end() -> None:
    playback, queued = playing()
    playback.settle(100)
    assert queued.heard is None
    assert playback.settles_at() is None
    assert playback.ends_at() == pytest.approx(6)  # probably


def test_it_ends_by_the_clock_once_it_is_complete() -> None:
    playback, queued = playing()
    playback.grew(queued, replace(WHOLE, seconds=3.0), reached=0.5, at=1.5)
    assert playback.settles_at() == pytest.approx(4)
    playback.settle(4)
    assert queued.heard == 3.0


def test_no_more_is_heard_than_there_was() -> None:
    playback, queued = playing(available=1.0)
    lost = playback.interrupt(at=3.6, position=None, cutoff=math.inf)
    assert (queued.heard, queued.heard_text) == (1.0, "one two")
    assert lost == [queued]
    assert playback.heard_text(1, TEN_WORDS) == "one two"


def test_twilios_position_ends_with_the_sound_too() -> None:
    playback, queued = playing(available=1.0)
    playback.interrupt(at=3.6, position=1.2, cutoff=math.inf)
    assert queued.heard == 1.0


def test_sound_that_came_late_was_played_late() -> None:
    playback, queued = playing(available=1.0)
    # The second came to its end at 2, and the next sound came only at 4.
    grown = replace(GROWING, available=2.0)
    playback.grew(queued, grown, reached=1.5, at=4.5)
    playback.interrupt(at=4.5, position=None, cutoff=math.inf)
    assert queued.heard == pytest.approx(1.5)
    assert queued.heard_text == "one two three"


def test_twilio_may_report_the_silence_between() -> None:
    playback, queued = playing(available=1.0)
    playback.speaking(False, at=2.0)
    assert queued.heard is None
    playback.grew(queued, WHOLE, reached=1.2, at=4.0)
    playback.speaking(True, at=4.1)
    playback.interrupt(at=4.6, position=None, cutoff=math.inf)
    assert queued.heard == pytest.approx(1.5)


def test_what_follows_waits_for_the_end() -> None:
    playback, queued = playing()
    playback.grew(queued, replace(WHOLE, seconds=2.0), reached=0.4, at=1.4)
    later = playback.add(1, replace(WHOLE, id="b"), at=1.5)
    assert later.starts_at == pytest.approx(3)


def test_the_first_sound_counts_from_the_download() -> None:
    playback = Playback()
    queued = playback.add(1, GROWING, at=0)
    assert queued.starts_at == START_DELAY
    playback.fetched("a", at=0.4)
    assert queued.starts_at == pytest.approx(0.4 + FETCHED_DELAY)
    # The body had its first sound at 0.7 only.
    playback.grew(queued, GROWING, reached=0.1, at=0.8)
    assert queued.starts_at == pytest.approx(0.7)


def test_a_clip_refused_while_it_grows_is_lost_once_it_is_complete() -> None:
    playback, queued = playing()
    playback.refused("https://x/a", at=1.2)
    assert playback.take_lost() == []
    playback.grew(queued, WHOLE, reached=0.2, at=1.4)
    assert playback.take_lost() == [queued]
    assert playback.take_lost() == []
