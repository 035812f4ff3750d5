"""Tests of the bench: a short run, invalid arguments, and the computed figures."""

import json
from typing import Any

import pytest

from tests.bench import faults, services
from tests.bench.arguments import parse
from tests.bench.figures import Measurement, percentiles, sentences_of
from tests.bench.plan import Plan
from tests.bench.small_run import small_run
from tests.bench.targets import knee, targets


def clips(*seconds: float) -> list[dict[str, float]]:
    return [{"seconds": length} for length in seconds]


@pytest.mark.timeout(240)
def test_a_small_run_measures_every_figure() -> None:
    # A turn takes less than a second; the rest is for a busy machine.
    options = "--calls 3 --seconds 1 --every 4 --pace 25 --clips memory --only --plain"
    done = small_run("load", f"--json {options}", timeout=230)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    (level,) = report["levels"]
    assert level["calls"] == 3
    assert level["errors"] == {}
    assert level["turns"] == 3
    for name in ("webhook", "greeting", "request", "followed", "ending", "clip_get"):
        assert level["figures"][name]["count"] > 0, name
    assert level["cpu_ms_per_turn"] > 0
    assert level["peak_mb"][0] > 10
    assert {target["ok"] for target in report["targets"]} <= {True, False, None}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--calls 0", "'0' is not a whole number from 1 to 2,000"),
        ("--calls -5", "'-5' is not a whole number"),
        ("--calls 1.5", "'1.5' is not a whole number"),
        ("--calls 100000", "'100000' is not a whole number"),
        ("--calls many", "'many' is not a whole number"),
        (f"--calls {','.join(map(str, range(1, 20)))}", "19 levels are more than"),
        ("--seconds 0", "'0' is not a number from 1 to 600"),
        ("--seconds nan", "'nan' is not a number"),
        ("--every 0.1", "'0.1' is not a number from"),
        ("--every 1.5", "a turn takes 2.4 seconds to arrive"),
        ("--pace 0", "'0' is not a number from"),
        ("--processes 0", "'0' is not a whole number from 1 to 8"),
        ("--processes 2 --clips memory", "needs --clips redis"),
        ("--json /nowhere/at/all.json", "cannot be written"),
        ("--database oracle", "invalid choice"),
    ],
)
def test_invalid_arguments_are_refused(
    options: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        parse(options.split())
    assert refused.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--calls", "-5", "a whole number from 1 to 2,000"),
        ("--lasts", "0s", "from 1s to 1h"),
        ("--lasts", "soon", "no time such as"),
        ("--soak", "99999h", "from 1s to 72h"),
        ("--only", "nothing", "no fault has this in its name: Redis down"),
        ("--only-soak", "", "--only-soak needs --soak"),
    ],
)
def test_invalid_arguments_of_faults_are_refused(
    option: str, value: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        faults.arguments([option, *([value] if value else [])])
    assert refused.value.code == 2
    assert said in capsys.readouterr().err


def test_valid_arguments_of_faults_are_parsed() -> None:
    options = faults.arguments(
        ["--only", "PostgreSQL", "--calls", "4", "--lasts", "60s"]
    )
    assert (options.calls, options.lasts, options.soak) == (4, 60.0, 0.0)
    assert faults.arguments(["--only-soak", "--soak", "2h"]).soak == 7200.0


def test_percentiles_are_values_that_were_measured() -> None:
    found = percentiles(n / 1000 for n in range(1, 101))
    assert found == {"count": 100, "p50": 50, "p95": 95, "p99": 99, "max": 100}
    assert percentiles([]) is None


def test_clips_are_grouped_by_sentence_even_when_one_is_divided() -> None:
    undivided = clips(2.2, 2.6, 2.2)
    assert [len(own) for own in sentences_of(undivided, "standard")] == [1, 1, 1]
    divided = clips(1.0, 1.15, 2.55, 2.1)
    assert [len(own) for own in sentences_of(divided, "standard")] == [2, 1, 1]
    assert sentences_of(clips(2.2, 2.6), "standard")[-1] == []


def turn(kind: str, played: dict[float, float], **changes: float) -> dict[str, Any]:
    """Return a turn that starts at 10 s; `played` maps times of clips to lengths."""
    heard = [
        {"played_at": at, "seconds": s, "asked_at": at, "fetched_at": at + 0.004}
        for at, s in played.items()
    ]
    fields = {"tag": "c.0.1", "kind": kind, "sent_at": 10.0, "interrupted_at": 0.0}
    return {**fields, "clips": heard, **changes}


def measured(turn: dict[str, Any], hung_up: float = 0.0, **marks: float) -> Measurement:
    named = {name.replace("_", " "): at for name, at in marks.items()}
    record = {"tag": "c.0.1", "arrived": 10.002, "fresh": False, "marks": named}
    result = {"errors": {}, "webhooks": [], "window": [0, 99], "turns": [turn]}
    return Measurement(result, [{**record, "hung_up": hung_up}])


def test_a_sentence_with_nothing_behind_it_is_measured_to_its_last_clip() -> None:
    held = turn("held", {11.0: 1.0, 11.5: 1.15})
    found = measured(held, first_0=10.6, last_0=11.4, end=13.0)
    assert found.delays["held"] == [pytest.approx(0.1)]
    assert found.delays["request"] == [pytest.approx(0.002)]
    assert not found.errors


def test_an_interruption_lasts_until_the_last_frame_and_the_hang_up() -> None:
    cut = turn("interrupted", {11.0: 2.2, 11.13: 2.6}, interrupted_at=11.1)
    assert measured(cut, hung_up=11.11).delays["interrupt"] == [pytest.approx(0.03)]
    assert measured(cut, hung_up=11.2).delays["interrupt"] == [pytest.approx(0.1)]
    ignored = measured(cut, end=12.0)
    assert list(ignored.errors) == ["an interruption never reached upstream"]
    assert not measured(cut, end=11.05).errors


def test_sentences_that_the_caller_did_not_hear_are_errors() -> None:
    cut_short = measured(turn("standard", {11.0: 2.2}), first_0=10.6, end=13.0)
    assert list(cut_short.errors) == ["a sentence was not played"]
    unheard = measured(turn("standard", {11.0: 2.2}), hung_up=11.5)
    assert list(unheard.errors) == ["an answer was not heard out"]
    slow = measured(turn("slow", {11.0: 1.0, 12.0: 1.1}), end=13.0)
    assert slow.slow_clips == 2


@pytest.mark.parametrize("calls", [1, 3, 50, 300])
def test_all_calls_overlap_while_cpu_is_measured(calls: int) -> None:
    plan = Plan(calls, [], [], 8.0, 2, 1, 5.0).with_a_window()
    starts, ends = plan.window
    assert ends - starts >= plan.every
    for call in range(calls):
        turns = plan.turns(call)
        assert turns[0][0] <= starts + 0.001
        assert all(at >= ends - 0.001 for at, kind in turns if kind != "standard")
    assert turns[-1][0] < plan.seconds


def test_the_knee_is_below_the_first_level_that_is_too_slow() -> None:
    def level(calls: int, p99: float, errors: int = 0) -> dict[str, object]:
        return {
            "calls": calls,
            "figures": {"added": {"p99": p99}},
            "error_count": errors,
        }

    assert knee([level(1, 5), level(100, 20), level(200, 70)]) == (100, 200)
    assert knee([level(1, 5), level(100, 20, errors=1), level(200, 9)]) == (1, 100)
    assert knee([level(1, 5)]) == (1, 0)
    assert knee([]) == (0, 0)


def test_a_target_is_measured_at_its_level_or_below() -> None:
    counts = {"slow_clips": 2, "turn_clips": 4, "error_count": 0}
    common = {**counts, "peak_mb": [90.0, 120.0]}
    levels = [
        {**common, "calls": n, "cpu_ratio": 1.5, "figures": {"clip_get": {"p95": n}}}
        for n in (1, 50, 250)
    ]
    found = {target.what: target for target in targets(levels)}
    assert (found["clip GET, p95"].at, found["clip GET, p95"].ok) == (50, False)
    assert found["resident memory of one process"].measured == 120
    assert found["clips of a standard turn, three sentences"].ok is False
    assert found["errors"].at == 250
    assert found["interrupt → upstream closed, no frames, p99"].ok is None


def test_a_server_has_a_core_of_its_own_where_there_are_two() -> None:
    if len(services.CORES) > 1:
        assert not services.server_core(0) & services.other_cores(1)
    assert services.other_cores(len(services.CORES))
