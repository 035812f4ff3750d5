"""For a caller who asks that nothing be kept of them."""

from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from calls.privacy.erasure import (
    ELSEWHERE,
    CallerData,
    caller_data,
    erase,
    parse_caller,
)
from calls.session.services import delete_clips
from calls.speech.clip_store import ClipsUnavailable


class Command(BaseCommand):
    """Deletes all that is kept of one caller."""

    help = "Delete everything about one caller: calls, what was said, sound, mentions."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who, and whether it is meant."""
        parser.add_argument("number", help="+14155550100, or sip:… or client:…")
        parser.add_argument(
            "--dry-run", action="store_true", help="only say how much there is"
        )
        parser.add_argument(
            "--no-input", action="store_true", help="delete without asking"
        )

    def handle(
        self, *args: Any, number: str, dry_run: bool, no_input: bool, **options: Any
    ) -> None:
        """Say what is known, ask, delete; fails while a call of theirs goes on."""
        try:
            known = caller_data(parse_caller(number))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        told = f"{known.calls} calls with {known.turns} turns are kept of this caller."
        self.stdout.write(told)
        if dry_run:
            return
        if known.calls and (no_input or input("Delete them? [yes/no] ") == "yes"):
            self._delete(known)
        if known.is_blocked:
            self.stdout.write("They stay in the list of blocked callers.")
        if known.going_on:
            raise CommandError("A call of theirs is going on: repeat when it is over.")

    def _delete(self, known: CallerData) -> None:
        deleted = erase(known.number)
        self.stdout.write(f"Deleted: {deleted}. {ELSEWHERE}")
        try:
            async_to_sync(delete_clips)(deleted.clips)
        except ClipsUnavailable:
            self.stderr.write("Redis is away: the sound of these calls is left there.")
        if deleted.clips and not settings.REDIS_URL:
            minutes = settings.CLIP_TTL_SECONDS // 60
            self.stdout.write(f"Sound in the server's memory is gone in {minutes} min.")
