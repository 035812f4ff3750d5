"""The stages of an answer, from a turn's latencies."""

import math
from typing import Any

import pytest
from django.template.loader import render_to_string

from calls.review.latency_waterfall import Stage, stages

MEASURED = {
    "playback_started": 760,
    "request_sent": 4,
    "first_token": 210.4,
    "first_audio": 571,
    "first_clip": 700,
    "play_sent": 702,
    "clip_fetched": 715,
}


def test_stages_follow_each_other_in_the_order_of_things() -> None:
    shown = stages(MEASURED)
    assert [(s.label, s.start_ms, s.end_ms) for s in shown] == [
        ("model asked", 0, 4),
        ("first word of the text", 4, 210),
        ("first sound", 210, 571),
        ("sound ready to play", 571, 700),
        ("sent to Twilio", 700, 702),
        ("fetched by Twilio", 702, 715),
        ("heard", 715, 760),
    ]
    assert sum(stage.took_ms for stage in shown) == 760


def test_a_stage_that_is_missing_belongs_to_the_next() -> None:
    assert stages({"request_sent": 5, "playback_started": 90, "retry": 40}) == [
        Stage("request_sent", "model asked", 0, 5, 90),
        Stage("playback_started", "heard", 5, 90, 90),
    ]


def test_a_stage_overtaken_by_a_later_one_took_no_time() -> None:
    first, second, third = stages(
        {"first_token": 300, "first_audio": 200, "playback_started": 500}
    )
    assert (second.start_ms, second.end_ms) == (200, 200)
    assert (third.start_ms, third.took_ms) == (300, 200)
    assert first.took_ms == 300


@pytest.mark.parametrize(
    "odd",
    [None, True, "12", -1, math.nan, math.inf, 10**400, [], {}, 86_400_001],
)
def test_a_value_that_makes_no_sense_is_left_out(odd: Any) -> None:
    shown = stages({"request_sent": odd, "playback_started": 7})
    assert [stage.name for stage in shown] == ["playback_started"]


@pytest.mark.parametrize("odd", [None, [], "", 3, {}, {"playback_started": None}])
def test_without_anything_measured_there_are_no_stages(odd: Any) -> None:
    assert stages(odd) == []
    assert "<table" not in render_to_string(
        "admin/calls/waterfall.html", {"stages": []}
    )


def test_every_bar_can_be_seen_and_stays_within_the_line() -> None:
    for latency in (
        {"request_sent": 0},
        {"request_sent": 0, "playback_started": 9000},
        MEASURED,
    ):
        for stage in stages(latency):
            assert stage.width > 0
            assert stage.left >= 0
            assert stage.left + stage.width <= 100.01


def test_the_table_names_each_stage_and_draws_without_inline_style() -> None:
    html = render_to_string("admin/calls/waterfall.html", {"stages": stages(MEASURED)})
    assert html.count("<rect") == len(MEASURED)
    assert '<th scope="row">first word of the text</th>' in html
    assert "571 ms" in html
    assert "style=" not in html
