"""The playback clock: heard text from clip lengths and Twilio's few reports."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.turns.clip import FETCH_TIMEOUT, Clip
from calls.turns.playback import START_DELAY, Playback

TEN_WORDS = "one two three four five six seven eight nine ten"


def clip(name: str, seconds: float = 5.0, text: str = TEN_WORDS) -> Clip:
    return Clip(name, f"https://x/{name}", text, seconds)


def playing(*seconds: float) -> Playback:
    """Return a queue of clips sent at 0; Twilio reported the start at 1."""
    playback = Playback()
    for index, length in enumerate(seconds):
        playback.add(1, clip(str(index), length), at=0)
    playback.speaking(True, at=1)
    return playback


def heard(playback: Playback) -> list[float | None]:
    return [cue.heard for cue in playback.clips]


def test_clips_follow_one_another() -> None:
    playback = Playback()
    playback.add(1, clip("a", 2), at=10)
    playback.add(1, clip("b", 3), at=10.1)
    assert playback.ends_at() == pytest.approx(10 + START_DELAY + 5)


def test_a_fetch_moves_the_start_of_what_follows() -> None:
    playback = Playback()
    playback.add(1, clip("a", 2), at=0)
    playback.add(1, clip("b", 3), at=0)
    playback.fetched("a", at=1)
    assert playback.clips[0].starts_at == pytest.approx(1.05)
    assert playback.clips[1].starts_at == pytest.approx(3.05)


def test_twilios_position_is_trusted_for_the_clip_playing_now() -> None:
    playback = playing(5, 5, 5)
    lost = playback.interrupt(at=8.6, position=2.5, cutoff=math.inf)
    assert heard(playback) == [5, 2.5, 0]
    assert (
        playback.heard_text(1, f"{TEN_WORDS} {TEN_WORDS}")
        == f"{TEN_WORDS} one two three four five"
    )
    assert [cue.clip.id for cue in lost] == ["1", "2"]


def test_a_small_position_means_the_next_clip_when_the_clock_says_so() -> None:
    playback = playing(5, 5)
    playback.interrupt(at=6.2, position=0.1, cutoff=math.inf)
    assert heard(playback) == [5, 0.1]


def test_without_a_position_the_clock_decides() -> None:
    playback = playing(5, 5)
    playback.interrupt(at=7, position=None, cutoff=math.inf)
    assert heard(playback) == [5, pytest.approx(1.0)]


def test_what_was_sent_after_the_callers_key_survives_its_late_interrupt() -> None:
    playback = playing(5)
    playback.add(2, clip("answer"), at=3)
    lost = playback.interrupt(at=3.2, position=2.0, cutoff=3)
    assert [cue.clip.id for cue in lost] == ["0"]
    assert [cue.clip.id for cue in playback.pending()] == ["answer"]


def test_silence_reported_by_twilio_ends_the_clip() -> None:
    playback = playing(5)
    playback.speaking(False, at=5.4)
    assert playback.heard_text(1, TEN_WORDS) == TEN_WORDS


def test_the_silence_after_an_interrupt_says_nothing_about_new_clips() -> None:
    playback = playing(5)
    playback.interrupt(at=2, position=1.0, cutoff=math.inf)
    playback.add(2, clip("new"), at=2.01)
    playback.speaking(False, at=2.02)
    assert heard(playback) == [1.0, None]


def test_twilios_report_of_an_assumed_end_ends_no_other_clip() -> None:
    playback = playing(2, 6)
    playback.settle(at=3.1)  # a moment after the first has ended by our clock
    playback.speaking(False, at=3.3)
    playback.speaking(True, at=3.4)
    assert heard(playback) == [2, None]
    playback.speaking(False, at=9.4)
    assert heard(playback) == [2, 6]


def test_a_clip_without_words_is_lost_where_its_sound_is() -> None:
    playback = Playback()
    playback.add(1, clip("a", 2), at=0)
    playback.add(1, clip("b", 3, text=""), at=0)
    assert [cue.clip.id for cue in playback.interrupt(3.5, None, math.inf)] == ["b"]
    playback.add(2, clip("c", 3, text=""), at=4)
    assert playback.interrupt(4 + START_DELAY + 2.9, None, math.inf) == []


def test_without_words_of_the_clips_those_of_the_reply_are_shared_out() -> None:
    playback = Playback()
    for name in "ab":
        playback.add(1, clip(name, 5, text=""), at=0)
    assert playback.expected_text(1, TEN_WORDS) == TEN_WORDS
    playback.interrupt(START_DELAY + 5, None, math.inf)
    assert playback.heard_text(1, TEN_WORDS) == "one two three four five"


@pytest.mark.parametrize(
    ("texts", "reply"),
    [
        (("Thank you.", "Bye!"), "Thank you.\n\nBye! 🙂"),
        (("谢谢您的来电。", "再见。"), "谢谢您的来电。再见。"),
    ],
)
def test_a_reply_heard_to_its_end_was_heard_as_it_was_written(
    texts: tuple[str, ...], reply: str
) -> None:
    playback = Playback()
    for text in texts:
        playback.add(1, clip(text, 1, text), at=0)
    assert playback.expected_text(1, reply) == reply
    playback.settle(at=9)
    assert playback.heard_text(1, reply) == reply


def test_signs_of_a_script_without_spaces_get_none_between_clips() -> None:
    playback = Playback()
    for text in ("谢谢您的来电。", "再见。"):
        playback.add(1, clip(text, 1, text), at=0)
    playback.interrupt(START_DELAY + 1.7, None, math.inf)
    assert playback.heard_text(1, "谢谢您的来电。再见。") == "谢谢您的来电。再见。"[:8]


def test_a_withdrawn_reply_was_never_heard() -> None:
    playback = Playback()
    playback.add(1, clip("a"), at=0)
    assert [gone.id for gone in playback.withdraw(1)] == ["a"]
    assert playback.heard_text(1, TEN_WORDS) == ""
    assert playback.ends_at() is None


@given(
    lengths=st.lists(st.floats(0.1, 20), min_size=1, max_size=6),
    cut=st.floats(0, 60),
    report=st.booleans(),
)
def test_an_exact_clock_finds_exactly_what_was_heard(
    lengths: list[float], cut: float, report: bool
) -> None:
    playback = playing(*lengths)
    starts = [1 + sum(lengths[:index]) for index in range(len(lengths))]
    now = 1 + min(cut, sum(lengths) - 0.001)
    current = max(index for index, start in enumerate(starts) if start <= now)
    position = now - starts[current] if report else None
    playback.interrupt(now, position, cutoff=math.inf)
    expected = [*lengths[:current], now - starts[current]]
    expected += [0.0] * (len(lengths) - current - 1)
    # At the border of two clips, one position fits the end of the first and the
    # start of the second. Nobody can hear the difference.
    total = sum(seconds or 0.0 for seconds in heard(playback))
    assert total == pytest.approx(sum(expected), abs=0.3)
    assert all(seconds is not None for seconds in heard(playback))


SENT = st.lists(
    st.tuples(st.floats(0, 1), st.floats(0.1, 6), st.booleans(), st.booleans()),
    min_size=1,
    max_size=8,
)


@given(SENT)
def test_refused_clips_are_never_heard_and_all_others_are(
    sent: list[tuple[float, float, bool, bool]],
) -> None:
    playback, at, names = Playback(), 0.0, []
    for number, (gap, seconds, refused, named) in enumerate(sent):
        at += gap
        url = f"https://x/{number}"
        playback.add(1, Clip(str(number), url, f"word{number}", seconds), at)
        if refused:
            playback.refused(url if named else "", at)
        else:
            names.append(f"word{number}")
    last = playback.ends_at()
    playback.settle(at + 60)
    text = " ".join(f"word{number}" for number in range(len(sent)))
    assert playback.heard_text(1, text) == " ".join(names)
    assert [cue.clip.text for cue in playback.take_lost()] == [
        f"word{number}" for number, (_, _, refused, _) in enumerate(sent) if refused
    ]
    assert playback.take_lost() == []
    played = sum(seconds for _, seconds, refused, _ in sent if not refused)
    assert (last or 0) <= at + START_DELAY + played + 0.001


@given(fetched_after=st.none() | st.floats(0, 20), seconds=st.floats(0.1, 10))
def test_a_clip_that_needs_a_fetch_is_heard_after_it_or_never(
    fetched_after: float | None, seconds: float
) -> None:
    playback = Playback()
    playback.add(1, clip("a", seconds), at=0, needs_fetch=True)
    for step in range(400):
        at = step / 10
        if fetched_after is not None and at - 0.1 < fetched_after <= at:
            playback.settle(fetched_after)
            playback.fetched("a", fetched_after)
        playback.settle(at)
        heard_by_now = bool(playback.clips[0].heard)
        if fetched_after is None or fetched_after >= START_DELAY + FETCH_TIMEOUT:
            assert not heard_by_now
        elif heard_by_now:
            assert at >= fetched_after + seconds
    settled = playback.clips[0].heard
    is_lost = fetched_after is None or fetched_after >= START_DELAY + FETCH_TIMEOUT
    assert settled == (0 if is_lost else seconds)


def test_silence_reported_before_the_fetch_ends_nothing() -> None:
    playback = Playback()
    playback.add(1, clip("a", 2), at=0, needs_fetch=True)
    playback.speaking(True, at=0.2)
    playback.speaking(False, at=0.5)
    assert heard(playback) == [None]
    assert playback.awaits_fetch
