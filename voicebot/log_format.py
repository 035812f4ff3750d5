"""Log formatters that redact secrets and personal data.

Keys, full phone numbers, addresses of clips and relay sockets, and everything said in a
call stay out of the log.
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

REDACTED = "•••"
# Redacting shorter secrets would hit ordinary words.
MIN_SECRET_LENGTH = 8
MAX_MESSAGE_LENGTH = 2000
PHONE_NUMBER = re.compile(r"(\+|%2[Bb])\d{3,11}(\d{4})(?!\d)")
CREDENTIALS = re.compile(r"\b(Basic|Bearer)(:? )[\w.+/=~-]{8,}", re.IGNORECASE)
# With one of these anybody can download a clip, connect as a call, or get an account.
ADDRESS = re.compile(
    r"(/(?:audio|conversation|admin/invitation|admin/new-password)/)[^\s\"'?]+"
)
# asyncio logs the repr of a task, which quotes its exception.
TASK_ERROR = re.compile(r"exception=(\w+)\(.*\)>", re.DOTALL)
CALL_SID = re.compile(r"\b(?:CA[0-9a-fA-F]{32}|test-[0-9a-f]{32})\b")
# Messages of these are about code, connections and constraints. Other exceptions may
# quote their input, which may be a caller's words.
PLAIN_ERRORS = (
    *(OSError, OperationalError, InterfaceError, IntegrityError, ImproperlyConfigured),
    *(ImportError, NameError, AttributeError, TypeError, RuntimeError),
)


def is_not_clip_request(record: logging.LogRecord) -> bool:
    """Filter out lines with a clip's address: with it anybody can listen."""
    return "/audio/" not in record.getMessage()


def is_not_readiness_check(record: logging.LogRecord) -> bool:
    """Filter out negative answers of /readyz; `ReadinessLog` logs changes."""
    return "/readyz" not in record.getMessage()


def shorten_refusal(record: logging.LogRecord) -> bool:
    """Drop the traceback of a 403: nothing went wrong there."""
    if getattr(record, "status_code", None) == 403:
        record.exc_info = None
    return True


class RedactingFormatter(logging.Formatter):
    """One line of text for each record, and its traceback below, without `secrets`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self.secrets = sorted(
            {secret for secret in secrets if len(secret) >= MIN_SECRET_LENGTH},
            key=len,
            reverse=True,
        )

    def format(self, record: logging.LogRecord) -> str:
        return self.redacted(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Replace line breaks, so that input cannot forge a line of the log."""
        message = self.shortened(super().formatMessage(record))
        return re.sub(r"[\r\n]+", " ⏎ ", message)

    def formatException(self, ei: object) -> str:
        """The traceback, without messages that may quote a caller."""
        error = ei[1] if isinstance(ei, tuple) else None
        return (
            "\n".join(traceback_lines(error))
            if isinstance(error, BaseException)
            else ""
        )

    def shortened(self, message: str) -> str:
        """The message without its end, if it is long: a path may have 16 KB."""
        if len(message) <= MAX_MESSAGE_LENGTH:
            return message
        # Redacted before the cut, which could leave half a secret.
        return f"{self.redacted(message)[:MAX_MESSAGE_LENGTH]}…"

    def redacted(self, text: str) -> str:
        """The text without secrets and personal data."""
        for secret in self.secrets:
            text = text.replace(secret, REDACTED)
        text = PHONE_NUMBER.sub(rf"\1{REDACTED}\2", text)
        text = CREDENTIALS.sub(rf"\1\2{REDACTED}", text)
        text = TASK_ERROR.sub(rf"exception=\1({REDACTED})>", text)
        return ADDRESS.sub(rf"\1{REDACTED}", text)


class JsonFormatter(RedactingFormatter):
    """One JSON object on one line for each record, for log collectors."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": self.shortened(message),
        }
        match = CALL_SID.search(message)
        call_sid = getattr(record, "call_sid", None) or (match and match[0])
        if call_sid:
            entry["call_sid"] = call_sid
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        redacted = {name: self.redacted(str(value)) for name, value in entry.items()}
        return json.dumps(redacted, ensure_ascii=False)


def secrets_in(url: str) -> list[str]:
    """The password in a URL, as written and with %-escapes decoded."""
    _, _, password = url.partition("://")[2].rpartition("@")[0].partition(":")
    return [password, unquote(password)]


def traceback_lines(error: BaseException) -> list[str]:
    """The traceback of an error, after those of its causes."""
    lines = []
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            lines += traceback_lines(part)
    cause = error.__cause__
    if cause is None and not error.__suppress_context__:
        cause = error.__context__
    if cause is not None:
        lines += [*traceback_lines(cause), "", "which led to:", ""]
    frames = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    lines += ["Traceback (most recent call last):", frames] if frames else []
    return [*lines, f"{type(error).__qualname__}: {safe_message(error)}"]


def safe_message(error: BaseException) -> str:
    """The message of an error, if it cannot quote a caller."""
    if not isinstance(error, PLAIN_ERRORS):
        return "(message left out)"
    # PostgreSQL quotes the row in its further lines.
    return str(error).partition("\n")[0]
