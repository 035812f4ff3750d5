"""`manage.py purge_calls`: the nightly purge, now or as a dry run."""

from typing import Any

from asgiref.sync import async_to_sync
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from calls.privacy.deletion import Deleted
from calls.privacy.retention import overdue, purge_some
from calls.session.services import delete_clips


class Command(BaseCommand):
    """Deletes calls that are past the retention period of their bot."""

    help = "Delete calls past their retention period, as the server does every night."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="only print how many there are"
        )

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        """Delete the calls in batches, or count them. Prints only numbers."""
        now = timezone.now()
        if dry_run:
            for group in overdue(now):
                count, days = group.calls.count(), group.days
                self.stdout.write(f"{group.bot_name}: {count} older than {days} days")
            return
        deleted = Deleted()
        while (batch := purge_some(now)).calls:
            deleted += batch
        self.stdout.write(f"Deleted: {deleted}.")
        if problem := async_to_sync(delete_clips)(deleted.clips):
            self.stderr.write(problem)
