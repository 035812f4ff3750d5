"""Mail to people of the console.

Each mail has a thread of its own, so neither calls nor the event loop wait for the mail
server. A page waits for it for less time than daphne gives a page.
"""

import logging
import smtplib
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from threading import BoundedSemaphore, Thread

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import connections
from django.template.loader import render_to_string

log = logging.getLogger(__name__)

NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"
# Prints mails on the terminal of a developer's server.
TERMINAL = "django.core.mail.backends.console.EmailBackend"
# Longest wait of a page. Ten seconds after its client has left, daphne gives it up.
WAIT_SECONDS = 8.0
# Threads that send at once, and those that wait for the server's answer.
MAX_AT_ONCE = 4
_places = BoundedSemaphore(MAX_AT_ONCE)

NOT_SET_UP = "No mail server is set up (EMAIL_URL)."
PRINTED = (
    "No mail server is set up (EMAIL_URL): the mail was only printed on the server's "
    "terminal."
)
BUSY = "Other mails are being sent. Try again in a minute."
TOO_SLOW = "The mail server has not answered in time. Try again later."
REFUSED_LOGIN = "The mail server refuses the user name or the password of EMAIL_URL."
REFUSED_ADDRESS = "The mail server does not take mail for this address."
REFUSED_SENDER = "The mail server does not send mail from EMAIL_FROM."
UNREACHABLE = "The mail server of EMAIL_URL cannot be reached."
NOT_SENT = "The mail server did not take the mail."


def can_send() -> bool:
    """True if a mail server is set up."""
    return settings.EMAIL_BACKEND not in (NO_MAIL, TERMINAL)


def is_printed() -> bool:
    """True if mails are only printed on the terminal of the server."""
    return bool(settings.EMAIL_BACKEND == TERMINAL)


def message(to: str, template: str, subject: str, **context: str) -> EmailMessage:
    """A mail from a template in templates/mail."""
    body = render_to_string(f"mail/{template}.txt", context)
    return EmailMessage(subject, body, to=[to])


def send(mail: EmailMessage) -> str:
    """Send a mail; the problem in plain words, or nothing if the server took it."""
    if is_printed():
        return deliver(mail) or PRINTED
    if not can_send():
        return NOT_SET_UP
    sending = in_background(lambda: deliver(mail))
    if sending is None:
        return BUSY
    try:
        return sending.result(timeout=WAIT_SECONDS)
    except TimeoutError:
        return TOO_SLOW


def in_background(work: Callable[[], str]) -> "Future[str] | None":
    """Do work with mail in a thread; None if too much is being done already."""
    if not _places.acquire(blocking=False):
        log.warning("A mail was not sent: %s are being sent", MAX_AT_ONCE)
        return None
    done: Future[str] = Future()
    Thread(target=_do, args=(work, done), name="mail", daemon=True).start()
    return done


def _do(work: Callable[[], str], done: "Future[str]") -> None:
    try:
        done.set_result(work())
    except Exception as error:
        log.exception("A mail failed")
        done.set_exception(error)
    finally:
        connections.close_all()
        _places.release()


def deliver(mail: EmailMessage) -> str:
    """Send a mail now, in this thread; the problem, or nothing."""
    problem = ""
    try:
        # Django leaves the socket open if the server refuses the password.
        with closing(get_connection()) as connection:
            connection.send_messages([mail])
    except (smtplib.SMTPException, OSError) as error:
        problem = reason(error)
        log.warning("A mail was not sent: %s %s", type(error).__name__, problem)
    return problem


def reason(error: Exception) -> str:
    """Why a mail was not sent, in words that quote no address."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return REFUSED_LOGIN
        case smtplib.SMTPRecipientsRefused():
            return REFUSED_ADDRESS
        case smtplib.SMTPSenderRefused():
            return REFUSED_SENDER
        case TimeoutError():
            return TOO_SLOW
        case smtplib.SMTPServerDisconnected() | smtplib.SMTPConnectError():
            return UNREACHABLE
        case smtplib.SMTPException():
            return NOT_SENT
    return UNREACHABLE
