"""Invitations: sent by a real mail server, accepted once, sent again, withdrawn."""

import re
import socket
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from bots.access.scope import scope_of
from bots.models import Bot
from calls.accounts import mail
from calls.models import AuditEvent, Invitation
from tests.support.mail_server import MailServer, mail_server, text_of

pytestmark = pytest.mark.django_db

PAGE = "/admin/invitations/"
BEN = {"email": "ben@shop.example", "name": "Ben Shaw", "role": "operator"}
ALL = {**BEN, "reach": "all"}
ACCOUNT = {
    "first_name": "Ben Shaw",
    "username": "ben",
    "password1": "correct horse battery",
    "password2": "correct horse battery",
}


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server(settings) as server:
        yield server


def text(response: Any) -> str:
    return str(response.content.decode())


def kinds() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("kind", flat=True))


def accept(link: str, **other: str) -> Any:
    return Client().post(link, {**ACCOUNT, **other})


def test_an_invitation_makes_an_account_with_its_role(
    admin_client: Client, server: MailServer
) -> None:
    assert admin_client.post(PAGE, ALL).status_code == 302
    (sent,) = [server.mails.get(timeout=10)]
    assert sent["To"] == "ben@shop.example"
    assert sent["From"] == "voicebot <voicebot@bot.example.com>"
    words = text_of(sent)
    assert "Hello Ben Shaw" in words
    (link,) = re.findall(r"https://bot\.example\.com(/admin/invitation/\S+)", words)
    assert "Not accepted yet" in text(admin_client.get(PAGE))

    client = Client()
    assert "ben@shop.example" in text(client.get(link))
    answer = client.post(link, ACCOUNT)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert client.get("/admin/bots/bot/").status_code == 200
    ben = User.objects.get(username="ben")
    assert (ben.email, ben.first_name) == ("ben@shop.example", "Ben Shaw")
    assert not ben.is_superuser
    assert scope_of(ben, "bots.change_bot").is_all
    assert "Accepted" in text(admin_client.get(PAGE))
    assert kinds()[-3:] == ["invited", "joined", "signed-in"]


def test_a_link_works_once_and_not_after_its_time(
    admin_client: Client, server: MailServer
) -> None:
    admin_client.post(PAGE, ALL)
    link = server.next_link()
    now = timezone.now()
    Invitation.objects.update(expires_at=now)
    assert Client().get(link).status_code == 410
    assert "Expired" in text(admin_client.get(PAGE))
    Invitation.objects.update(expires_at=now + timedelta(days=1))
    assert accept(link).status_code == 302
    again = accept(link, username="ben2")
    assert again.status_code == 410
    assert "no longer works" in text(again)
    assert not User.objects.filter(username="ben2").exists()
    assert Client().get("/admin/invitation/x/").status_code == 410


def test_sent_again_the_first_link_is_void(
    admin_client: Client, server: MailServer
) -> None:
    admin_client.post(PAGE, ALL)
    first = server.next_link()
    pk = Invitation.objects.get().pk
    admin_client.post(f"{PAGE}{pk}/send/")
    second = server.next_link()
    assert Client().get(first).status_code == 410
    assert Client().get(second).status_code == 200
    admin_client.post(f"{PAGE}{pk}/withdraw/")
    assert Client().get(second).status_code == 410
    assert "Withdrawn" in text(admin_client.get(PAGE))
    admin_client.post(f"{PAGE}{pk}/send/")
    link = server.next_link()
    assert accept(link).status_code == 302
    assert admin_client.post(f"{PAGE}{pk}/send/").status_code == 404
    admin_client.post(f"{PAGE}{pk}/withdraw/")
    assert Invitation.objects.get().state == Invitation.State.ACCEPTED


def test_a_role_for_some_bots(admin_client: Client, server: MailServer) -> None:
    ours, other = (Bot.objects.create(name=name) for name in ("Ours", "Other"))
    page = admin_client.post(PAGE, {**BEN, "reach": "some"})
    assert "Choose at least one bot." in text(page)
    admin_client.post(PAGE, {**BEN, "reach": "some", "bots": [ours.pk]})
    assert "Operator of Ours" in re.sub(r"\s+", " ", text(admin_client.get(PAGE)))
    accept(server.next_link())
    ben = User.objects.get(username="ben")
    assert scope_of(ben, "bots.change_bot").bots == frozenset({ours.pk})
    assert not ben.has_perm("bots.view_bot", other)


def test_bots_that_are_deleted_meanwhile_leave_no_role(
    admin_client: Client, server: MailServer
) -> None:
    bot = Bot.objects.create(name="Ours")
    admin_client.post(PAGE, {**BEN, "reach": "some", "bots": [bot.pk]})
    bot.delete()
    accept(server.next_link())
    assert not scope_of(User.objects.get(username="ben"), "bots.view_bot")


def test_who_is_here_or_invited_is_not_invited_again(
    admin_client: Client, server: MailServer
) -> None:
    admin_client.post(PAGE, ALL)
    again = admin_client.post(PAGE, {**ALL, "email": "BEN@shop.example"})
    assert "was invited before" in text(again)
    accept(server.next_link())
    again = admin_client.post(PAGE, ALL)
    assert "can sign in already" in text(again)
    assert Invitation.objects.count() == 1


@pytest.mark.parametrize(
    ("entered", "problem"),
    [
        ({"password1": "short", "password2": "short"}, "too short"),
        ({"password2": "another horse"}, "didn’t match"),  # noqa: RUF001
        ({"password1": "ben@shop.example", "password2": "ben@shop.example"}, "similar"),
        ({"username": "admin"}, "already exists"),
        ({"first_name": " "}, "required"),
    ],
)
def test_the_rules_for_passwords_and_names_hold(
    admin_client: Client, server: MailServer, entered: dict[str, str], problem: str
) -> None:
    admin_client.post(PAGE, ALL)
    page = accept(server.next_link(), **entered)
    assert page.status_code == 200
    assert problem in text(page)
    assert User.objects.count() == 1


def test_two_factor_is_asked_for_if_required(
    admin_client: Client, server: MailServer, settings: Any
) -> None:
    admin_client.post(PAGE, ALL)
    settings.ADMIN_REQUIRE_TOTP = True
    client = Client()
    answer = client.post(server.next_link(), ACCOUNT, follow=True)
    assert answer.redirect_chain[-1][0] == "/admin/two-factor/"
    assert client.get("/admin/bots/bot/").status_code == 302


def test_only_superusers_invite(server: MailServer) -> None:
    person = User.objects.create_user("ann", is_staff=True)
    client = Client()
    client.force_login(person)
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, ALL).status_code == 403
    assert client.post(f"{PAGE}1/send/").status_code == 403
    assert client.post(f"{PAGE}1/withdraw/").status_code == 403


def test_an_invitation_of_somebody_who_lost_the_right_is_void(
    admin_client: Client, server: MailServer
) -> None:
    admin_client.post(PAGE, ALL)
    link = server.next_link()
    User.objects.update(is_superuser=False)
    assert Client().get(link).status_code == 410


def test_links_never_use_the_host_that_was_asked_for(
    admin_client: Client, server: MailServer, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    admin_client.post(PAGE, ALL, headers={"host": "evil.example"})
    words = text_of(server.mails.get(timeout=10))
    assert "https://bot.example.com/admin/invitation/" in words
    assert "evil" not in words


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("550 no such user", mail.REFUSED_ADDRESS),
        ("451 later", mail.REFUSED_ADDRESS),
    ],
)
def test_a_refused_mail_leaves_a_link_to_copy(
    admin_client: Client, server: MailServer, answer: str, problem: str
) -> None:
    server.answer = answer
    page = text(admin_client.post(PAGE, ALL))
    assert problem in unescape(page)
    (link,) = re.findall(r'value="https://bot\.example\.com([^"]+)"', page)
    assert accept(link).status_code == 302
    assert "Not sent" not in text(admin_client.get(PAGE))


def test_a_wrong_password_of_the_mail_server(
    admin_client: Client, server: MailServer, settings: Any
) -> None:
    server.refuses_logins = True
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "voicebot", "hunter2"
    page = text(admin_client.post(PAGE, ALL))
    assert mail.REFUSED_LOGIN in page
    assert "hunter2" not in page
    assert mail.REFUSED_LOGIN in text(admin_client.get(PAGE))


def test_a_mail_server_that_says_nothing_costs_a_limited_time(
    admin_client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "WAIT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        settings.EMAIL_TIMEOUT = 0.5
        page = text(admin_client.post(PAGE, ALL))
    assert mail.TOO_SLOW in page
    assert "Not sent" in text(admin_client.get(PAGE))


@pytest.mark.parametrize(
    ("backend", "problem"),
    [(mail.NO_MAIL, mail.NOT_SET_UP), (mail.TERMINAL, mail.PRINTED)],
)
def test_without_a_mail_server_the_superuser_passes_the_link_on(
    admin_client: Client, settings: Any, backend: str, problem: str
) -> None:
    settings.EMAIL_BACKEND = backend
    assert "No mail server is set up" in text(admin_client.get(PAGE))
    page = text(admin_client.post(PAGE, ALL))
    assert problem in unescape(page)
    (link,) = re.findall(r'value="https://bot\.example\.com([^"]+)"', page)
    pk = Invitation.objects.get().pk
    assert "New link" in text(admin_client.get(PAGE))
    page = text(admin_client.post(f"{PAGE}{pk}/send/"))
    assert Client().get(link).status_code == 410
    (link,) = re.findall(r'value="https://bot\.example\.com([^"]+)"', page)
    assert accept(link).status_code == 302
