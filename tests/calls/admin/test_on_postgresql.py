"""Saved views, notes, tags and invitations on PostgreSQL, by two people at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from bots.models import Bot
from calls.accounts import invitations
from calls.models import Call, CallNote, CallTag, Invitation, SavedView
from tests.support.live import manage
from tests.support.pages.calls import LIST, make_call
from tests.support.services import Missing, Postgres, django_on

pytestmark = pytest.mark.django_db(transaction=True)
QUERY = "status__exact=failed"


def test_two_people_write_at_the_same_time() -> None:
    if connections["default"].vendor != "sqlite":
        pytest.skip("The tests run on PostgreSQL.")
    try:
        with Postgres() as postgres, ThreadPoolExecutor(2) as people:
            manage({"DATABASE_URL": postgres.url}, "migrate", "--verbosity=0")
            with django_on(postgres, "default"):
                people.submit(_on(_prepare)).result(60)
                gate = threading.Barrier(2, timeout=30)
                for work in (_save_view, _tag, _note):
                    tried = [people.submit(_on(_at(gate, work))) for _ in range(2)]
                    assert {one.result(60) for one in tried} == {302}, work
                joined = [people.submit(_on(_at(gate, _join))) for _ in range(2)]
                assert sorted(one.result(60) for one in joined) == [False, True]
                people.submit(_on(_check)).result(60)
    except Missing as missing:
        pytest.skip(str(missing))


def _on(work: Callable[[], Any]) -> Callable[[], Any]:
    """Work in a thread, and close its connection."""

    def done() -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    return done


def _at(gate: threading.Barrier, work: Callable[[], Any]) -> Callable[[], Any]:
    def started() -> Any:
        gate.wait()
        return work()

    return started


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
