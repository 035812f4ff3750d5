"""The command line of the bench: what may be asked of it."""

import math
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from pathlib import Path

LEVELS = [1, 50, 100, 200, 300]
QUICK_LEVELS = [10]
QUICK_SECONDS = 3.0
MOST_CALLS = 2_000
MOST_LEVELS = 12
MOST_PROCESSES = 8
# A standard turn must have arrived before the next one is asked for.
FASTEST_TURNS = 1.4


def number(least: float, most: float, *, whole: bool = False) -> Callable[[str], float]:
    """A parser of numbers within limits."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most or (whole and value % 1):
            kind = "a whole number" if whole else "a number"
            wanted = f"{kind} from {least:,} to {most:,}"
            raise ArgumentTypeError(f"{text!r} is not {wanted}")
        return int(value) if whole else value

    return parse


def levels(text: str) -> list[int]:
    """Numbers of calls, separated by commas."""
    found = [int(number(1, MOST_CALLS, whole=True)(part)) for part in text.split(",")]
    if len(found) > MOST_LEVELS:
        raise ArgumentTypeError(f"{len(found)} levels are more than {MOST_LEVELS}")
    return sorted(set(found))


def report(text: str) -> Path:
    """A file to write, checked before anything is measured."""
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        raise ArgumentTypeError(f"{text} cannot be written")
    return path


def parser() -> ArgumentParser:
    """Everything that may be asked, with what is done by default."""
    parser = ArgumentParser(
        prog="make bench", description="How fast the server is, and for how many calls."
    )
    add = parser.add_argument
    add(
        "--calls",
        type=levels,
        metavar="N,N",
        help=f"levels of load (default: {','.join(map(str, LEVELS))})",
    )
    add(
        "--seconds",
        type=number(1, 600),
        default=32.0,
        help="of standard turns at each level (default: %(default)g)",
    )
    add(
        "--every",
        type=number(FASTEST_TURNS, 120),
        default=8.0,
        metavar="SECONDS",
        help="a turn of each call (default: %(default)g)",
    )
    add(
        "--pace",
        type=number(1, 50),
        default=5.0,
        help="sound arrives at so many times real time (default: %(default)g)",
    )
    add("--database", choices=["sqlite", "postgres"], default="sqlite")
    add("--clips", choices=["redis", "memory"], default="redis")
    add(
        "--processes",
        type=number(1, MOST_PROCESSES, whole=True),
        default=1,
        help="servers that share the load; more than one is compared with one",
    )
    add("--plain", action="store_true", help="standard turns only, no interruptions")
    add("--only", action="store_true", help="no floor, no link, nothing beside")
    add("--quick", action="store_true", help="a small run, under 40 seconds")
    add(
        "--json",
        nargs="?",
        const="-",
        metavar="FILE",
        help="JSON instead of the table; to a file, beside it",
    )
    return parser


def parse(arguments: list[str] | None = None) -> Namespace:
    """The options, refused where they make no sense together."""
    options = parser()
    asked = options.parse_args(arguments)
    if asked.processes > 1 and asked.clips == "memory":
        options.error("--processes above 1 needs --clips redis")
    slowest = 0.45 + 7 / asked.pace + 0.6
    if asked.every < slowest:
        options.error(
            f"--every {asked.every:g}: at --pace {asked.pace:g} a turn takes "
            f"{slowest:.1f} seconds to arrive"
        )
    if asked.json not in (None, "-"):
        try:
            asked.json = report(asked.json)
        except ArgumentTypeError as error:
            options.error(f"argument --json: {error}")
    asked.calls = asked.calls or (QUICK_LEVELS if asked.quick else LEVELS)
    if asked.quick:
        asked.seconds = min(asked.seconds, QUICK_SECONDS)
        asked.every = min(asked.every, max(QUICK_SECONDS, slowest))
    return asked
