"""Saved views, notes, tags and invitations on PostgreSQL, by two people at once."""

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from bots.models import Bot
from calls.accounts import invitations
from calls.models import Call, CallNote, CallTag, Invitation, SavedView
from tests.support.at_once import threads_on_postgresql
from tests.support.pages.calls import LIST, make_call

pytestmark = pytest.mark.django_db(transaction=True)
QUERY = "status__exact=failed"


def test_two_people_write_at_the_same_time() -> None:
    with threads_on_postgresql() as people:
        people.run(_prepare)
        for work in (_save_view, _tag, _note):
            assert people.at_once(work) == [302, 302], work
        assert sorted(people.at_once(_join)) == [False, True]
        people.run(_check)


def _prepare() -> None:
    make_call(1)
    ann = User.objects.create_superuser("ann", "ann@shop.example")
    invitation = Invitation(email="ben@shop.example", role="viewer", all_bots=False)
    invitations.renew(invitation, ann)
    invitation.bots.set([Bot.objects.create(name="Front desk")])


def _post(path: str, **form: str) -> int:
    client = Client()
    client.force_login(User.objects.get(username="ann"))
    return client.post(f"{LIST}{path}", form).status_code


def _save_view() -> int:
    return _post("views/save/", name="Failed", query=QUERY)


def _tag() -> int:
    return _post(f"{Call.objects.get().pk}/handle/", do="add-tag", text="Günther")


def _note() -> int:
    pk = Call.objects.get().pk
    return _post(f"{pk}/handle/", do="add-note", text="Called back Günther.")


def _join() -> bool:
    name = f"ben{threading.get_ident()}"
    invitation = Invitation.objects.get()
    return invitations.accept(invitation, name, "Ben", "a-password") is not None


def _check() -> None:
    assert SavedView.objects.get().query == QUERY
    assert CallTag.objects.count() == 1
    assert CallNote.objects.count() == 2
    page: Any = Client()
    page.force_login(User.objects.get(username="ann"))
    for words in ("gunther", "Günther"):
        found = page.get(LIST, {"q": words})
        assert found.context["cl"].result_count == 1, words
    ben = User.objects.get(first_name="Ben")
    assert (ben.is_superuser, ben.bot_roles.count()) == (False, 1)
