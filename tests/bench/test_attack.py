"""Tests of the attack: a short run, and how the lag is read."""

import json

import pytest

from tests.bench.attack import Lag
from tests.bench.attacker import ATTACKS
from tests.bench.small_run import small_run

INFINITE = float("inf")


@pytest.mark.timeout(240)
def test_a_small_run_measures_calls_under_every_attack() -> None:
    options = "--calls 2 --seconds 3 --stored 50 --database sqlite --json"
    done = small_run("attack", options, timeout=240)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] is (done.returncode == 0)
    for name in ("quiet", "attacked"):
        assert report[name]["timers"] > 0
        # On a busy machine, sentences may come in Twilio's voice, which are no clips.
        assert report[name]["answers"] + sum(report[name]["errors"].values()) > 0
    assert set(report["attacks"]) == set(ATTACKS)
    assert set(report["attacks"]["lookups"]) <= {"400", "503"}
    assert report["attacks"]["left_pages"]["left"] > 0


@pytest.mark.parametrize(
    ("counts", "p50", "p99", "most"),
    [
        ({0.01: 100, 0.02: 100, INFINITE: 100}, 5, 9.9, 10),
        ({0.01: 0, 0.02: 100, INFINITE: 100}, 15, 19.9, 20),
        ({0.01: 98, 0.02: 100, INFINITE: 100}, 5.1, 15, 20),
        ({0.01: 98, 0.02: 98, INFINITE: 100}, 5.1, 20, INFINITE),
        ({0.01: 0, 0.02: 0, INFINITE: 0}, 0, 0, 10),
    ],
)
def test_the_lag_is_read_from_its_histogram(
    counts: dict[float, float], p50: float, p99: float, most: float
) -> None:
    lag = Lag(counts)
    assert lag.quantile_ms(0.5) == pytest.approx(p50, abs=0.1)
    assert lag.quantile_ms(0.99) == pytest.approx(p99, abs=0.1)
    assert lag.most_ms == pytest.approx(most)
    assert lag.since(lag).total == 0
