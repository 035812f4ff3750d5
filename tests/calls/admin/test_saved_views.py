"""Saved views of the list of calls: own and shared, checked like every link."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from calls.admin import saved_views
from calls.models import SavedView
from tests.support.pages.calls import LIST, make_call
from tests.support.pages.calls import viewer as viewer
from tests.support.versions import member

pytestmark = pytest.mark.django_db
SAVE = f"{LIST}views/save/"
FAILED = "status__exact=failed&when=this-week"


def save(client: Client, name: str, query: str = FAILED, **extra: str) -> str:
    """Save a view; returns the message on the list."""
    form = {"name": name, "query": query, **extra}
    page: Any = client.post(SAVE, form, follow=True)
    assert page.status_code == 200
    return " ".join(str(message) for message in page.context["messages"])


def names(client: Client, query: str = "") -> list[str]:
    page: Any = client.get(f"{LIST}?{query}")
    return [view.name for view in page.context["views"]]


def test_a_view_is_saved_and_is_a_link_to_the_same_calls(viewer: Client) -> None:
    call = make_call(1)
    query = "when=today&q=&status__exact=failed&p=3"
    assert save(viewer, " Failed  today ", query) == "Saved the view “Failed today”."
    page: Any = viewer.get(f"{LIST}?status__exact=failed&when=today&p=1")
    (view,) = page.context["views"]
    assert (view.name, view.is_current) == ("Failed today", True)
    assert view.query == "status__exact=failed&when=today"
    assert viewer.get(f"{LIST}?{view.query}").status_code == 200
    other: Any = viewer.get(LIST)
    assert not other.context["views"][0].is_current
    assert call.pk


def test_a_view_of_the_same_name_is_replaced(viewer: Client) -> None:
    save(viewer, "Mine")
    save(viewer, "Mine", "q=refund")
    assert SavedView.objects.get().query == "q=refund"


@pytest.mark.parametrize(
    ("name", "query", "words"),
    [
        ("", FAILED, "Give the view a name."),
        ("x" * 61, FAILED, "60 characters at most"),
        ("Mine", "", "Choose a filter or search"),
        ("Mine", "p=2&all=", "Choose a filter or search"),
        ("Mine", f"q={'x' * 2001}", "too many filters"),
        ("Mine", "summary__regex=x", "a filter that does not exist"),
        ("Mine", "when=tomorrow", "a filter that does not exist"),
        ("Mine", "nothing=x", "a filter that does not exist"),
    ],
)
def test_what_cannot_be_saved_is_said_in_plain_words(
    viewer: Client, name: str, query: str, words: str
) -> None:
    assert words in save(viewer, name, query)
    assert not SavedView.objects.exists()


def test_a_person_has_a_limited_number_of_views(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_views, "MAX_VIEWS", 1)
    save(viewer, "One")
    assert "You have 1 views already" in save(viewer, "Two")
    assert "Saved" in save(viewer, "One", "q=x")


def test_superusers_share_views_and_others_cannot(
    admin_client: Client, viewer: Client
) -> None:
    save(admin_client, "For all", shared="on")
    save(admin_client, "Mine alone")
    save(viewer, "My own", shared="on")
    assert names(viewer) == ["For all", "My own"]
    assert names(admin_client) == ["For all", "Mine alone"]


def test_views_are_deleted_by_their_owner_and_shared_ones_by_superusers(
    admin_client: Client, viewer: Client
) -> None:
    ann = User.objects.create_superuser("ann")
    shared = SavedView.objects.create(user=ann, name="A", query=FAILED, is_shared=True)
    private = SavedView.objects.create(user=ann, name="B", query=FAILED)
    delete = f"{LIST}views/{{}}/delete/"
    for view in (shared, private):
        assert viewer.post(delete.format(view.pk)).status_code == 403
    assert admin_client.post(delete.format(private.pk)).status_code == 403
    assert admin_client.get(delete.format(shared.pk)).status_code == 405
    gone = admin_client.post(delete.format(shared.pk))
    assert gone["Location"] == f"{LIST}?{FAILED}"
    assert list(SavedView.objects.all()) == [private]
    ann.delete()
    assert not SavedView.objects.exists()


def test_only_people_who_may_read_calls_have_views(client: Client) -> None:
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert client.post(SAVE, {"name": "x", "query": FAILED}).status_code == 403
    assert client.post(f"{LIST}views/1/delete/").status_code == 403


def test_shared_views_show_no_number_to_those_who_may_not_see_it(
    client: Client, admin_user: User, settings: Settings
) -> None:
    settings.MASK_CALLER_NUMBERS = True
    for name, query in (
        ("Number", "q=%2B14155550123"),
        ("Part", "q=tea+0123"),
        ("Tea, for 415-555-0123", "q=tea"),
    ):
        SavedView.objects.create(
            user=admin_user, name=name, query=query, is_shared=True
        )
    client.force_login(member("viewer"))
    assert names(client) == ["Tea, for •••23"]
    client.force_login(member("operator"))
    assert len(names(client)) == 3
