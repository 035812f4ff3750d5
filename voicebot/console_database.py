"""The console's own database connections, with a time limit for each statement.

Pages and calls never share a pool: whatever pages do, calls get their connections.
"""

from time import monotonic
from typing import Any

from django.core.signals import request_started
from django.db import OperationalError, connections
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from voicebot.server.page_handler import PageHandler

STATEMENT_SECONDS = 8
# One for each page and sign-in that is processed at once, and one more.
MAX_CONNECTIONS = 10
# SQLite asks after so many steps, some milliseconds, if it shall go on.
STEPS = 100_000
QUERY_CANCELED = "57014"  # PostgreSQL's code of a statement that took too long


def use_console_connection(**_: Any) -> None:
    """Give the thread of a page a connection with the time limit.

    Each page has a thread of its own, and no other work runs in it.
    """
    connection: Any = connections["default"]
    if connection.vendor == "postgresql":
        settings = _with_limit(connection.settings_dict)
        connections["default"] = type(connection)(settings, "console")
    else:
        connection.execute_wrappers.append(_interrupt_when_late)


request_started.connect(use_console_connection, sender=PageHandler)


def _with_limit(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of a pool with the limit. Options in DATABASE_URL win."""
    options = settings["OPTIONS"]
    pool = {**options["pool"], "min_size": 1, "max_size": MAX_CONNECTIONS}
    limit = f"-c statement_timeout={STATEMENT_SECONDS}s {options.get('options', '')}"
    return {**settings, "OPTIONS": {**options, "pool": pool, "options": limit.strip()}}


def _interrupt_when_late(
    execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Run a statement of SQLite, which is interrupted when its time is over."""
    deadline = monotonic() + STATEMENT_SECONDS
    sqlite = context["connection"].connection
    sqlite.set_progress_handler(lambda: monotonic() > deadline, STEPS)
    return execute(sql, params, many, context)


class SlowStatements(MiddlewareMixin):
    """Answers with a page in plain words when a statement took too long."""

    def process_exception(
        self, request: HttpRequest, error: Exception
    ) -> HttpResponse | None:
        if not isinstance(error, OperationalError):
            return None
        code = getattr(error.__cause__, "sqlstate", None)
        if code != QUERY_CANCELED and str(error) != "interrupted":
            return None
        return render(request, "too_slow.html", status=503)
