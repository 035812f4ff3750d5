"""The command-line arguments of the bench."""

import math
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from pathlib import Path

LEVELS = [1, 50, 100, 200, 300]
FIRST_WORD = [1, 100, 300]  # as the Node seed was measured
QUICK_LEVELS = [10]
QUICK_SECONDS = 3.0
MAX_CALLS = 2_000
MAX_LEVELS = 12
MAX_PROCESSES = 8
# A standard turn must have arrived before the next one starts (s).
MIN_EVERY = 1.4


def number(
    minimum: float, maximum: float, *, is_integer: bool = False
) -> Callable[[str], float]:
    """Return a parser of numbers within limits."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not minimum <= value <= maximum or (is_integer and value % 1):
            kind = "a whole number" if is_integer else "a number"
            wanted = f"{kind} from {minimum:,} to {maximum:,}"
            raise ArgumentTypeError(f"{text!r} is not {wanted}")
        return int(value) if is_integer else value

    return parse


def levels(text: str) -> list[int]:
    """Parse numbers of calls, separated by commas."""
    calls = [
        int(number(1, MAX_CALLS, is_integer=True)(part)) for part in text.split(",")
    ]
    if len(calls) > MAX_LEVELS:
        raise ArgumentTypeError(f"{len(calls)} levels are more than {MAX_LEVELS}")
    return sorted(set(calls))


def first_word_levels(arguments: Namespace) -> list[int]:
    """Return the numbers of calls at which the table of the first word is measured."""
    if arguments.first_word and arguments.calls:
        return list(arguments.calls)
    return QUICK_LEVELS if arguments.quick else FIRST_WORD


def report(text: str) -> Path:
    """Return the path of the report; check it before anything is measured."""
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        raise ArgumentTypeError(f"{text} cannot be written")
    return path


def parser() -> ArgumentParser:
    """Return the parser of all options, with their defaults."""
    parser = ArgumentParser(
        prog="make bench", description="How fast the server is, and for how many calls."
    )
    _add_load(parser)
    _add_deployment(parser)
    _add_extent(parser)
    return parser


def _add_load(parser: ArgumentParser) -> None:
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
        help="duration of standard turns at each level (default: %(default)g)",
    )
    add(
        "--every",
        type=number(MIN_EVERY, 120),
        default=8.0,
        metavar="SECONDS",
        help="interval between turns of a call (default: %(default)g)",
    )
    add(
        "--pace",
        type=number(1, 50),
        default=5.0,
        help="speed of arriving sound, in times real time (default: %(default)g)",
    )


def _add_deployment(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--database", choices=["sqlite", "postgres"], default="sqlite")
    add("--clips", choices=["redis", "memory"], default="redis")
    add(
        "--processes",
        type=number(1, MAX_PROCESSES, is_integer=True),
        default=1,
        help="servers that share the load; more than one is compared with one",
    )


def _add_extent(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--plain", action="store_true", help="standard turns only, no interruptions")
    add(
        "--only",
        action="store_true",
        help="measure the levels only: no floor, no link, no comparison",
    )
    add(
        "--first-word",
        action="store_true",
        help="measure the table of the first word only; without --calls at 1, 100 and "
        "300 calls",
    )
    add(
        "--stream-clips",
        choices=["off", "on"],
        action="append",
        help="in that table, measure whole clips (off) or streamed ones (on) only",
    )
    add("--quick", action="store_true", help="a small run, under 40 seconds")
    add(
        "--json",
        nargs="?",
        const="-",
        metavar="FILE",
        help="print JSON instead of the table, or write it to a file in addition",
    )


def parse(given: list[str] | None = None) -> Namespace:
    """Parse the options; exit with status 2 when they contradict each other."""
    options = parser()
    arguments = options.parse_args(given)
    if arguments.processes > 1 and arguments.clips == "memory":
        options.error("--processes above 1 needs --clips redis")
    slowest = 0.45 + 7 / arguments.pace + 0.6
    if arguments.every < slowest:
        options.error(
            f"--every {arguments.every:g}: at --pace {arguments.pace:g} a turn takes "
            f"{slowest:.1f} seconds to arrive"
        )
    if arguments.json not in (None, "-"):
        try:
            arguments.json = report(arguments.json)
        except ArgumentTypeError as error:
            options.error(f"argument --json: {error}")
    arguments.stream_clips = arguments.stream_clips or ["off", "on"]
    arguments.first_word_calls = first_word_levels(arguments)
    arguments.calls = arguments.calls or (QUICK_LEVELS if arguments.quick else LEVELS)
    if arguments.quick:
        arguments.seconds = min(arguments.seconds, QUICK_SECONDS)
        arguments.every = min(arguments.every, max(QUICK_SECONDS, slowest))
    return arguments
