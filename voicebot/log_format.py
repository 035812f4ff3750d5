"""How lines of the log look, and what is kept out of them.

No keys, no full phone numbers, no addresses that let somebody in or listen, and nothing
that was said in a call.
"""

import json
import logging
import re
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import unquote

from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, InterfaceError, OperationalError

GONE = "•••"
# A shorter secret would take ordinary words out with it.
MIN_SECRET_LENGTH = 8
PHONE_NUMBER = re.compile(r"(\+|%2[Bb])\d{3,11}(\d{4})(?!\d)")
CREDENTIALS = re.compile(r"\b(Basic|Bearer)(:? )[\w.+/=~-]{8,}", re.IGNORECASE)
# Whoever knows one can listen to a clip, or come in as a call.
ADDRESS = re.compile(r"(/(?:audio|conversation)/)[^\s\"'?]+")
# asyncio tells of a task's error with what it quotes.
TASK_ERROR = re.compile(r"exception=(\w+)\(.*\)>", re.DOTALL)
CALL_SID = re.compile(r"\b(?:CA[0-9a-fA-F]{32}|test-[0-9a-f]{32})\b")
# Their words are about code, connections and constraints. Others quote what they could
# not deal with, and that may be somebody's sentence.
PLAIN_ERRORS = (
    *(OSError, OperationalError, InterfaceError, IntegrityError, ImproperlyConfigured),
    *(ImportError, NameError, AttributeError, TypeError, RuntimeError),
)


def names_no_clip(record: logging.LogRecord) -> bool:
    """Drop lines with a clip's address: whoever knows it can listen."""
    return "/audio/" not in record.getMessage()


def answers_no_checker(record: logging.LogRecord) -> bool:
    """Drop a line for each time a health checker is told no; changes are logged."""
    return "/readyz" not in record.getMessage()


def refuses_in_a_line(record: logging.LogRecord) -> bool:
    """Leave out where a plain refusal was raised: nothing went wrong there."""
    if getattr(record, "status_code", None) == 403:
        record.exc_info = None
    return True


class RedactingFormatter(logging.Formatter):
    """One line of text an event, and its traceback below; `secrets` never appear."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self.secrets = sorted(
            {secret for secret in secrets if len(secret) >= MIN_SECRET_LENGTH},
            key=len,
            reverse=True,
        )

    def format(self, record: logging.LogRecord) -> str:
        """The whole entry."""
        return self.cleared(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The first line: what came from outside cannot begin another."""
        return re.sub(r"[\r\n]+", " ⏎ ", super().formatMessage(record))

    def formatException(self, ei: object) -> str:
        """Where it went wrong, with what no error may quote left out."""
        error = ei[1] if isinstance(ei, tuple) else None
        return "\n".join(traced(error)) if isinstance(error, BaseException) else ""

    def cleared(self, text: str) -> str:
        """The text without what nobody may read."""
        for secret in self.secrets:
            text = text.replace(secret, GONE)
        text = PHONE_NUMBER.sub(rf"\1{GONE}\2", text)
        text = CREDENTIALS.sub(rf"\1\2{GONE}", text)
        text = TASK_ERROR.sub(rf"exception=\1({GONE})>", text)
        return ADDRESS.sub(rf"\1{GONE}", text)


class JsonFormatter(RedactingFormatter):
    """One JSON object an event, for programs that collect logs."""

    def format(self, record: logging.LogRecord) -> str:
        """The object, on one line."""
        message = record.getMessage()
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": message,
        }
        named = CALL_SID.search(message)
        call_sid = getattr(record, "call_sid", None) or (named and named[0])
        if call_sid:
            entry["call_sid"] = call_sid
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        cleared = {name: self.cleared(str(value)) for name, value in entry.items()}
        return json.dumps(cleared, ensure_ascii=False)


def secrets_in(url: str) -> list[str]:
    """The password of an address, as it is written and as it is meant."""
    _, _, password = url.partition("://")[2].rpartition("@")[0].partition(":")
    return [password, unquote(password)]


def traced(error: BaseException) -> list[str]:
    """A traceback with the errors it came from, the latest last."""
    lines = []
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            lines += traced(part)
    cause = error.__cause__
    if cause is None and not error.__suppress_context__:
        cause = error.__context__
    if cause is not None:
        lines += [*traced(cause), "", "which led to:", ""]
    frames = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    lines += ["Traceback (most recent call last):", frames] if frames else []
    return [*lines, f"{type(error).__qualname__}: {in_words(error)}"]


def in_words(error: BaseException) -> str:
    """What an error says, where that cannot be what somebody said in a call."""
    if not isinstance(error, PLAIN_ERRORS):
        return "(its words are left out)"
    # PostgreSQL quotes the row below the first line.
    return str(error).partition("\n")[0]
