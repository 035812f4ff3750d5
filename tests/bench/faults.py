"""What calls make of failing parts, and what a long day leaves behind: make faults

Prints the tables of docs/resilience.md. --soak 2h adds the long run; --help says more.
Ends with status 1 when a call was lost, a transcript has a gap or a forgery got in.
"""

import asyncio
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from typing import TextIO

from tests.bench.arguments import MOST_CALLS, number
from tests.bench.forgery import measured
from tests.faults.crowd import reply
from tests.faults.groups import FAULTS, Deployment, Fault, alone, with_parts
from tests.faults.outage import Outcome, befall
from tests.faults.soak import Growth, Sample, Soak
from tests.support.inworld.server import FakeInworld
from tests.support.services import Missing

UNITS = {"s": 1, "m": 60, "h": 3600}
# A caller asks again so long (s) after an answer.
THINKS = 1.5
SAMPLES = 240
LONGEST_OUTAGE, LONGEST_RUN = 3600.0, 72 * 3600.0


def duration(most: float) -> Callable[[str], float]:
    """A parser of `90s`, `5m` or `2h`, to seconds."""

    def parse(text: str) -> float:
        found = re.fullmatch(r"(\d{1,6})([smh])", text, re.ASCII)
        seconds = float(found[1]) * UNITS[found[2]] if found else 0.0
        if not 1 <= seconds <= most:
            limits = f"from 1s to {most / UNITS['h']:g}h"
            raise ArgumentTypeError(f"{text!r} is no time such as 90s or 2h, {limits}")
        return seconds

    return parse


def arguments(given: list[str] | None = None) -> Namespace:
    """What was asked for, refused where nothing would come of it."""
    parser = ArgumentParser(prog="make faults", description=__doc__)
    add, calls = parser.add_argument, number(1, MOST_CALLS, whole=True)
    lasts, soak = duration(LONGEST_OUTAGE), duration(LONGEST_RUN)
    add("--calls", type=calls, default=20, help="at once (20)")
    add("--lasts", type=lasts, default=10.0, help="each outage, at least (10s)")
    add("--only", default="", metavar="WORD", help="faults with this in their names")
    add("--soak", type=soak, default=0.0, help="go on with a long run: 2h")
    add("--only-soak", action="store_true", help="nothing but the long run")
    asked = parser.parse_args(given)
    if not named(asked.only):
        names = ", ".join(fault.name for fault in FAULTS)
        parser.error(f"--only {asked.only}: no fault has this in its name: {names}")
    if asked.only_soak and not asked.soak:
        parser.error("--only-soak needs --soak, such as --soak 2h")
    return asked


def named(word: str) -> list[Fault]:
    """The faults with a word in their names."""
    return [fault for fault in FAULTS if word in fault.name]


async def faults(asked: Namespace) -> dict[str, Outcome]:
    """Let each part fail in turn; servers are not restarted in between."""
    found = {}
    wanted = named(asked.only)
    async with FakeInworld() as inworld:
        inworld.reply_with = reply
        for start, group in (
            (with_parts, [fault for fault in wanted if not fault.on_sqlite]),
            (alone, [fault for fault in wanted if fault.on_sqlite]),
        ):
            context = start(inworld.url)
            deployment = await asyncio.to_thread(context.__enter__)
            try:
                for fault in group:
                    found[fault.name] = await _one(fault, deployment, asked)
            finally:
                await asyncio.to_thread(context.__exit__, None, None, None)
    return found


async def _one(fault: Fault, deployment: Deployment, asked: Namespace) -> Outcome:
    say(f"{fault.name}, {asked.calls} calls", to=sys.stderr)
    return await befall(
        fault, deployment, asked.calls, thinks=THINKS, lasts=asked.lasts
    )


async def soak(asked: Namespace) -> tuple[Soak, Growth]:
    """Keep a server busy for long."""
    say(f"{asked.soak:g} s of calls, {asked.calls} at once", to=sys.stderr)
    async with FakeInworld() as inworld:
        inworld.reply_with = reply
        context = with_parts(inworld.url)
        deployment = await asyncio.to_thread(context.__enter__)
        try:
            run = Soak(deployment, asked.calls, fast=False)
            return run, await run.run(asked.soak, asked.soak / SAMPLES)
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)


def rows_of_faults(found: dict[str, Outcome]) -> Iterator[str]:
    """The table of faults."""
    yield "| Fault | Calls | Answers | In carrier's voice | Lost | Gaps | Back after |"
    yield "|---|---|---|---|---|---|---|"
    for name, outcome in found.items():
        yield (
            f"| {name} | {outcome.calls} | {outcome.answers} "
            f"| {outcome.in_carriers_voice} | {len(outcome.troubles)} "
            f"| {len(outcome.faults)} | {outcome.recovered_after:.1f} s |"
        )
        for trouble in [*outcome.troubles, *outcome.faults]:
            say(f"{name}: {trouble}", to=sys.stderr)


def rows_of_forgeries() -> Iterator[str]:
    """The table of forgeries."""
    yield "| Attempt | Tried | Accepted |"
    yield "|---|---|---|"
    for each in measured():
        yield f"| {each.kind} | {each.tried} | {each.accepted} |"


def rows_of_soak(run: Soak, found: Growth) -> Iterator[str]:
    """The table of the long run."""
    done = run.tally
    yield (
        f"{done.calls} calls, {done.answers} answers, {done.interruptions} "
        f"interruptions, {done.reconnects} lost sockets, "
        f"{len(run.troubles)} calls lost."
    )
    yield ""
    yield "| Held by the server | First half | Second half |"
    yield "|---|---|---|"
    for words, first, second in _pairs(found.first, found.second):
        yield f"| {words} | {first:g} | {second:g} |"
    for trouble in run.troubles:
        say(trouble, to=sys.stderr)


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
    """Do what was asked, and print it."""
    asked, bad = arguments(), False
    try:
        if not asked.only_soak:
            found = asyncio.run(faults(asked))
            bad = any(outcome.troubles or outcome.faults for outcome in found.values())
            for line in [*rows_of_faults(found), "", *rows_of_forgeries(), ""]:
                say(line)
        if asked.soak:
            run, grown = asyncio.run(soak(asked))
            bad = bad or bool(run.troubles)
            for line in rows_of_soak(run, grown):
                say(line)
    except Missing as missing:
        sys.exit(f"Not measured: {missing}")
    sys.exit(int(bad))


if __name__ == "__main__":
    main()
