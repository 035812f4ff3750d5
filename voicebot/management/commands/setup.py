"""`manage.py setup`: from an empty database to the first call. Safe to repeat."""

import secrets
from contextlib import closing
from typing import Any

from django import db
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.models import Model

from bots.config.text import one_line
from bots.inworld.api_key import lacks_key
from bots.models import Bot
from bots.models.version_rows import record_rows
from bots.sandbox import demo_bot, demo_tool
from bots.versions import history
from voicebot.database_options import keep_files_private

# The environment variable of each first value, for error messages.
BOT_VARIABLES = {
    "system_prompt": "SYSTEM_PROMPT",
    "greeting": "WELCOME_GREETING",
    "llm_model": "INWORLD_MODEL",
    "tts_voice": "TTS_VOICE",
    "tts_model": "TTS_MODEL",
    "transcription_provider": "TRANSCRIPTION_PROVIDER",
}
ADMIN_VARIABLES = {
    "username": "DJANGO_SUPERUSER_USERNAME",
    "password": "DJANGO_SUPERUSER_PASSWORD",
    "email": "DJANGO_SUPERUSER_EMAIL",
}
# Seconds in which PostgreSQL must accept a connection.
CONNECT_TIMEOUT = 5


class Command(BaseCommand):
    """Prepares the database, the default bot and the first admin account."""

    help = "Migrate the database; create the default bot and the first admin account."
    requires_system_checks = []  # `serve` runs them before it takes calls

    def handle(self, **options: Any) -> None:
        """Do what has not been done yet, and report only that."""
        account = self.prepare()
        self.stdout.write(f"{account}The console is at {settings.SERVER_URL}/admin/")

    def prepare(self) -> str:
        """Do what has not been done yet; returns lines about an account it created."""
        keep_files_private(connection.settings_dict)
        try:
            reach_database()
            # Creates the groups of users, too.
            call_command("migrate", verbosity=0, interactive=False)
        except db.Error as error:
            reason = one_line(str(error))
            raise CommandError(f"The database cannot be used: {reason}") from error
        history.first_version()
        self.create_first_bot()
        return self.create_first_admin()

    def create_first_bot(self) -> None:
        """Create the default bot, unless there are bots already."""
        if Bot.objects.exists():
            return
        values = {name: value for name, value in settings.INITIAL_BOT.items() if value}
        if lacks_key():
            values.setdefault("system_prompt", demo_bot.INSTRUCTIONS)
        bot = Bot(name="Default bot", is_default=True, **values)
        validate(bot, BOT_VARIABLES)
        bot.save()
        if lacks_key():
            demo_tool.add_to(bot)
            record_rows(bot)  # the first version has the tool
        self.stdout.write(f"Created the default bot: {bot.llm_model}, {bot.tts_voice}.")

    def create_first_admin(self) -> str:
        """Create the first superuser; returns its name and a generated password."""
        users = get_user_model().objects
        if users.filter(is_superuser=True).exists():
            return ""
        values = settings.INITIAL_ADMIN
        password = values["password"] or secrets.token_urlsafe(12)
        admin = users.model(
            username=values["username"],
            email=values["email"],
            is_staff=True,
            is_superuser=True,
        )
        try:
            validate_password(password, admin)
        except ValidationError as error:
            reason = " ".join(error.messages)
            raise CommandError(f"DJANGO_SUPERUSER_PASSWORD: {reason}") from error
        admin.set_password(password)
        validate(admin, ADMIN_VARIABLES)
        admin.save()
        account = f"    User:      {admin.username}\n"
        if values["password"]:
            return account
        return f"{account}    Password:  {password}   (not shown again)\n"


def reach_database() -> None:
    """Connect once, without the pool: it would retry for long and log each attempt."""
    probe = connection.copy()
    options = probe.settings_dict["OPTIONS"]
    if options.pop("pool", None):  # only PostgreSQL has one
        options["connect_timeout"] = CONNECT_TIMEOUT
    with closing(probe):
        probe.ensure_connection()


def validate(instance: Model, variables: dict[str, str]) -> None:
    """Raise `CommandError` for invalid first values, by their environment variables."""
    try:
        instance.full_clean()
    except ValidationError as error:
        lines = [
            f"{variables.get(field, field)}: {' '.join(messages)}"
            for field, messages in error.message_dict.items()
        ]
        raise CommandError("\n".join(lines)) from error
