"""`manage.py erase_caller`: delete the data of one caller."""

from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from calls.privacy.deletion import Deleted
from calls.privacy.erasure import (
    ELSEWHERE,
    CallerData,
    caller_data,
    erase,
    parse_caller,
)
from calls.session.services import delete_clips

SOUND_FOLLOWS = (
    "The sound of their recordings is deleted by a running server, within a minute."
)


class Command(BaseCommand):
    """Deletes everything that is stored about one caller."""

    help = "Delete everything about one caller: calls, transcripts, audio, log entries."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", help="+14155550100, or sip:… or client:…")
        parser.add_argument(
            "--dry-run", action="store_true", help="only print how much there is"
        )
        parser.add_argument(
            "--no-input", action="store_true", help="delete without asking"
        )

    def handle(
        self, *args: Any, number: str, dry_run: bool, no_input: bool, **options: Any
    ) -> None:
        """Print what is stored, ask, delete. Fails while a call is in progress."""
        try:
            data = caller_data(parse_caller(number))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"Stored of this caller: {Deleted(data.calls, data.turns)}.")
        if dry_run:
            return
        if data.calls and (no_input or input("Delete them? [yes/no] ") == "yes"):
            self._delete(data)
        if data.is_blocked:
            self.stdout.write("The number stays in the list of blocked callers.")
        if data.going_on:
            raise CommandError(
                "A call of this caller is in progress: repeat this when it is over."
            )

    def _delete(self, data: CallerData) -> None:
        deleted = erase(data.number)
        self.stdout.write(f"Deleted: {deleted}. {ELSEWHERE}")
        if data.recordings:
            self.stdout.write(SOUND_FOLLOWS)
        if problem := async_to_sync(delete_clips)(deleted.clips):
            self.stderr.write(problem)
        if deleted.clips and not settings.REDIS_URL:
            minutes = settings.CLIP_TTL_SECONDS // 60
            self.stdout.write(
                f"Audio in the server's memory expires within {minutes} minutes."
            )
