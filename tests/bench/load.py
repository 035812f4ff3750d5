"""How fast the server is, and for how many calls: make bench, or -m tests.bench.load

Everything runs in processes of its own: the servers under test pinned to a core each,
the callers, the fake Inworld and the databases on the others.
"""

import json
import os
import platform
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from time import monotonic
from typing import Any

import httpx

from tests.bench import services
from tests.bench.arguments import MOST_CALLS, parse
from tests.bench.figures import level
from tests.bench.link import over_a_link
from tests.bench.plan import Plan
from tests.bench.table import table
from tests.bench.targets import knee, targets
from tests.support.live import ROOT, LiveServer
from tests.support.services import Missing

COMPARED_AT = 100
# The knee is looked for between two levels this far apart (calls).
KNEE_WIDTH = 20
FLOOR_TURNS, FLOOR_AT_ONCE = 90, 30
START_SECONDS = 60.0
ENVIRONMENT = {
    "SECRET_KEY": "bench-only-secret-key-that-nobody-else-knows-0123456",
    "INWORLD_API_KEY": "YmVuY2g6a2V5",
    "ALLOWED_HOSTS": "",
    "MAX_CALLS": str(2 * MOST_CALLS),  # how many it holds is the question
    "MAX_CALLS_PER_CALLER": "0",  # all calls come from one number
    "MAX_CALLS_PER_CALLER_PER_HOUR": "0",
}
LONGEST_SECONDS = 3_600


class Bench:
    """One run: the upstream that all measurements share, and what was found."""

    def __init__(self, asked: Namespace, stack: ExitStack) -> None:
        self.asked = asked
        self.rest = services.other_cores(asked.processes)
        self.upstream = stack.enter_context(services.upstream(asked.pace, self.rest))
        self.floor: dict[str, Any] | None = None
        self.skipped: list[str] = []

    def run(self) -> dict[str, Any]:
        """Measure everything that was asked for."""
        asked = self.asked
        self.floor = None if asked.only else self._floor()
        levels = self._levels(1)
        found: dict[str, Any] = {"levels": levels}
        if asked.processes > 1:
            found["scaled"] = self._levels(asked.processes)
        elif not (asked.only or asked.quick):
            self._narrow(levels)
            found["beside"] = self._beside()
        best, worst = knee(levels)
        return {
            "machine": machine(),
            "asked": {**vars(asked), "json": None},
            "floor": self.floor,
            **found,
            "knee": {"served": best, "too_many": worst},
            "link": None if asked.only else self._link(),
            "targets": [{**asdict(t), "ok": t.ok} for t in targets(levels)],
            "skipped": self.skipped,
        }

    def _levels(self, processes: int) -> list[dict[str, Any]]:
        asked = self.asked
        found = []
        for calls in asked.calls:
            found += self._try(calls, asked.database, asked.clips, processes)
        return found

    def _beside(self) -> list[dict[str, Any]]:
        """The other database, the other store of clips and the other way to start."""
        asked = self.asked
        calls = min(asked.calls, key=lambda calls: abs(calls - COMPARED_AT))
        database = "postgres" if asked.database == "sqlite" else "sqlite"
        clips = "memory" if asked.clips == "redis" else "redis"
        return [
            *self._try(calls, database, asked.clips, 1),
            *self._try(calls, asked.database, clips, 1),
            *self._try(calls, asked.database, asked.clips, 1, early_first_clause=True),
        ]

    def _narrow(self, levels: list[dict[str, Any]]) -> None:
        """Look once between the last good level and the first bad one."""
        best, worst = knee(levels)
        if best and worst - best > KNEE_WIDTH:
            between = (best + worst) // 2
            levels += self._try(between, self.asked.database, self.asked.clips, 1)
            levels.sort(key=lambda level: level["calls"])

    def _try(
        self,
        calls: int,
        database: str,
        clips: str,
        processes: int,
        *,
        early_first_clause: bool = False,
    ) -> list[dict[str, Any]]:
        what = f"{calls} calls, {database}, clips in {clips}, {processes} process(es)"
        say(f"{what}, opening clauses by themselves" if early_first_clause else what)
        try:
            with ExitStack() as stack:
                use = stack.enter_context
                with services.pinned(self.rest):
                    env = self._surroundings(stack, database, clips)
                    services.set_up(env, early_first_clause=early_first_clause)
                live = use(services.servers(processes, env))
                measured = self._measure(live, calls)
        except Missing as missing:
            self.skipped.append(f"{what}: {missing}")
            return []
        about = {
            "database": database,
            "clips": clips,
            "early_first_clause": early_first_clause,
        }
        return [{**about, **measured}]

    def _surroundings(
        self, stack: ExitStack, database: str, clips: str
    ) -> dict[str, str]:
        """Start what a server needs; its environment."""
        use, postgres = stack.enter_context, database == "postgres"
        return {
            **ENVIRONMENT,
            "DATABASE_URL": use(services.postgres() if postgres else services.sqlite()),
            "REDIS_URL": use(services.redis()) if clips == "redis" else "",
            "INWORLD_BASE_URL": self.upstream(),
        }

    def _measure(self, live: list[LiveServer], calls: int) -> dict[str, Any]:
        plan = self._plan(calls, [(s.url, s.process.pid) for s in live])
        self._records()  # those of before
        result = self._call(plan)
        floor_ms = self.floor["cpu_ms_per_turn"] if self.floor else None
        measured = level(plan, result, self._records(), floor_ms)
        lines = [line for server in live for line in server.lines]
        troubles = [line.strip() for line in lines if " ERROR " in line]
        return {**measured, "server_errors": len(troubles), "said": troubles[-3:]}

    def _plan(self, calls: int, servers: list[tuple[str, int]]) -> Plan:
        asked = self.asked
        plan = Plan(
            calls=calls,
            servers=[url for url, _ in servers],
            pids=[pid for _, pid in servers],
            every=asked.every,
            standard=max(1, round(asked.seconds / asked.every)),
            mixed=0 if asked.plain else 1,
            pace=asked.pace,
            lead=min(4.0, asked.every / 2),
        )
        return plan.with_a_window()

    def _call(self, plan: Plan) -> dict[str, Any]:
        with services.pinned(self.rest):
            done = subprocess.run(
                [sys.executable, "-m", "tests.bench.callers"],
                cwd=ROOT,
                input=json.dumps(plan.json()),
                stdout=subprocess.PIPE,
                text=True,
                check=True,
                timeout=2 * plan.seconds + START_SECONDS,
            )
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def _records(self) -> dict[str, Any]:
        records: dict[str, Any] = httpx.get(
            f"{self.upstream()}/records", timeout=30, trust_env=False
        ).json()
        return records

    def _floor(self) -> dict[str, Any]:
        quick = self.asked.quick
        turns, at_once = (30, 15) if quick else (FLOOR_TURNS, FLOOR_AT_ONCE)
        say(f"the floor: {turns} turns of httpx, JSON and base64 alone")
        command = [sys.executable, "-m", "tests.bench.floor", self.upstream()]
        command += ["--turns", str(turns), "--at-once", str(at_once)]
        with services.pinned(services.server_core(0)):
            done = subprocess.run(
                [*command, "--pace", str(self.asked.pace)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                check=True,
                timeout=START_SECONDS + 30,
            )
        floor: dict[str, Any] = json.loads(done.stdout)
        return floor

    def _link(self) -> list[dict[str, Any]] | None:
        say("clips over a link of 40 ms")
        try:
            return over_a_link()
        except Missing as missing:
            self.skipped.append(f"the link of 40 ms: {missing}")
            return None


def machine() -> dict[str, Any]:
    """Where this was measured."""
    return {
        "cores": len(services.CORES),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_average": round(os.getloadavg()[0], 2),
    }


def say(what: str) -> None:
    """Tell the one who waits."""
    sys.stderr.write(f"bench: {what}\n")
    sys.stderr.flush()


@contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    """Give up on whatever hangs."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"the bench took longer than {seconds} seconds")

    signal.signal(signal.SIGALRM, give_up)
    # Stopped from outside, nothing must stay behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def main() -> None:
    """Measure, then print."""
    asked = parse()
    began = monotonic()
    with no_longer_than(LONGEST_SECONDS), ExitStack() as stack:
        found = Bench(asked, stack).run()
    found["seconds"] = round(monotonic() - began)
    as_json = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    sys.stdout.write(as_json if asked.json == "-" else table(found))
    if asked.json not in (None, "-"):
        asked.json.write_text(as_json)


if __name__ == "__main__":
    main()
