"""A mail server that keeps what it gets, or refuses it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from queue import Queue
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tests.support.live import free_port

SECONDS = 10


class MailServer(Controller):
    """An SMTP server in a thread of its own. `answer` refuses mail if it is not 250."""

    def __init__(self, **options: Any) -> None:
        self.mails: Queue[EmailMessage] = Queue()
        self.answer = "250 OK"
        self.refuses_logins = False
        super().__init__(
            self,
            hostname="127.0.0.1",
            port=free_port(),
            authenticator=self._authenticate,
            auth_require_tls=False,
            **options,
        )

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, to: str, rest: Any
    ) -> str:
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(to)
        return self.answer

    async def handle_DATA(
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.put(mail)
        return self.answer

    def _authenticate(self, *_: Any) -> AuthResult:
        return AuthResult(success=not self.refuses_logins, handled=False)

    def next_link(self) -> str:
        """The link in the next mail, without the server's address."""
        text = text_of(self.mails.get(timeout=SECONDS))
        match = re.search(r"https?://[^/\s]+(/\S+)", text)
        assert match, text
        return match[1]


def text_of(mail: EmailMessage) -> str:
    content: str = mail.get_content()
    return content


@contextmanager
def mail_server(settings: Any = None) -> Iterator[MailServer]:
    """A running server; Django's settings, if given, lead to it."""
    server = MailServer()
    server.start()
    try:
        if settings is not None:
            settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server
    finally:
        server.stop()
