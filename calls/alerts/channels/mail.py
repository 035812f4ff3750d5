"""One mail to one address, and what the mail server said to it."""

import smtplib
from contextlib import closing

from django.core.mail import EmailMessage, get_connection

from calls.accounts.mail import TOO_SLOW, UNREACHABLE, reason
from calls.alerts.attempt import Attempt, Result

BROKE_OFF = (
    "The mail server hung up before it had taken the mail. It may have arrived, so it "
    "is not sent again."
)
# Replies of mail servers from here on are final (RFC 5321, 4.2.1).
FINAL = 500


def deliver(mail: EmailMessage) -> Attempt:
    """Make one attempt, in this thread."""
    with closing(get_connection()) as connection:
        try:
            connection.open()
        except (smtplib.SMTPException, OSError) as error:
            # Also a wrong password: somebody corrects it, and the mail goes out.
            return Attempt(Result.LATER, reason(error))
        try:
            connection.send_messages([mail])
        except smtplib.SMTPServerDisconnected:
            return Attempt(Result.UNKNOWN, BROKE_OFF)
        except smtplib.SMTPException as error:
            return _refused(error)
        except OSError as error:
            words = TOO_SLOW if isinstance(error, TimeoutError) else UNREACHABLE
            return Attempt(Result.UNKNOWN, f"{words} {BROKE_OFF}")
    return Attempt(Result.SENT, answer="The mail server took it.")


def _refused(error: smtplib.SMTPException) -> Attempt:
    """The server said no: for now, or for good."""
    code = _code(error)
    result = Result.REFUSED if code >= FINAL else Result.LATER
    return Attempt(result, reason(error), answer=f"SMTP {code}" if code else "")


def _code(error: smtplib.SMTPException) -> int:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max((code for code, _ in error.recipients.values()), default=0)
    return getattr(error, "smtp_code", 0)
