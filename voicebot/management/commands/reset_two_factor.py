"""`manage.py reset_two_factor`: for users who lost phone and recovery codes."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from calls.accounts.second_factor import reset_two_factor


class Command(BaseCommand):
    """Lets a user sign in with the password alone."""

    help = "Remove the authenticator app and the recovery codes of a user."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        """Remove the user's second factor, and report it."""
        try:
            user = User.objects.get_by_natural_key(username)
        except User.DoesNotExist as error:
            raise CommandError(f"There is no account named “{username}”.") from error
        if reset_two_factor(user):
            self.stdout.write(f"“{username}” now signs in with the password alone.")
        else:
            self.stdout.write(f"“{username}” had no two-factor sign-in.")
