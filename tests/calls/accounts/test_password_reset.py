"""Forgotten passwords: a link by mail that tells nobody who has an account."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from calls.accounts import mail
from calls.models import AuditEvent
from tests.calls.accounts.test_sign_in import CODE, may_enter, sign_in, text
from tests.calls.accounts.test_two_factor import set_up
from tests.support.mail_server import MailServer, mail_server, text_of

# The account is looked up in a thread of its own.
pytestmark = pytest.mark.django_db(transaction=True)

ASK = "/admin/forgotten-password/"
ADDRESS = {"email": "ann@shop.example"}
NEW = "staple correct horse"
PASSWORDS = {"new_password1": NEW, "new_password2": NEW}


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server(settings) as server:
        yield server


@pytest.fixture
def ann() -> User:
    return User.objects.create_superuser(
        "ann", "ann@shop.example", "correct horse battery"
    )


def set_password(client: Client, link: str, **entered: str) -> Any:
    form = client.get(link)
    address = form["Location"] if form.status_code == 302 else link
    return client.post(address, {**PASSWORDS, **entered})


def test_a_link_sets_a_new_password_once(ann: User, server: MailServer) -> None:
    old = Client()
    assert sign_in(old).status_code == 302
    asked = Client().post(ASK, {"email": "Ann@Shop.example"})
    assert "a mail with a link is on its way" in text(asked)
    link = server.next_link()
    client = Client()
    assert "too short" in text(
        set_password(client, link, new_password1="x", new_password2="x")
    )
    assert set_password(client, link)["Location"] == "/admin/login/"
    assert not may_enter(client)  # it signs nobody in
    assert not may_enter(old)  # and ends what was open
    assert sign_in(Client()).status_code == 200
    assert sign_in(client, NEW).status_code == 302
    assert may_enter(client)
    assert "no longer works" in text(Client().get(link, follow=True))
    kinds = list(AuditEvent.objects.order_by("pk").values_list("kind", "name"))
    assert ("reset-asked", "Ann@Shop.example") in kinds
    assert ("reset-done", "ann") in kinds


def test_the_answer_tells_nobody_who_has_an_account(
    ann: User, server: MailServer
) -> None:
    def answer(email: str) -> str:
        page = text(Client().post(ASK, {"email": email}))
        return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)

    User.objects.create_user("caller", "caller@shop.example", "x")  # may not sign in
    unknown = [answer("nobody@shop.example"), answer("caller@shop.example")]
    assert unknown == [answer("ann@shop.example")] * 2
    assert "ann" in text_of(server.mails.get(timeout=10))
    assert server.mails.empty()


def test_a_code_is_still_asked_for(ann: User, server: MailServer) -> None:
    owner = Client()
    owner.force_login(ann)
    set_up(owner)
    Client().post(ASK, ADDRESS)
    client = Client()
    set_password(client, server.next_link())
    assert sign_in(client, NEW)["Location"] == CODE
    assert not may_enter(client)


def test_questions_are_limited(ann: User, server: MailServer) -> None:
    asked = [Client().post(ASK, ADDRESS).status_code for _ in range(6)]
    assert asked == [*[200] * 5, 429]
    for _ in range(3):
        server.mails.get(timeout=10)
    elsewhere = Client().post(ASK, ADDRESS, REMOTE_ADDR="203.0.113.9")
    assert elsewhere.status_code == 200
    # The same address gets no more mail, and somebody else still does.
    User.objects.create_superuser("ben", "ben@shop.example", "x")
    ben = {"email": "ben@shop.example"}
    Client().post(ASK, ben, REMOTE_ADDR="203.0.113.9")
    assert server.mails.get(timeout=10)["To"] == "ben@shop.example"
    assert server.mails.empty()


def test_links_never_use_the_host_that_was_asked_for(
    ann: User, server: MailServer, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    Client().post(ASK, ADDRESS, headers={"host": "evil.example"})
    words = text_of(server.mails.get(timeout=10))
    assert "https://bot.example.com/admin/new-password/" in words
    assert "evil" not in words


def test_the_owner_of_a_guessed_name_gets_in_again(
    ann: User, server: MailServer
) -> None:
    for _ in range(5):
        sign_in(Client(), "wrong")
    assert sign_in(Client()).status_code == 429
    Client().post(ASK, ADDRESS)
    client = Client()
    set_password(client, server.next_link())
    assert sign_in(client, NEW).status_code == 302


def test_without_a_mail_server_a_superuser_gives_a_link(
    ann: User, settings: Any
) -> None:
    settings.EMAIL_BACKEND = mail.NO_MAIL
    page = text(Client().get(ASK))
    assert "cannot send mail" in page
    assert 'name="email"' not in page
    assert Client().post(ASK, ADDRESS).status_code == 200
    boss = Client()
    boss.force_login(User.objects.create_superuser("boss"))
    change = f"/admin/auth/user/{ann.pk}/"
    assert "Link for a new password" in text(boss.get(f"{change}change/"))
    page = text(boss.post(f"{change}password-link/"))
    (link,) = re.findall(r'value="https://bot\.example\.com([^"]+)"', page)
    assert set_password(Client(), link).status_code == 302
    assert sign_in(Client(), NEW).status_code == 302
    other = Client()
    other.force_login(User.objects.create_user("other", is_staff=True))
    assert other.post(f"{change}password-link/").status_code == 403
