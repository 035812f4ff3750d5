"""The command line arguments of `manage.py call`."""

import os
import re
from argparse import ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser

from bots.validators import e164

from .call import SimulatedCall
from .line import CALLER, Carrier, Person

HIDDEN_NUMBER = "anonymous"


@dataclass(frozen=True, slots=True)
class Speech:
    """The caller speaks."""

    text: str

    async def take(self, call: SimulatedCall) -> bool:
        return await call.say(self.text)

    def __str__(self) -> str:
        return f"“{self.text}”"


@dataclass(frozen=True, slots=True)
class Keys:
    """The caller presses keys."""

    digits: str

    async def take(self, call: SimulatedCall) -> bool:
        return await call.press(self.digits)

    def __str__(self) -> str:
        return f"presses {self.digits}"


@dataclass(frozen=True, slots=True)
class After:
    """The caller lets the bot speak for so long, then interrupts with the next step."""

    seconds: float


Step = Speech | Keys | After


def _number(text: str) -> str:
    try:
        e164(text)
    except ValidationError as error:
        raise ArgumentTypeError(error.messages[0]) from error
    return text


def _caller(text: str) -> str:
    """A number, or the word that Twilio sends for a hidden number."""
    return text if text == HIDDEN_NUMBER else _number(text)


def _keys(text: str) -> Keys:
    if not re.fullmatch(r"[0-9*#]+", text):
        raise ArgumentTypeError("keys are 0 to 9, * and #")
    return Keys(text)


def _speech(text: str) -> Speech:
    if not text.strip():
        raise ArgumentTypeError("write something to say")
    return Speech(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 3600:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 3600")
    return seconds


def _after(text: str) -> After:
    return After(_seconds(text))


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ArgumentTypeError(f"{text!r} is not an address such as http://host:3000")
    return text


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name):
        raise ArgumentTypeError(f"{text!r} is not of the form name=value")
    return name, value


def writable(text: str) -> Path:
    """A file that can be written; checked before the call."""
    path = Path(text)
    if path.is_dir():
        raise ArgumentTypeError(f"{text} is a directory")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ArgumentTypeError(f"{text} cannot be written")
    return path


def add_line_arguments(parser: CommandParser) -> None:
    """Add the arguments of the numbers and the server."""
    add = parser.add_argument
    add("--to", type=_number, help="number to call (default: the first active one)")
    add(
        "--from",
        type=_caller,
        dest="from_",
        default=CALLER,
        help=f"a number, or {HIDDEN_NUMBER} (default: %(default)s)",
    )
    add(
        "--server",
        type=_origin,
        default=f"http://localhost:{settings.PORT}",
        metavar="URL",
        help="address to connect to (default: %(default)s)",
    )
    add(
        "--parameter",
        type=_parameter,
        action="append",
        default=[],
        dest="parameters",
        metavar="NAME=VALUE",
        help="parameter of the number's voice URL, for {{NAME}}; may be repeated",
    )
    add(
        "--status-callback",
        type=_origin,
        metavar="URL",
        help="the number's status callback, posted to after the call",
    )


def add_step_arguments(parser: CommandParser) -> None:
    """Add the arguments of the caller's words and keys, in their order."""
    add = parser.add_argument
    add(
        "--say",
        type=_speech,
        action="append",
        dest="steps",
        metavar="TEXT",
        help="say this when the bot has finished; may be repeated",
    )
    add(
        "--press",
        type=_keys,
        action="append",
        dest="steps",
        metavar="KEYS",
        help="press these keys; keeps its place among --say",
    )
    add(
        "--after",
        type=_after,
        action="append",
        dest="steps",
        metavar="SECONDS",
        help="let the bot speak so long, then interrupt it with the next step; keeps "
        "its place among --say and --press",
    )


def add_caller_arguments(parser: CommandParser) -> None:
    """Add the arguments of interruptions, partial transcripts and transfers."""
    add = parser.add_argument
    add(
        "--interrupt-after",
        type=_seconds,
        metavar="SECONDS",
        help="interrupt the reply to the first line with the second line",
    )
    add(
        "--person",
        type=Person,
        choices=list(Person),
        default=Person.TAKES,
        help="behaviour of a person to whom the call is transferred: takes it (presses "
        "1 when asked), declines it, is busy, does not answer, or has an answering "
        "machine (default: %(default)s)",
    )
    add(
        "--carrier",
        type=Carrier,
        choices=list(Carrier),
        default=Carrier.WAITS,
        help="what Twilio does with a sentence that still grows: plays it as it "
        "arrives, does so with MP3 only, waits for its end, or refuses it "
        "(default: %(default)s)",
    )
    add(
        "--no-speaker-events",
        action="store_true",
        help="do not report when the bot's voice starts and stops",
    )
    add("--partials", action="store_true", help="send partial transcripts too")


def add_pace_arguments(parser: CommandParser) -> None:
    """Add the arguments of timeouts and speed."""
    add = parser.add_argument
    add(
        "--timeout",
        type=_seconds,
        default=15.0,
        metavar="SECONDS",
        help="give up after this much silence (default: %(default)s)",
    )
    add(
        "--pause",
        type=_seconds,
        default=1.0,
        metavar="SECONDS",
        help="silence after which a reply counts as finished (default: %(default)s)",
    )
    add("--fast", action="store_true", help="do not wait while the bot speaks")
