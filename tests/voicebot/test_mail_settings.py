"""EMAIL_URL: read, and refused where it is wrong."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from voicebot.mail_settings import (
    CONSOLE,
    NO_MAIL,
    SMTP,
    MailSettings,
    mail_settings,
)


def test_a_server_with_a_password() -> None:
    found = mail_settings("smtp+tls://me%40shop.de:p%3As@mail.example", debug=False)
    server = MailSettings(SMTP, "mail.example", 587, "me@shop.de", "p:s", use_tls=True)
    assert found == server


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp://mail.example", 25, False, False),
        ("smtp://mail.example:2525", 2525, False, False),
        ("smtp+ssl://mail.example", 465, False, True),
        ("smtp+tls://[::1]:5870/", 5870, True, False),
    ],
)
def test_ports_and_encryption(url: str, port: int, tls: bool, ssl: bool) -> None:
    found = mail_settings(url, debug=False)
    assert (found.port, found.use_tls, found.use_ssl) == (port, tls, ssl)


def test_without_one() -> None:
    assert mail_settings("", debug=True).backend == CONSOLE
    assert mail_settings("", debug=False).backend == NO_MAIL
    assert mail_settings("console", debug=False).backend == CONSOLE


@pytest.mark.parametrize(
    "url",
    [
        "mail.example:587",
        "https://mail.example",
        "smtps://mail.example",
        "smtp://",
        "smtp+tls://user:hunter2@mail.example:many",
        "smtp+tls://user:hunter2@mail.example/inbox",
    ],
)
def test_what_is_no_server_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL") as refused:
        mail_settings(url, debug=True)
    assert "hunter2" not in str(refused.value)
    assert "smtp+tls://user:password@" in str(refused.value)
