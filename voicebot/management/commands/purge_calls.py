"""For whoever does not want to wait for the night, or wants to know what it will do."""

from typing import Any

from asgiref.sync import async_to_sync
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from calls.privacy.deletion import Deleted
from calls.privacy.retention import overdue, purge_some
from calls.session.services import delete_clips
from calls.speech.clip_store import ClipsUnavailable


class Command(BaseCommand):
    """Deletes calls that were kept as long as their bot says."""

    help = "Delete calls that were kept long enough; the server does so every night."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether it is meant."""
        parser.add_argument(
            "--dry-run", action="store_true", help="only say how many there are"
        )

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        """Delete them batch by batch, or count them; numbers only are told."""
        now = timezone.now()
        if dry_run:
            for found in overdue(now):
                number, days = found.calls.count(), found.days
                self.stdout.write(f"{found.bot_name}: {number} older than {days} days")
            return
        deleted = Deleted()
        while (some := purge_some(now)).calls:
            deleted += some
        self.stdout.write(f"Deleted: {deleted}.")
        try:
            async_to_sync(delete_clips)(deleted.clips)
        except ClipsUnavailable:
            self.stderr.write("Redis is away: the sound of these calls is left there.")
