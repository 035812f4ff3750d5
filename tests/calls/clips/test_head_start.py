"""The sound that a streamed clip needs before its first byte leaves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.clips.head_start import (
    MARGIN,
    MIN_PACE,
    SENTENCES,
    UNKNOWN_SECONDS,
    Delivery,
    HeadStart,
)


def delivered(*pieces: tuple[float, float]) -> Delivery:
    """A sentence: the length of each piece, and when it came."""
    delivery = Delivery()
    for seconds, at in pieces:
        delivery.add(seconds, at)
    return delivery


def steady(gap: float = 0.02, length: float = 0.1) -> Delivery:
    return delivered(*((length, 5 + number * gap) for number in range(10)))


def learned(*deliveries: Delivery) -> float | None:
    head_start = HeadStart()
    for delivery in deliveries:
        head_start.learn(delivery)
    return head_start.seconds


def test_a_steady_voice_needs_the_gap_between_its_pieces() -> None:
    assert steady().longest_wait == pytest.approx(0.02)
    assert learned(*[steady()] * 5) == pytest.approx(MARGIN * 0.02)


def test_nothing_is_known_at_first() -> None:
    assert learned() == learned(steady()) == UNKNOWN_SECONDS


def test_one_accident_costs_nobody_anything_and_two_do() -> None:
    halting = delivered((1.0, 0.0), (1.0, 0.3))
    assert learned(*[steady()] * 5, halting) == pytest.approx(MARGIN * 0.02)
    assert learned(*[steady()] * 5, halting, halting) == pytest.approx(MARGIN * 0.3)


def test_they_are_forgotten() -> None:
    halting = delivered((1.0, 0.0), (1.0, 0.3))
    later = [steady()] * SENTENCES
    assert learned(halting, halting, *later) == pytest.approx(MARGIN * 0.02)


def test_whole_clips_are_better_than_long_waits() -> None:
    halting = delivered((5.0, 0.0), (1.0, 2.0))
    assert learned(halting, halting) is None


def test_whole_clips_are_better_than_a_slow_voice() -> None:
    slow = 0.1 / (MIN_PACE * 0.9)
    assert learned(*[steady(gap=slow)] * 3) is None
    assert learned(*[steady(gap=0.1 / (MIN_PACE * 1.1))] * 3) is not None


@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(0.001, 2)), min_size=1))
def test_a_head_start_of_the_longest_wait_leaves_no_gap(
    pieces: list[tuple[float, float]],
) -> None:
    at, delivery, arrivals = 0.0, Delivery(), list[tuple[float, float]]()
    for seconds, gap in pieces:
        at += gap
        arrivals.append((seconds, at))
        delivery.add(seconds, at)
    collected, starts_at = 0.0, None
    for seconds, arrived_at in arrivals:
        if starts_at is not None:
            assert arrived_at <= starts_at + collected + 1e-6
        collected += seconds
        if starts_at is None and collected >= delivery.longest_wait:
            starts_at = arrived_at
