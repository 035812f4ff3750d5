"""The doctor's check of the mail server."""

import smtplib
from collections.abc import Iterator
from contextlib import closing

from django.conf import settings
from django.core.mail import get_connection

from calls.accounts.mail import can_send, is_printed, reason
from calls.diagnostics.findings import Finding, ok, warning

NAME = "Mail"
BY_HAND = "Invitations and new passwords are links that a superuser passes on."
HINT = "Set EMAIL_URL in .env, as .env.example explains, and start the server again."


def probe_mail() -> Iterator[Finding]:
    """Sign in at the mail server, and send nothing."""
    if not can_send():
        printed = " Mails are only printed on the server's terminal."
        words = f"No mail server is set up.{printed if is_printed() else ''} {BY_HAND}"
        yield warning(NAME, words, HINT)
        return
    try:
        with closing(get_connection()) as connection:
            connection.open()
    except (smtplib.SMTPException, OSError) as error:
        yield warning(NAME, f"{reason(error)} {BY_HAND}", HINT)
        return
    yield ok(NAME, f"Mail can be sent through {settings.EMAIL_HOST}.")
