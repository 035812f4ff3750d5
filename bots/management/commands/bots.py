"""`manage.py bots`: write a bot to a file, and apply such a file."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bots.admin.bot_files.applying import Applied, apply
from bots.admin.bot_files.bot_file import MAX_BYTES, BadFile, written
from bots.admin.bot_files.reading import read
from bots.config.text import one_line
from bots.models import Bot

STANDARD = "-"  # standard input or output
MAX_SHOWN = 70  # characters of a value


class Command(BaseCommand):
    """Exports and applies bots, for backups, git, and moves to another server."""

    help = "Writes a bot to a file, or creates or updates a bot from such a file."
    requires_system_checks: list[str] = []  # their warnings are about calls

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        export = commands.add_parser("export", help="Write a bot as JSON.")
        export.add_argument("name", help="The name of the bot.")
        export.add_argument("file", nargs="?", default=STANDARD)
        applies = commands.add_parser("apply", help="Create or update a bot.")
        applies.add_argument("file", help="A file from export; - is standard input.")
        applies.add_argument(
            "--dry-run", action="store_true", help="Only say what would change."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["command"] == "export":
            self._export(options["name"], options["file"])
        else:
            self._apply(options["file"], dry_run=options["dry_run"])

    def _export(self, name: str, file: str) -> None:
        bot = Bot.objects.filter(name=name).first()
        if bot is None:
            names = ", ".join(f"“{other}”" for other in Bot.objects.all()[:20])
            raise CommandError(
                f"There is no bot “{name}”. There are: {names or 'none'}."
            )
        text = written(bot)
        if file == STANDARD:
            self.stdout.write(text, ending="")
            return
        try:
            Path(file).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"Cannot write {file}: {error.strerror}.") from error
        self.stderr.write(f"Wrote “{name}” to {file}.")

    def _apply(self, file: str, *, dry_run: bool) -> None:
        try:
            applied = apply(read(_content(file)), dry_run=dry_run)
        except BadFile as error:
            reasons = "\n".join(f"- {reason}" for reason in error.args)
            name = "The input" if file == STANDARD else file
            raise CommandError(f"{name} was not applied.\n{reasons}") from error
        self._report(applied, dry_run=dry_run)

    def _report(self, applied: Applied, *, dry_run: bool) -> None:
        done = "created" if applied.is_new else "changed"
        will = f"would be {done}" if dry_run else f"was {done}"
        if not applied.changes:
            self.stdout.write(f"“{applied.name}” is already as the file says.")
        else:
            self.stdout.write(f"“{applied.name}” {will}:")
        for name, changes in applied.changes.items():
            self.stdout.write(name)
            for change in changes:
                old, new = _shown(change.old), _shown(change.new)
                self.stdout.write(f"  {change.label}: {old} → {new}")
        for note in applied.notes:
            self.stderr.write(note)


def _content(file: str) -> bytes:
    try:
        if file == STANDARD:
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with Path(file).open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise CommandError(f"Cannot read {file}: {error.strerror}.") from error


def _shown(text: str) -> str:
    return f"“{one_line(text, MAX_SHOWN)}”" if text else "nothing"
