"""Write calls with their turns to a file or the terminal."""

import os
import sys
from argparse import ArgumentParser
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q, QuerySet
from django.utils.timezone import get_default_timezone

from bots.models import Bot
from calls.models import Call
from calls.review.export import FORMS, write

ONE_DAY = timedelta(days=1)


class Command(BaseCommand):
    """Exports calls, oldest first."""

    help = "Write calls with their turns as JSON lines or CSV, oldest first."
    requires_system_checks = []  # old calls can be read on a server not set up for new

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say which calls, in which form, and where to."""
        parser.add_argument("--format", choices=FORMS, default="jsonl")
        parser.add_argument("--output", metavar="FILE", help="instead of the terminal")
        parser.add_argument(
            "--since",
            metavar="WHEN",
            help="started then or later: 2026-01-31 or 2026-01-31T09:30 (UTC, or with "
            "an offset)",
        )
        parser.add_argument(
            "--until",
            metavar="WHEN",
            help="started before then; a bare day is included",
        )
        parser.add_argument("--bot", metavar="NAME", help="only calls this bot took")
        parser.add_argument("--call-sid", metavar="SID", help="only this call")
        parser.add_argument(
            "--include-tests",
            action="store_true",
            help="also calls made from the desk, to try a bot",
        )

    def handle(self, **options: Any) -> None:
        """Write the calls that were asked for."""
        calls = chosen(**options)
        form = options["format"]
        if options["output"]:
            self.write_file(calls, options["output"], form)
            return
        try:
            write(calls, form, self.stdout)
            self.stdout.flush()
        except BrokenPipeError:
            # `| head` has seen enough; Python would complain once more on its way out.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def write_file(self, calls: QuerySet[Call], path: str, form: str) -> None:
        """Write the calls to a file."""
        try:
            with open(path, "w", encoding="utf-8", newline="") as output:
                write(calls, form, output)
        except OSError as error:
            raise CommandError(f"Cannot write {path}: {error.strerror}.") from error


def chosen(
    since: str | None,
    until: str | None,
    bot: str | None,
    call_sid: str | None,
    include_tests: bool,
    **others: Any,
) -> QuerySet[Call]:
    """Find the calls that fit every filter; one asked for by its SID may be a test."""
    calls = Call.objects.order_by("started_at", "pk")
    if since:
        calls = calls.filter(started_at__gte=parsed("--since", since))
    if until:
        calls = calls.filter(started_at__lt=parsed("--until", until, day_end=True))
    if bot:
        # A call keeps the name its bot had; a renamed bot still finds its old calls.
        calls = calls.filter(taken_by(bot))
    if not include_tests and not call_sid:
        calls = calls.real()
    if call_sid:
        calls = calls.filter(call_sid=call_sid)
        if not Call.objects.filter(call_sid=call_sid).exists():
            raise CommandError(f"There is no call {call_sid}.")
    return calls


def taken_by(bot: str) -> Q:
    """Match the calls of a bot, which may have been deleted since."""
    named = Q(bot__name=bot) | Q(bot_name=bot)
    known = Bot.objects.filter(name=bot).exists() or Call.objects.filter(named).exists()
    if not known:
        names = ", ".join(Bot.objects.values_list("name", flat=True)) or "none"
        raise CommandError(f"There is no bot “{bot}”. Bots here: {names}.")
    return named


def parsed(option: str, value: str, day_end: bool = False) -> datetime:
    """Read a day or a moment, in UTC unless it says otherwise."""
    try:
        moment = datetime.fromisoformat(value)
        if day_end and _is_day(value):
            moment += ONE_DAY
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=get_default_timezone())
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise CommandError(
            f"{option}: “{value}” is not a date. Write 2026-01-31 or 2026-01-31T09:30."
        ) from error


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
