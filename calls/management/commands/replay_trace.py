"""`manage.py replay_trace`: plays a traced call through the conversation again."""

from argparse import FileType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bots.config_builder import config_from_json
from calls.trace.replay import replay
from calls.trace.timeline import timeline
from calls.trace.trace_file import read


class Command(BaseCommand):
    """Shows what this version would do with the same caller."""

    help = "Replays the trace of a call and marks what would be different now."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            type=FileType(encoding="utf-8", errors="replace"),
            help="a trace, such as traces/CA….jsonl",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with options["file"] as file:
            trace = read(file)
        if not trace.lines:
            raise CommandError(f"{options['file'].name} is not a trace.")
        replayed = replay(trace, config_from_json(trace.settings))
        for line in timeline(trace, replayed):
            self.stdout.write(line)
