"""Tests of the table of the first word: its figures, its lines, and a small run."""

import json
from typing import Any

import pytest

from tests.bench import first_word
from tests.bench.arguments import parse
from tests.bench.fetch import Download
from tests.bench.figures import Measurement
from tests.bench.plan import Plan
from tests.bench.small_run import small_run
from tests.bench.turns import HUNG, KINDS, arrives_in, script
from tests.support.inworld.script import wav


@pytest.mark.timeout(240)
def test_a_small_run_fills_the_table() -> None:
    options = "--first-word --quick --calls 3 --every 4 --clips memory"
    options += " --stream-clips on"
    done = small_run("load", f"--json {options}", timeout=230)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    ((column, (level,)),) = report["first_word"].items()
    assert (column, level["stream_clips"]) == ("streamed", "on")
    assert level["errors"] == {}
    assert level["turns"] == 3
    for name in ("first_clip", "first_at_carrier", "added", "first_greeting"):
        assert level["figures"][name]["count"] > 0, name


def test_the_stand_in_upstream_is_the_one_of_the_seed() -> None:
    marks = {step.mark: step.at for step in script("word") if step.mark}
    assert marks["text"] == pytest.approx(0.35)
    assert marks["first 0"] == pytest.approx(0.5)
    sentence = KINDS["word"].lengths[0]
    assert sentence == 2.0
    # Pieces of 0.1 s: the last one starts 1.9 s of sound after the first.
    assert marks["last 0"] - marks["first 0"] == pytest.approx(1.9 / 6)
    assert arrives_in("word", pace=50) == arrives_in("word")  # a pace of its own


def turn(kind: str, *clips: dict[str, float]) -> dict[str, Any]:
    fields = {"tag": "c.0.1", "kind": kind, "sent_at": 10.0, "interrupted_at": 0.0}
    return {**fields, "clips": list(clips)}


def clip(played_at: float, sound_at: float, fetched_at: float, **more: float) -> Any:
    times = {"played_at": played_at, "asked_at": played_at, "sound_at": sound_at}
    return {**times, "fetched_at": fetched_at, "seconds": 2.0, **more}


def measured(*turns: dict[str, Any], **first: Any) -> Measurement:
    marks = {"words 1": 11.1, "words 2": 11.7, "end": 12.3}
    for number in range(3):
        start = 10.5 + 0.6 * number
        marks |= {f"first {number}": start, f"last {number}": start + 0.3}
    record = {"tag": "c.0.1", "arrived": 10.0, "fresh": False, "marks": marks}
    result = {"errors": {}, "webhooks": [], "window": [0, 99], "turns": turns, **first}
    return Measurement(result, [{**record, "hung_up": 0.0}])


def test_a_growing_clip_counts_until_its_body_ends() -> None:
    found = measured(
        turn(
            "word",
            clip(10.51, 10.53, 10.82),  # grows
            clip(11.42, 11.43, 11.44),  # whole
            clip(11.98, 11.985, 11.99),  # whole, let go before its last byte
        )
    )
    assert found.delays["first_clip"] == [pytest.approx(0.01)]
    assert found.delays["first_at_carrier"] == [pytest.approx(0.03)]
    assert found.delays["added"] == pytest.approx([0.02, 0.02, -0.02])
    assert not found.errors
    assert not found.gaps


def test_gaps_are_counted_from_20_ms() -> None:
    whole = clip(11.42, 11.43, 11.44)
    dry = measured(turn("word", clip(10.5, 10.5, 10.8, gap=0.05), whole, whole))
    assert dry.gaps == 1
    short = measured(turn("word", clip(10.5, 10.5, 10.8, gap=0.01), whole, whole))
    assert short.gaps == 0


def test_a_hung_upstream_is_measured_to_the_first_sound() -> None:
    assert measured(turn(HUNG, clip(12.5, 0.0, 0.0))).delays["hung"] == [2.5]
    assert list(measured(turn(HUNG)).errors) == ["silence while upstream hangs"]


def test_the_first_greeting_is_the_one_of_the_first_call() -> None:
    greeting = turn("greeting", clip(10.2, 10.2, 10.2))
    found = measured(turn("greeting", clip(10.01, 0, 0)), first_turns=[greeting])
    assert found.delays["first_greeting"] == [pytest.approx(0.2)]
    assert found.delays["greeting"] == [pytest.approx(0.01)]


def test_calls_wait_long_for_an_upstream_that_hangs() -> None:
    plan = Plan(5, ["http://a"], [], 8.0, 1, 0, 5.0, kind=HUNG)
    assert plan.ends_at(0) - plan.turns(0)[0][0] > 10
    assert [kind for _, kind in plan.warm_up().turns(0)] == ["standard"]


def test_a_download_plays_from_its_first_sound_and_notices_gaps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("tests.bench.fetch.monotonic", lambda: now)
    began: list[float] = []
    body = wav(bytes(16_000), 8_000)  # one second
    download = Download(lambda: began.append(now))
    download.feed(body[:44])  # a header is no sound
    assert not began
    now = 100.2
    download.feed(body[44 : 44 + 8_000])  # half a second
    now = 100.6
    download.feed(body[44 + 8_000 : 44 + 12_000])
    now = 101.2
    download.feed(body[44 + 12_000 :])
    assert began == [100.2]
    # Sound was there until 100.7, and, after the gap of 0.25 s, until 101.2.
    assert download.gap == pytest.approx(0.25)


def test_the_table_has_a_column_for_the_seed_and_each_way_of_playing() -> None:
    delays = {"p50": 31.2, "p99": 48.0, "max": 3.04}
    names = ("first_clip", "added", "first_greeting")
    common = {"cpu_ms_per_turn": 14.96, "peak_mb": [201.0], "gaps": 0, "errors": {}}
    figures = dict.fromkeys(names, delays)
    errors = {"errors": {"a sentence was not played": 2}, "error_count": 2}
    levels: list[first_word.Level] = [
        {**common, "calls": 1, "figures": {**figures, "hung": {"max": 2_804.0}}},
        {**common, "calls": 100, "figures": figures, **errors},
    ]
    levels[0]["error_count"] = 0
    lines = list(first_word.table({"whole clips": levels, "streamed": levels}))
    assert "at 1/100 calls" in lines[1]
    first, hangs = lines[3], lines[8]
    assert first.split()[-8:-5] == ["423/423/424", "31/31", "31/31"]
    assert hangs.split("sound")[1].split()[:3] == ["never", "2,804", "2,804"]
    assert (
        sum("100 calls: 2 x a sentence was not played" in line for line in lines) == 2
    )
    assert max(map(len, lines)) <= 130


@pytest.mark.parametrize(
    ("options", "calls"),
    [
        ("", [1, 100, 300]),
        ("--calls 50", [1, 100, 300]),
        ("--quick", [10]),
        ("--first-word", [1, 100, 300]),
        ("--first-word --calls 7,3", [3, 7]),
        ("--first-word --quick --calls 4", [4]),
    ],
)
def test_the_levels_of_the_table(options: str, calls: list[int]) -> None:
    assert parse(options.split()).first_word_calls == calls


@pytest.mark.parametrize(
    ("options", "columns"),
    [
        ("", ["whole clips", "streamed"]),
        ("--stream-clips off", ["whole clips"]),
        ("--stream-clips on --stream-clips off", ["whole clips", "streamed"]),
    ],
)
def test_the_columns_of_the_table(options: str, columns: list[str]) -> None:
    chosen = first_word.columns(parse(options.split()))
    assert [column for _, column in chosen] == columns
