"""`manage.py export_calls`: writes calls with their turns to a file or terminal."""

import os
import sys
from argparse import ArgumentParser
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q, QuerySet

from bots.models import Bot
from bots.phone_numbers.caller_id import canonical, is_hidden
from bots.phone_numbers.e164 import to_e164
from calls.models import Call
from calls.review.export import FORMS, JSON, write

ONE_DAY = timedelta(days=1)


class Command(BaseCommand):
    """Exports calls, oldest first."""

    help = "Write calls or their turns as JSON lines or CSV, oldest first."
    requires_system_checks = []  # an unconfigured server can export old calls

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the filters, the format and the output."""
        parser.add_argument(
            "--format",
            choices=FORMS,
            default=JSON,
            help="jsonl: calls with their turns; csv: a row per call; turns-csv: a row "
            "per turn, with the SID of its call",
        )
        parser.add_argument(
            "--output",
            metavar="FILE",
            help="instead of the terminal; CSV begins with a UTF-8 mark for Excel",
        )
        parser.add_argument(
            "--since",
            metavar="WHEN",
            help="started then or later, in UTC: 2026-01-31 or 2026-01-31T09:30; "
            "another time zone has an offset: 2026-01-31T09:30+01:00",
        )
        parser.add_argument(
            "--until",
            metavar="WHEN",
            help="started before then, written the same way; a bare day is included",
        )
        parser.add_argument(
            "--bot", metavar="NAME", help="only calls that this bot answered"
        )
        parser.add_argument(
            "--caller",
            metavar="NUMBER",
            help="only calls with this person, in every spelling of their number: "
            "+14155550100, or sip:… or client:…",
        )
        parser.add_argument("--call-sid", metavar="SID", help="only this call")
        parser.add_argument(
            "--include-tests",
            action="store_true",
            help="also test calls from the console",
        )

    def handle(self, **options: Any) -> None:
        """Export the calls that the options select."""
        calls = selected(**options)
        form = options["format"]
        if options["output"]:
            self.write_file(calls, options["output"], form)
            return
        try:
            write(calls, form, self.stdout)
            self.stdout.flush()
        except BrokenPipeError:
            # The reader (`| head`) closed the pipe. Avoids Python's error at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def write_file(self, calls: QuerySet[Call], path: str, form: str) -> None:
        """Write the calls to a file."""
        try:
            with open(path, "w", encoding="utf-8", newline="") as output:
                if form != JSON:
                    output.write("\ufeff")  # else Excel does not read it as UTF-8
                write(calls, form, output)
        except OSError as error:
            raise CommandError(f"Cannot write {path}: {error.strerror}.") from error


def selected(
    since: str | None,
    until: str | None,
    bot: str | None,
    caller: str | None,
    call_sid: str | None,
    include_tests: bool,
    **others: Any,
) -> QuerySet[Call]:
    """The calls that match every filter; a single call may be a test call."""
    calls = Call.objects.order_by("started_at", "pk")
    begin = parse_time("--since", since) if since else None
    end = parse_time("--until", until, day_end=True) if until else None
    if begin and end and begin >= end:
        raise CommandError(f"--since {since} is not before --until {until}.")
    if begin:
        calls = calls.filter(started_at__gte=begin)
    if end:
        calls = calls.filter(started_at__lt=end)
    if bot:
        # A call keeps the name its bot had; a renamed bot still finds its old calls.
        calls = calls.filter(answered_by(bot))
    if caller is not None:
        calls = calls.filter(caller=parse_caller(caller))
    if not include_tests and not call_sid:
        calls = calls.real()
    if call_sid:
        calls = calls.filter(call_sid=call_sid)
        if not Call.objects.filter(call_sid=call_sid).exists():
            raise CommandError(f"There is no call {call_sid}.")
    return calls


def answered_by(bot: str) -> Q:
    """A filter for the calls of a bot, which may have been deleted since."""
    named = Q(bot__name=bot) | Q(bot_name=bot)
    exists = Bot.objects.filter(name=bot).exists()
    if not exists and not Call.objects.filter(named).exists():
        names = ", ".join(Bot.objects.values_list("name", flat=True)) or "none"
        raise CommandError(f"There is no bot “{bot}”. Bots here: {names}.")
    return named


def parse_caller(text: str) -> str:
    """The caller as calls store them."""
    if is_hidden(text):
        raise CommandError("--caller: a hidden number belongs to many people.")
    return canonical(to_e164(text))


def parse_time(option: str, value: str, day_end: bool = False) -> datetime:
    """Parse a day or a time, in UTC unless it has an offset, as in the export."""
    try:
        time = datetime.fromisoformat(value)
        if day_end and _is_day(value):
            time += ONE_DAY
        if time.tzinfo is None:
            time = time.replace(tzinfo=UTC)
        return time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise CommandError(
            f"{option}: “{value}” is not a date. Write 2026-01-31 or 2026-01-31T09:30, "
            "in UTC, or with an offset: 2026-01-31T09:30+01:00."
        ) from error


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
