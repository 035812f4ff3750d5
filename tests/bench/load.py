"""Measures the server's delays by number of calls: make bench, or -m tests.bench.load

Each part runs in its own process: the servers under test are pinned to a core each;
the callers, the fake Inworld and the databases share the other cores.
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
from dataclasses import asdict, dataclass, replace
from time import monotonic
from typing import Any

import httpx

from tests.bench import first_word, services
from tests.bench.arguments import MAX_CALLS, parse
from tests.bench.figures import level
from tests.bench.link import over_a_link
from tests.bench.plan import Plan
from tests.bench.table import table
from tests.bench.targets import knee, targets
from tests.bench.turns import HUNG
from tests.support.live import ROOT, LiveServer
from tests.support.services import Missing

COMPARED_AT = 100
# One level more is measured between two that are further apart than this (calls).
KNEE_WIDTH = 20
FLOOR_TURNS, FLOOR_AT_ONCE = 90, 30
START_SECONDS = 60.0
ENVIRONMENT = {
    "SECRET_KEY": "bench-only-secret-key-that-nobody-else-knows-0123456",
    "INWORLD_API_KEY": "YmVuY2g6a2V5",
    "ALLOWED_HOSTS": "",
    "WARM_UP_SECONDS": "15",
    "MAX_CALLS": str(2 * MAX_CALLS),  # the limit must not stop the bench
    "MAX_CALLS_PER_CALLER": "0",  # all calls come from one number
    "MAX_CALLS_PER_CALLER_PER_HOUR": "0",
    "MAX_MINUTES_PER_CALLER_PER_DAY": "0",
}
MAX_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Variant:
    """The settings of one measurement."""

    calls: int
    database: str
    clips: str
    processes: int = 1
    kind: str = "standard"  # of its turns
    stream_clips: str = "off"  # the setting STREAM_CLIPS

    def __str__(self) -> str:
        title = (
            f"{self.calls} calls, {self.database}, clips in {self.clips}, "
            f"{self.processes} process(es)"
        )
        if self.kind == first_word.KIND:
            way = first_word.COLUMNS[self.stream_clips]
            return f"the first word, {way}, {title}"
        return title


class Bench:
    """One run of the bench; all measurements share its fake Inworld."""

    def __init__(self, options: Namespace, stack: ExitStack) -> None:
        self.options = options
        self.other_cores = services.other_cores(options.processes)
        self.upstream = stack.enter_context(
            services.upstream(options.pace, self.other_cores)
        )
        self.floor: dict[str, Any] | None = None
        self.skipped: list[str] = []

    def run(self) -> dict[str, Any]:
        """Measure everything that the arguments ask for; return the report."""
        options = self.options
        if options.first_word:
            return {**self._about(), "first_word": self._first_word()}
        self.floor = None if options.only else self._floor()
        levels = self._levels(1)
        results: dict[str, Any] = {"levels": levels}
        if options.processes > 1:
            results["scaled"] = self._levels(options.processes)
        elif not (options.only or options.quick):
            self._narrow(levels)
            results["beside"] = self._beside()
        best, worst = knee(levels)
        if not options.only:
            results["first_word"] = self._first_word()
        return {
            **self._about(),
            "floor": self.floor,
            **results,
            "knee": {"served": best, "too_many": worst},
            "link": None if options.only else self._link(),
            "targets": [{**asdict(t), "ok": t.ok} for t in targets(levels)],
        }

    def _about(self) -> dict[str, Any]:
        asked = {**vars(self.options), "json": None}
        return {"machine": machine(), "asked": asked, "skipped": self.skipped}

    def _levels(self, processes: int) -> list[dict[str, Any]]:
        results = []
        for calls in self.options.calls:
            results += self._try(replace(self._variant(calls), processes=processes))
        return results

    def _variant(self, calls: int) -> Variant:
        return Variant(calls, self.options.database, self.options.clips)

    def _first_word(self) -> dict[str, list[dict[str, Any]]]:
        """Measure the levels of the table of the first word."""
        calls = self.options.first_word_calls
        levels = [replace(self._variant(n), kind=first_word.KIND) for n in calls]
        return {
            column: [
                result
                for level in levels
                for result in self._try(replace(level, stream_clips=setting))
            ]
            for setting, column in first_word.columns(self.options)
        }

    def _beside(self) -> list[dict[str, Any]]:
        """Measure one level with the other database and clip store."""
        options = self.options
        calls = min(options.calls, key=lambda calls: abs(calls - COMPARED_AT))
        database = "postgres" if options.database == "sqlite" else "sqlite"
        clips = "memory" if options.clips == "redis" else "redis"
        variant = self._variant(calls)
        return [
            *self._try(replace(variant, database=database)),
            *self._try(replace(variant, clips=clips)),
        ]

    def _narrow(self, levels: list[dict[str, Any]]) -> None:
        """Measure once between the last good level and the first bad one."""
        best, worst = knee(levels)
        if best and worst - best > KNEE_WIDTH:
            between = (best + worst) // 2
            levels += self._try(self._variant(between))
            levels.sort(key=lambda level: level["calls"])

    def _try(self, variant: Variant) -> list[dict[str, Any]]:
        log_progress(str(variant))
        try:
            with ExitStack() as stack:
                use = stack.enter_context
                with services.pinned(self.other_cores):
                    env = self._start_services(stack, variant)
                    services.set_up(env)
                live = use(services.servers(variant.processes, env))
                measured = self._measure(live, self._plan(variant, live))
                if first_word.hangs_too(variant.kind, variant.calls, self.options):
                    hung = self._measure(live, self._hung_plan(live))
                    measured["figures"]["hung"] = hung["figures"].get("hung")
                    measured["error_count"] += hung["error_count"]
                    measured["errors"] |= hung["errors"]
        except Missing as missing:
            self.skipped.append(f"{variant}: {missing}")
            return []
        return [{**asdict(variant), **measured}]

    def _start_services(self, stack: ExitStack, variant: Variant) -> dict[str, str]:
        """Start the services that a server needs; return its environment."""
        use, postgres = stack.enter_context, variant.database == "postgres"
        return {
            **ENVIRONMENT,
            "DATABASE_URL": use(services.postgres() if postgres else services.sqlite()),
            "REDIS_URL": use(services.redis()) if variant.clips == "redis" else "",
            "INWORLD_BASE_URL": self.upstream(),
            "STREAM_CLIPS": variant.stream_clips,
        }

    def _measure(self, live: list[LiveServer], plan: Plan) -> dict[str, Any]:
        self._records()  # drops earlier records
        result = self._call(plan)
        floor_ms = self.floor["cpu_ms_per_turn"] if self.floor else None
        measured = level(plan, result, self._records(), floor_ms)
        lines = [line for server in live for line in server.lines]
        errors = [line.strip() for line in lines if " ERROR " in line]
        return {**measured, "server_errors": len(errors), "said": errors[-3:]}

    def _plan(self, variant: Variant, live: list[LiveServer]) -> Plan:
        options = self.options
        is_plain = options.plain or variant.kind == first_word.KIND
        plan = Plan(
            calls=variant.calls,
            servers=[server.url for server in live],
            pids=[server.process.pid for server in live],
            every=options.every,
            standard=max(1, round(options.seconds / options.every)),
            mixed=0 if is_plain else 1,
            pace=options.pace,
            lead=min(4.0, options.every / 2),
            kind=variant.kind,
        )
        return plan.with_a_window()

    def _hung_plan(self, live: list[LiveServer]) -> Plan:
        """Return a plan of calls whose only question upstream never answers."""
        variant = replace(self._variant(first_word.HUNG_CALLS), kind=HUNG)
        return replace(self._plan(variant, live), standard=1, mixed=0)

    def _call(self, plan: Plan) -> dict[str, Any]:
        with services.pinned(self.other_cores):
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
        quick = self.options.quick
        turns, at_once = (30, 15) if quick else (FLOOR_TURNS, FLOOR_AT_ONCE)
        log_progress(f"the floor: {turns} turns of httpx, JSON and base64 alone")
        command = [sys.executable, "-m", "tests.bench.floor", self.upstream()]
        command += ["--turns", str(turns), "--at-once", str(at_once)]
        with services.pinned(services.server_core(0)):
            done = subprocess.run(
                [*command, "--pace", str(self.options.pace)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                check=True,
                timeout=START_SECONDS + 30,
            )
        floor: dict[str, Any] = json.loads(done.stdout)
        return floor

    def _link(self) -> list[dict[str, Any]] | None:
        log_progress("clips over a link of 40 ms")
        try:
            return over_a_link()
        except Missing as missing:
            self.skipped.append(f"the link of 40 ms: {missing}")
            return None


def machine() -> dict[str, Any]:
    """Describe the machine of this run."""
    return {
        "cores": len(services.CORES),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_average": round(os.getloadavg()[0], 2),
    }


def log_progress(title: str) -> None:
    """Print a line of progress to standard error."""
    sys.stderr.write(f"bench: {title}\n")
    sys.stderr.flush()


@contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in the block after this many seconds."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"the bench took longer than {seconds} seconds")

    signal.signal(signal.SIGALRM, give_up)
    # SIGTERM must end the child processes too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def main() -> None:
    """Measure and print the report."""
    options = parse()
    start = monotonic()
    with no_longer_than(MAX_SECONDS), ExitStack() as stack:
        results = Bench(options, stack).run()
    results["seconds"] = round(monotonic() - start)
    as_json = json.dumps(results, indent=2, ensure_ascii=False) + "\n"
    sys.stdout.write(as_json if options.json == "-" else table(results))
    if options.json not in (None, "-"):
        options.json.write_text(as_json)


if __name__ == "__main__":
    main()
