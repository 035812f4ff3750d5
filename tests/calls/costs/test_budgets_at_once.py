"""A budget under many calls at once, of several processes on PostgreSQL."""

import json
import os
import subprocess
import sys
from datetime import datetime

import psycopg
import pytest

from calls.costs.settling import settle_call
from calls.models import CallCost
from tests.support.at_once import threads_on
from tests.support.live import ROOT, manage
from tests.support.services import Missing, Postgres

MODULE = [sys.executable, "-m", "tests.calls.costs.budget_callers"]
PROCESSES = ("A", "B")
# A call costs as many dollars as minutes, three at most.
LIMIT, DEAREST = 12, 3
SET_UP = f"""
UPDATE bots_bot SET max_call_minutes = {DEAREST};
INSERT INTO calls_price (kind, item, amount, currency, valid_from, source, is_listed)
VALUES ('line-in', 'US local', 1, 'USD', '2026-11-01', '', false);
INSERT INTO calls_budget (period, "limit", warning_percent, action, message,
                          transfer_number)
VALUES ('month', {LIMIT}, 80, 'message', '', '');
"""
# A message to those who are turned away costs a minute, too.
SPENT = """SELECT sum(counted), count(*) FROM calls_callcost JOIN calls_call
ON calls_call.id = call_id WHERE status <> 'refused'"""
ONE = "WHERE call_id = %s"
RESERVED = "SELECT count(*) FROM calls_callcost WHERE reserved IS NOT NULL"


def test_many_calls_at_once_exceed_a_budget_by_one_call_at_most() -> None:
    try:
        with Postgres() as postgres:
            check(postgres)
    except Missing as missing:
        pytest.skip(str(missing))


def check(postgres: Postgres) -> None:
    env = {**os.environ, "TEST_DATABASE_URL": postgres.url}
    manage({"DATABASE_URL": postgres.url}, "setup")
    with psycopg.connect(postgres.url, autocommit=True) as database:
        database.execute(SET_UP)
        answered = answered_calls(env)
        spent, calls = database.execute(SPENT).fetchone() or (0, 0)
        assert calls == answered >= LIMIT / DEAREST
        assert LIMIT - DEAREST < spent <= LIMIT + DEAREST
        assert database.execute(RESERVED).fetchone() == (0,)
        check_that_a_reader_waits(postgres, database)


def check_that_a_reader_waits(
    postgres: Postgres, database: psycopg.Connection[tuple[int, ...]]
) -> None:
    """For the cost that another process calculates."""
    row = database.execute("SELECT call_id FROM calls_callcost LIMIT 1").fetchone()
    assert row
    with threads_on(postgres) as readers:
        assert readers.run(lambda: read_cost(*row)) is None
        database.execute(f"UPDATE calls_callcost SET due_at = now() {ONE}", row)
        with database.transaction():
            database.execute(f"SELECT id FROM calls_callcost {ONE} FOR UPDATE", row)
            reading = readers.begin(lambda: read_cost(*row))
            with pytest.raises(TimeoutError):
                reading.result(timeout=1)
        assert reading.result(timeout=30) is None


def read_cost(call_id: int) -> datetime | None:
    """Have the cost of a call calculated; returns when it is due again."""
    settle_call(call_id)
    return CallCost.objects.get(call=call_id).due_at


def answered_calls(env: dict[str, str]) -> int:
    """The calls with the bot, of processes whose callers begin at the same time."""
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(
            [*MODULE, name], cwd=ROOT, env=env, text=True, stdin=pipe, stdout=pipe
        )
        for name in PROCESSES
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    return sum(json.loads(one.communicate(timeout=120)[0]) for one in processes)
