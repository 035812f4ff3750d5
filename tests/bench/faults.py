"""Measures calls while parts fail, and resources during a long run: make faults

Prints the tables of docs/resilience.md. --soak 2h adds the long run. See --help.
Exits with 1 when a call is lost, a transcript has a gap or a forgery gets in.
"""

import asyncio
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from typing import TextIO

from tests.bench.arguments import MAX_CALLS, number
from tests.bench.forgery import measured
from tests.faults.crowd import reply
from tests.faults.deployment import (
    FAULTS,
    Deployment,
    Fault,
    full_deployment,
    standalone_deployment,
)
from tests.faults.outage import Outcome, inject
from tests.faults.soak import Growth, Sample, Soak
from tests.support.inworld.server import FakeInworld
from tests.support.services import Missing

UNITS = {"s": 1, "m": 60, "h": 3600}
# Callers pause this long (s) between an answer and their next question.
PAUSE_SECONDS = 1.5
SAMPLES = 240
MAX_OUTAGE, MAX_SOAK = 3600.0, 72 * 3600.0


def duration(maximum: float) -> Callable[[str], float]:
    """Return a parser of `90s`, `5m` or `2h` to seconds."""

    def parse(text: str) -> float:
        match = re.fullmatch(r"(\d{1,6})([smh])", text, re.ASCII)
        seconds = float(match[1]) * UNITS[match[2]] if match else 0.0
        if not 1 <= seconds <= maximum:
            limits = f"from 1s to {maximum / UNITS['h']:g}h"
            raise ArgumentTypeError(f"{text!r} is no time such as 90s or 2h, {limits}")
        return seconds

    return parse


def arguments(given: list[str] | None = None) -> Namespace:
    """Parse the options; exit with status 2 when they would run nothing."""
    parser = ArgumentParser(prog="make faults", description=__doc__)
    add, calls = parser.add_argument, number(1, MAX_CALLS, is_integer=True)
    lasts, soak = duration(MAX_OUTAGE), duration(MAX_SOAK)
    add("--calls", type=calls, default=20, help="calls at once (20)")
    add(
        "--lasts",
        type=lasts,
        default=10.0,
        help="minimum duration of each outage (10s)",
    )
    add(
        "--only",
        default="",
        metavar="WORD",
        help="only faults with WORD in their names",
    )
    add(
        "--soak",
        type=soak,
        default=0.0,
        help="duration of a long run afterwards, such as 2h",
    )
    add(
        "--only-soak",
        action="store_true",
        help="skip the faults and run only the long run",
    )
    options = parser.parse_args(given)
    if not named(options.only):
        names = ", ".join(fault.name for fault in FAULTS)
        parser.error(f"--only {options.only}: no fault has this in its name: {names}")
    if options.only_soak and not options.soak:
        parser.error("--only-soak needs --soak, such as --soak 2h")
    return options


def named(word: str) -> list[Fault]:
    """Return the faults with a word in their names."""
    return [fault for fault in FAULTS if word in fault.name]


async def faults(options: Namespace) -> dict[str, Outcome]:
    """Let each part fail in turn; servers are not restarted in between."""
    outcomes = {}
    wanted = named(options.only)
    async with FakeInworld() as inworld:
        inworld.reply_with = reply
        for start, group in (
            (full_deployment, [fault for fault in wanted if not fault.on_sqlite]),
            (standalone_deployment, [fault for fault in wanted if fault.on_sqlite]),
        ):
            context = start(inworld.url)
            deployment = await asyncio.to_thread(context.__enter__)
            try:
                for fault in group:
                    outcomes[fault.name] = await _one(fault, deployment, options)
            finally:
                await asyncio.to_thread(context.__exit__, None, None, None)
    return outcomes


async def _one(fault: Fault, deployment: Deployment, options: Namespace) -> Outcome:
    say(f"{fault.name}, {options.calls} calls", to=sys.stderr)
    return await inject(
        fault, deployment, options.calls, pause=PAUSE_SECONDS, lasts=options.lasts
    )


async def soak(options: Namespace) -> tuple[Soak, Growth]:
    """Run calls against a server for a long time and sample its resources."""
    say(f"{options.soak:g} s of calls, {options.calls} at once", to=sys.stderr)
    async with FakeInworld() as inworld:
        inworld.reply_with = reply
        context = full_deployment(inworld.url)
        deployment = await asyncio.to_thread(context.__enter__)
        try:
            run = Soak(deployment, options.calls, fast=False)
            return run, await run.run(options.soak, options.soak / SAMPLES)
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)


def rows_of_faults(outcomes: dict[str, Outcome]) -> Iterator[str]:
    """Yield the lines of the table of faults."""
    yield "| Fault | Calls | Answers | In Twilio's voice | Lost | Gaps | Back after |"
    yield "|---|---|---|---|---|---|---|"
    for name, outcome in outcomes.items():
        yield (
            f"| {name} | {outcome.calls} | {outcome.answers} "
            f"| {outcome.in_twilios_voice} | {len(outcome.lost_calls)} "
            f"| {len(outcome.faults)} | {outcome.recovered_after:.1f} s |"
        )
        for error in [*outcome.lost_calls, *outcome.faults]:
            say(f"{name}: {error}", to=sys.stderr)


def rows_of_forgeries() -> Iterator[str]:
    """Yield the lines of the table of forgeries."""
    yield "| Attempt | Tried | Accepted |"
    yield "|---|---|---|"
    for attempts in measured():
        yield f"| {attempts.kind} | {attempts.tried} | {attempts.accepted} |"


def rows_of_soak(run: Soak, growth: Growth) -> Iterator[str]:
    """Yield the lines of the table of the long run."""
    counts = run.counts
    yield (
        f"{counts.calls} calls, {counts.answers} answers, {counts.interruptions} "
        f"interruptions, {counts.reconnects} lost sockets, "
        f"{len(run.lost_calls)} calls lost."
    )
    yield ""
    yield "| Held by the server | First half | Second half |"
    yield "|---|---|---|"
    for words, first, second in _pairs(growth.first, growth.second):
        yield f"| {words} | {first:g} | {second:g} |"
    for error in run.lost_calls:
        say(error, to=sys.stderr)


def _pairs(first: Sample, second: Sample) -> Iterator[tuple[str, float, float]]:
    yield "memory (MB)", first.memory_mb, second.memory_mb
    yield "descriptors", first.descriptors, second.descriptors
    yield "connections", first.connections, second.connections
    yield "tasks", first.tasks, second.tasks


def say(line: str, to: TextIO = sys.stdout) -> None:
    """Print a line."""
    to.write(f"{line}\n")
    to.flush()


def main() -> None:
    """Run what the options ask for, and print the tables."""
    options, bad = arguments(), False
    try:
        if not options.only_soak:
            outcomes = asyncio.run(faults(options))
            bad = any(
                outcome.lost_calls or outcome.faults for outcome in outcomes.values()
            )
            for line in [*rows_of_faults(outcomes), "", *rows_of_forgeries(), ""]:
                say(line)
        if options.soak:
            run, growth = asyncio.run(soak(options))
            bad = bad or bool(run.lost_calls)
            for line in rows_of_soak(run, growth):
                say(line)
    except Missing as missing:
        sys.exit(f"Not measured: {missing}")
    sys.exit(int(bad))


if __name__ == "__main__":
    main()
