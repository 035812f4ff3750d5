"""Traces are read as far as they can be read."""

import json

from calls.trace.trace_file import read
from tests.support.traces import START, TraceBuilder


def test_lines_come_in_the_order_of_time() -> None:
    builder = TraceBuilder().add(2, "out").add(1, "in")
    assert [line.kind for line in builder.trace().lines] == ["start", "in", "out"]


def test_a_cut_line_and_noise_cost_only_themselves() -> None:
    builder = TraceBuilder().hears(1, "prompt", voicePrompt="Hi")
    lines = [
        *builder.lines,
        '{"ms": 3, "kind": "i',
        "null",
        "[1]",
        '{"kind": "in"}',
        "",
        '{"ms": NaN, "kind": "in"}',
    ]
    trace = read(lines)
    assert [line.kind for line in trace.lines] == ["start", "in"]
    assert trace.problems == tuple(
        f"Line {number} is cut off or no JSON." for number in (3, 4, 5, 6, 8)
    )


def test_another_version_is_read_and_named() -> None:
    later = json.dumps({"ms": 0, "kind": "start", **START, "version": 2})
    trace = read([later, '{"ms": 5, "kind": "hologram", "x": 1}'])
    assert [line.kind for line in trace.lines] == ["start", "hologram"]
    assert "version 2" in trace.problems[0]


def test_a_trace_without_a_start_says_so() -> None:
    assert "no start" in read(['{"ms": 5, "kind": "in"}']).problems[0]


def test_parts_of_two_machines_are_joined_by_their_clocks() -> None:
    """The second part began 1.5 s later, and counts its milliseconds from there."""
    first = TraceBuilder().add(2.0, "in").lines
    second = TraceBuilder().add(0.4, "fetch").lines[1:]
    wall = "2026-11-30T09:00:01.500+00:00"
    start = json.dumps({"ms": 0, "kind": "start", **START, "wall": wall})
    trace = read([*first, start, *second])
    assert [(line.kind, line.ms) for line in trace.lines] == [
        ("start", 0.0),
        ("start", 1500.0),
        ("fetch", 1900.0),
        ("in", 2000.0),
    ]


def test_fields_of_frames_and_forms_are_found() -> None:
    trace = TraceBuilder().hears(1, "dtmf", digit="5").posts(2, "/x", A="b").trace()
    assert trace.frames_in("dtmf")[0].get("digit") == "5"
    assert trace.of("callback", A="b")[0].text("path") == "/x"
    assert trace.frames_in("dtmf")[0].number("digit") == 5
    assert trace.of("callback")[0].number("A") is None
