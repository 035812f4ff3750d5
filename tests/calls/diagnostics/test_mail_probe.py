"""The doctor's check of the mail server, against a real one."""

from typing import Any

import pytest

from calls.accounts import mail
from calls.diagnostics.findings import Finding, Level
from calls.diagnostics.mail_probe import probe_mail
from tests.support.live import free_port
from tests.support.mail_server import mail_server


def found() -> Finding:
    (finding,) = probe_mail()
    return finding


def test_a_server_that_takes_mail(settings: Any) -> None:
    with mail_server(settings) as server:
        assert found().level is Level.OK
        assert server.mails.empty()


@pytest.mark.parametrize(
    ("refuses", "problem"), [(True, mail.REFUSED_LOGIN), (False, mail.UNREACHABLE)]
)
def test_one_that_does_not(settings: Any, refuses: bool, problem: str) -> None:
    with mail_server(settings) as server:
        server.refuses_logins = True
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "voicebot", "hunter2"
        if not refuses:
            settings.EMAIL_PORT = free_port()
        assert found().level is Level.WARNING
        assert problem in found().text
        assert "hunter2" not in found().text


@pytest.mark.parametrize("backend", [mail.NO_MAIL, mail.TERMINAL])
def test_none_at_all(settings: Any, backend: str) -> None:
    settings.EMAIL_BACKEND = backend
    assert found().level is Level.WARNING
    assert "EMAIL_URL" in found().text
    assert ("only printed" in found().text) == (backend == mail.TERMINAL)
