"""Notes, tags and “handled”: operators write them, viewers read them."""

from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from bots.site_settings.model import ONLY_ROW, SiteSettings
from calls.models import Call, CallNote, CallTag
from calls.review import handling
from tests.support.pages.calls import LIST, make_call, tag
from tests.support.versions import member

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    return member("operator")


@pytest.fixture
def operator(client: Client, ann: User) -> Client:
    client.force_login(ann)
    return client


@pytest.fixture
def call() -> Call:
    return make_call(1)


def page_of(client: Client, call: Call) -> str:
    return unescape(client.get(f"{LIST}{call.pk}/change/").content.decode())


def do(client: Client, call: Call, what: str, **form: Any) -> str:
    """Press a button of the call's page; returns the message."""
    address = f"{LIST}{call.pk}/handle/"
    page: Any = client.post(address, {"do": what, **form}, follow=True)
    assert page.status_code == 200
    return " ".join(str(message) for message in page.context["messages"])


def test_a_note_has_its_author_and_time_and_is_in_the_list(
    operator: Client, call: Call
) -> None:
    assert (
        do(operator, call, "add-note", text=" <b>Ann</b>\n again ") == "Added a note."
    )
    note = call.notes.get()
    assert (note.text, str(note.author)) == ("<b>Ann</b>\n again", "operator")
    raw = operator.get(f"{LIST}{call.pk}/change/").content.decode()
    assert "&lt;b&gt;Ann&lt;/b&gt;<br>" in raw
    assert "<strong>operator</strong>" in raw
    assert "1 note</span>" in operator.get(LIST).content.decode()
    assert [entry.change_message for entry in LogEntry.objects.all()] == [
        "Added a note."
    ]


def test_notes_are_deleted_by_their_author(operator: Client, call: Call) -> None:
    do(operator, call, "add-note", text="Mine")
    other = CallNote.objects.create(call=call, text="Theirs")
    mine = call.notes.get(text="Mine")
    assert page_of(operator, call).count('value="delete-note"') == 1
    assert do(operator, call, "delete-note", key=mine.pk) == "Deleted a note."
    assert do(operator, call, "delete-note", key=mine.pk) == ""
    address = f"{LIST}{call.pk}/handle/"
    form = {"do": "delete-note", "key": other.pk}
    assert operator.post(address, form).status_code == 403


def test_a_tag_has_one_spelling_on_all_calls(
    operator: Client, call: Call, ann: User
) -> None:
    other = make_call(2)
    do(operator, call, "add-tag", text="Rückruf")
    do(operator, other, "add-tag", text="  RUCKRUF ")
    do(operator, other, "add-tag", text="ruckruf")
    assert handling.tag_names(ann) == ["Rückruf"]
    assert CallTag.objects.count() == 2
    added = other.tags.get()
    assert str(added.added_by) == "operator"
    assert do(operator, other, "remove-tag", key=added.pk) == "Removed a tag."
    assert do(operator, call, "remove-tag", key=f"{added.pk}") == ""
    assert 'class="tag" dir="auto">Rückruf' in operator.get(LIST).content.decode()


def test_handled_says_by_whom_and_when_and_the_first_one_counts(
    operator: Client, call: Call, ann: User
) -> None:
    assert do(operator, call, "handled") == "Marked as handled."
    call.refresh_from_db()
    when, by = call.handled_at, call.handled_by
    assert (by, when is not None) == (ann, True)
    assert do(operator, call, "handled") == ""
    handling.mark_handled(Call.objects.all(), None)
    call.refresh_from_db()
    assert (call.handled_at, call.handled_by) == (when, by)
    assert "✓ Handled by operator" in page_of(operator, call)
    assert "✓ handled by operator" in operator.get(LIST).content.decode()
    assert do(operator, call, "unhandled") == "Marked as not handled."
    call.refresh_from_db()
    assert (call.handled_at, call.handled_by) == (None, None)


def test_ticked_calls_are_handled_together(operator: Client) -> None:
    calls = [make_call(number) for number in range(3)]
    handling.mark_handled(Call.objects.filter(pk=calls[0].pk), None)
    form = {
        "action": "mark_handled",
        "_selected_action": [call.pk for call in calls[:2]],
    }
    page: Any = operator.post(f"{LIST}?q=hello&status__exact=completed", form)
    page = operator.post(LIST, form, follow=True)
    assert "Marked as handled: 1 call." in page.content.decode()
    assert Call.objects.exclude(handled_at=None).count() == 2
    operator.post(LIST, {**form, "action": "mark_unhandled"})
    assert not Call.objects.exclude(handled_at=None).exists()


@pytest.mark.parametrize(
    ("what", "text", "words"),
    [
        ("add-note", "  ", "Write something first."),
        ("add-note", "x" * 2001, "2,000 characters at most"),
        ("add-tag", "\u200b", "Write a word first."),
        ("add-tag", "x" * 41, "40 characters at most"),
        ("nothing", "", "There is no such button."),
    ],
)
def test_what_cannot_be_written_is_said_in_plain_words(
    operator: Client, call: Call, what: str, text: str, words: str
) -> None:
    assert words in do(operator, call, what, text=text)
    assert not CallNote.objects.exists()
    assert not LogEntry.objects.exists()


def test_a_call_has_a_limited_number_of_notes_and_tags(
    operator: Client, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handling, "MAX_NOTES", 1)
    monkeypatch.setattr(handling, "MAX_TAGS", 1)
    for what in ("add-note", "add-tag"):
        do(operator, call, what, text="one")
        assert "1 " in do(operator, call, what, text="two")
    assert (call.notes.count(), call.tags.count()) == (1, 1)


def test_viewers_read_and_change_nothing(client: Client, call: Call) -> None:
    handling.add_note(call, "Call back.", None)
    tag(call, "refund")
    client.force_login(member("viewer"))
    page = page_of(client, call)
    assert "Call back." in page
    assert "refund" in page
    assert "/handle/" not in page.partition("</header>")[2].replace(
        'class="card handling"', ""
    )
    for what in ("handled", "add-note", "add-tag", "remove-tag"):
        form = {"do": what, "text": "x", "key": call.tags.get().pk}
        assert client.post(f"{LIST}{call.pk}/handle/", form).status_code == 403
    client.post(LIST, {"action": "mark_handled", "_selected_action": call.pk})
    call.refresh_from_db()
    assert call.handled_at is None
    assert client.get(f"{LIST}{call.pk}/handle/").status_code == 405


def test_numbers_in_notes_and_tags_are_masked_for_viewers(
    client: Client, call: Call, settings: Settings
) -> None:
    settings.MASK_CALLER_NUMBERS = True
    handling.add_note(call, "Back at +49 151 12345678", None)
    tag(call, "back 0151 12345678")
    for group, is_shown in (("viewer", False), ("operator", True)):
        client.force_login(member(group))
        assert ("+49 151 12345678" in page_of(client, call)) is is_shown
        assert "•••78" in client.get(LIST).content.decode()


def test_the_list_masks_words_if_the_settings_page_says_so(
    operator: Client, call: Call
) -> None:
    Call.objects.update(summary="Call back at +49 151 12345678.")
    assert "+49 151 12345678" in operator.get(LIST).content.decode()
    SiteSettings.objects.create(pk=ONLY_ROW, mask_caller_numbers=True)
    page = operator.get(LIST).content.decode()
    assert "Call back at •••78." in page


def test_a_writer_who_is_gone_is_somebody(call: Call, client: Client) -> None:
    user = User.objects.create_superuser("gone")
    handling.add_note(call, "Hello", user)
    handling.mark_handled(Call.objects.all(), user)
    user.delete()
    client.force_login(member("viewer"))
    page = page_of(client, call)
    assert "Handled by somebody" in page
    assert "<strong>Somebody</strong>" in page
