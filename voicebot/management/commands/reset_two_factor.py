"""For whoever has lost the device that shows the codes, and the recovery codes."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from calls.accounts.sign_in import reset_two_factor


class Command(BaseCommand):
    """Lets a person sign in with the password alone."""

    help = "Forget the authenticator app and the recovery codes of a person."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose."""
        parser.add_argument("username")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        """Remove them, and say so."""
        try:
            person = User.objects.get_by_natural_key(username)
        except User.DoesNotExist as error:
            raise CommandError(f"There is no account named “{username}”.") from error
        if reset_two_factor(person):
            self.stdout.write(f"“{username}” signs in with the password alone now.")
        else:
            self.stdout.write(f"“{username}” had set up no codes.")
