"""Measures the pace of calls while a viewer attacks: make bench-attack

One process takes the calls and another the console, as in production; both share a
core, of which calls get four times as much. Calls go on for a quiet minute, then for a
minute in which a viewer asks for endless lookups, leaves slow pages, posts a megabyte
for advice, guesses passwords, searches masked numbers and downloads slowly, all at
once. The lag of the server's event loop comes from its own metric. Exits with 1 when
the attack makes it worse than the target.
"""

import json
import os
import re
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from dataclasses import dataclass
from time import sleep
from typing import Any

import httpx

from tests.bench import services
from tests.bench.arguments import MAX_CALLS, number
from tests.bench.attacker import AT_ONCE, ATTACKS, PASSWORD, VIEWER
from tests.bench.load import ENVIRONMENT, MAX_SECONDS, log_progress, no_longer_than
from tests.bench.plan import LEAD_SECONDS, Plan
from tests.support.live import ROOT, LiveServer, manage

TARGET_MS = 20.0  # p99
TURNS_A_CALL = 10
PACE, EVERY, SHORTEST = 5.0, 8.0, 3.0  # from turn to turn (s)
START_SECONDS = 2.0  # of a Python process
# The niceness that gives a process a quarter of the others' share.
QUARTER = 6
BUCKET = re.compile(
    r'^voicebot_event_loop_lag_seconds_bucket\{le="([^"]+)"\} (\S+)$', re.MULTILINE
)
# Creates what the attacker works on: an account that may only read, and many calls.
FILL = f"""
stored = STORED
from datetime import timedelta
from django.contrib.auth.models import Group, User
from django.utils import timezone
from bots.models import Bot
from calls.models import Call, Turn
viewer = User.objects.create_user({VIEWER!r}, password={PASSWORD!r}, is_staff=True)
viewer.groups.add(Group.objects.get(name="viewer"))
now, bot = timezone.now(), Bot.objects.get()
calls = Call.objects.bulk_create(
    Call(call_sid=f"CA{{n:032}}", bot=bot, bot_name=bot.name, status="completed",
         from_number=f"+4915112{{n:06}}", to_number="+15005550006", is_test=False,
         started_at=now - timedelta(minutes=n), ended_at=now - timedelta(minutes=n),
         settings={{"system_prompt": "x" * 2000}}, summary="a" * 200)
    for n in range(stored))
Turn.objects.bulk_create(
    (Turn(call=call, index=n, role="caller", text="gtaa " * 20, started_at=now)
     for call in calls for n in range({TURNS_A_CALL})), batch_size=5000)
"""


@dataclass(frozen=True, slots=True)
class Lag:
    """Counts of timers that were up to so many seconds late, from a histogram."""

    counts: dict[float, float]

    @classmethod
    def of(cls, server: LiveServer) -> "Lag":
        """Read the metric of a server."""
        text = httpx.get(f"{server.url}/metrics", trust_env=False, timeout=30).text
        return cls({float(le): float(count) for le, count in BUCKET.findall(text)})

    def since(self, before: "Lag") -> "Lag":
        """The counts of the time between two readings."""
        return Lag({le: count - before.counts[le] for le, count in self.counts.items()})

    @property
    def total(self) -> float:
        return max(self.counts.values())

    def quantile_ms(self, rank: float) -> float:
        """A quantile, interpolated within its bucket as Prometheus does."""
        wanted, below, lower = rank * self.total, 0.0, 0.0
        for le, count in sorted(self.counts.items()):
            if count >= wanted:
                share = (wanted - below) / (count - below) if count > below else 0.0
                upper = le if le < float("inf") else lower
                return 1000 * (lower + share * (upper - lower))
            below, lower = count, le
        return 1000 * lower

    @property
    def most_ms(self) -> float:
        """The upper end of the last bucket with a timer in it."""
        return 1000 * min(
            le for le, count in self.counts.items() if count >= self.total
        )


@dataclass(frozen=True, slots=True)
class Minute:
    """The lag of one measurement, and what its calls heard."""

    lag: Lag
    answers: int
    errors: dict[str, int]


def arguments(given: list[str] | None = None) -> Namespace:
    """Parse the command line."""
    parser = ArgumentParser(prog="make bench-attack", description=__doc__)
    add = parser.add_argument
    calls = number(1, MAX_CALLS, is_integer=True)
    add("--calls", type=calls, default=20, help="calls in progress (%(default)s)")
    add("--seconds", type=number(1, 600), default=60.0, help="(%(default)g)")
    stored = number(1, 1_000_000, is_integer=True)
    add("--stored", type=stored, default=2_000, help="calls of the past (%(default)s)")
    add("--database", choices=["sqlite", "postgres"], default="postgres")
    add("--only", choices=ATTACKS, default="", help="one attack instead of all")
    add("--together", action="store_true", help="one process for calls and console")
    add("--json", action="store_true", help="print JSON instead of the table")
    return parser.parse_args(given)


class Bench:
    """A server with many stored calls, its callers and its attacker."""

    def __init__(self, options: Namespace, stack: ExitStack) -> None:
        self.options, self.cores = options, services.other_cores(1)
        use, postgres = stack.enter_context, options.database == "postgres"
        upstream = use(services.upstream(PACE, self.cores))
        with services.pinned(self.cores):
            env = {
                **ENVIRONMENT,
                "MASK_CALLER_NUMBERS": "true",
                "METRICS_TOKEN": "",
                "DATABASE_URL": use(
                    services.postgres() if postgres else services.sqlite()
                ),
                "REDIS_URL": use(services.redis()),
                "INWORLD_BASE_URL": upstream(),
            }
            log_progress(f"{options.stored:,} calls are stored")
            services.set_up(env)
            manage(env, "shell", "-c", FILL.replace("STORED", str(options.stored)))
        (self.server,) = use(services.servers(1, env))
        self.console = self.server
        if not options.together:
            (self.console,) = use(services.servers(1, env))
            _lower_share(self.console.process.pid)

    def run(self) -> dict[str, Any]:
        """Measure quietly, then under attack."""
        quiet = self._minute("a quiet time")
        order = {
            "url": self.console.url,
            "after": self._calls_are_there,
            "seconds": self._plan.window[1] - self._plan.window[0],
            "only": self.options.only,
        }
        with self._process("attacker", order) as attacker:
            attacked = self._minute("an attack")
            attacks = json.loads(attacker.stdout.read() if attacker.stdout else "")
        return {"quiet": quiet, "attacked": attacked, "attacks": attacks}

    @property
    def _calls_are_there(self) -> float:
        """Seconds from the start of the callers until all calls are in progress."""
        return self._plan.warm_up().seconds + self._plan.window[0] + START_SECONDS

    def _process(self, module: str, order: Any) -> "subprocess.Popen[str]":
        """Start a part of the bench with its order on standard input."""
        with services.pinned(self.cores):
            process = subprocess.Popen(
                [sys.executable, "-m", f"tests.bench.{module}"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert process.stdin
        process.stdin.write(json.dumps(order))
        process.stdin.close()
        return process

    @property
    def _plan(self) -> Plan:
        options = self.options
        every = min(EVERY, max(SHORTEST, options.seconds))
        return Plan(
            calls=options.calls,
            servers=[self.server.url],
            pids=[self.server.process.pid],
            every=every,
            standard=max(1, round(options.seconds / every)),
            mixed=0,
            pace=PACE,
            lead=min(LEAD_SECONDS, every),
        )

    def _minute(self, title: str) -> Minute:
        log_progress(f"{title}: {self.options.calls} calls, {self._plan.seconds:.0f} s")
        with self._process("callers", self._plan.json()) as callers:
            sleep(self._calls_are_there)
            before = Lag.of(self.server)
            result = json.loads(callers.stdout.read() if callers.stdout else "")
        answers = sum(bool(turn["clips"]) for turn in result["turns"])
        return Minute(Lag.of(self.server).since(before), answers, result["errors"])


def _lower_share(pid: int) -> None:
    """Give a process a quarter of its share, and so the threads that it starts."""
    nice = os.getpriority(os.PRIO_PROCESS, pid)
    os.setpriority(os.PRIO_PROCESS, pid, nice + QUARTER)


def figures(minute: Minute) -> dict[str, Any]:
    """One measurement as numbers, as in the JSON."""
    return {
        "p50_ms": round(minute.lag.quantile_ms(0.5), 2),
        "p99_ms": round(minute.lag.quantile_ms(0.99), 2),
        "most_ms": round(minute.lag.most_ms, 1),
        "timers": int(minute.lag.total),
        "answers": minute.answers,
        "errors": minute.errors,
    }


def table(report: dict[str, Any]) -> str:
    """Return the report as text."""
    quiet, attacked = report["quiet"], report["attacked"]
    rows: list[tuple[str, ...]] = [("", "quiet", "under attack")]
    for label, key in (
        ("loop lag p50, ms", "p50_ms"),
        ("loop lag p99, ms", "p99_ms"),
        ("the most, at most, ms", "most_ms"),
        ("timers measured", "timers"),
        ("answers heard", "answers"),
    ):
        rows.append((label, str(quiet[key]), str(attacked[key])))
    counts = [str(sum(part["errors"].values())) for part in (quiet, attacked)]
    rows.append(("errors of calls", *counts))
    lines = ["{:26}{:>12}{:>16}".format(*row) for row in rows]
    lines.append(f"Each attack {AT_ONCE} times at once, by answer:")
    for name, answers in report["attacks"].items():
        counted = ", ".join(f"{count} x {answer}" for answer, count in answers.items())
        lines.append(f"  {name:18}{counted}")
    result = "ok" if report["ok"] else "MISS"
    lines.append(f"Target: p99 ≤ {TARGET_MS:g} ms under attack: {result}")
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure and print the report."""
    options = arguments()
    with no_longer_than(MAX_SECONDS), ExitStack() as stack:
        report = Bench(options, stack).run()
    for name in ("quiet", "attacked"):
        report[name] = figures(report[name])
    report["ok"] = report["attacked"]["p99_ms"] <= TARGET_MS
    as_json = json.dumps(report, indent=2) + "\n"
    sys.stdout.write(as_json if options.json else table(report))
    sys.exit(0 if report["ok"] else 1)


if __name__ == "__main__":
    main()
