# ruff: noqa: RUF001
"""Calls are found without case and accents, wherever a word is written."""

from collections.abc import Callable

import pytest
from django.test import Client

from bots.models import Bot, PhoneNumber
from calls.models import Call
from calls.post_call.summarizer import store_summary
from calls.post_call.summary_prompt import CallSummary
from calls.review import handling
from calls.review.search import matching
from calls.transcripts.closing import complete
from tests.support.pages.calls import LIST, make_call, say, tag
from tests.support.pages.calls import viewer as viewer

pytestmark = pytest.mark.django_db


def found(query: str, *, hide: bool = False) -> set[int]:
    return {call.pk for call in matching(Call.objects.all(), query, hide=hide)}


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("Herr Günther, bitte.", "gunther Günther GÜNTHER GUNTH günth"),
        ("Gu\u0308nther hier.", "gunther Günther"),
        ("Bahnhofstraße 3", "bahnhofstrasse BAHNHOFSTRASSE bahnhofstraße"),
        ("Merhaba İstanbul", "istanbul ISTANBUL İSTANBUL"),
        ("Tôi tên là Nguyễn Văn Đức.", "nguyen duc ĐỨC"),
        ("Με λένε Γιώργο.", "γιωργο ΓΙΏΡΓΟ λενε"),
        ("اسمي أحمد وأمي فاطِمة", "احمد فاطمه أحمد"),
        ("Ёлка", "елка ЕЛКА"),
        ("‘One’s enough’", "one's"),
    ],
)
def test_words_are_found_in_every_spelling(said: str, typed: str) -> None:
    call, other = make_call(1), make_call(2)
    say(call, "caller", said)
    say(other, "caller", "Something else.")
    for word in typed.split():
        assert found(word) == {call.pk}, word
        assert found(f"{word} zebra") == set()


def in_summary(call: Call) -> None:
    store_summary(call.pk, CallSummary("Günther called.", "", {}))


def in_outcome(call: Call) -> None:
    store_summary(call.pk, CallSummary("", "Günther", {}))


def in_details(call: Call) -> None:
    store_summary(call.pk, CallSummary("", "", {"name": "Günther"}))


def in_variables(call: Call) -> None:
    Call.objects.filter(pk=call.pk).update(variables={"name": "Günther"})
    complete([call.pk])


def in_note(call: Call) -> None:
    handling.add_note(call, "Herr Günther again", None)


def in_tag(call: Call) -> None:
    tag(call, "Günther")


@pytest.mark.parametrize(
    "write", [in_summary, in_outcome, in_details, in_variables, in_note, in_tag]
)
def test_everything_written_about_a_call_is_found_and_shown(
    viewer: Client, write: Callable[[Call], None]
) -> None:
    call = make_call(1)
    make_call(2)
    say(call, "caller", "Hello.")
    write(call)
    assert found("gunther") == found("GÜNTHER", hide=True) == {call.pk}
    assert "<mark>Günther</mark>" in viewer.get(f"{LIST}?q=gunther").content.decode()


def test_names_of_bots_and_numbers_are_found() -> None:
    bot = Bot.objects.create(name="Café Zoë")
    PhoneNumber.objects.create(number="+493012345678", label="Empfang Süd")
    by_bot = make_call(1, bot=bot, bot_name=bot.name)
    by_label = make_call(2, to_number="+493012345678")
    placed = make_call(3, from_number="+493012345678", direction="outbound-api")
    assert found("cafe zoe") == {by_bot.pk}
    assert found("sud") == found("EMPFANG", hide=True) == {by_label.pk, placed.pk}


def test_what_is_deleted_is_not_found_any_more() -> None:
    call = make_call(1)
    handling.add_note(call, "Günther", None)
    tag(call, "Øre")
    handling.delete_note(call.notes.get())
    handling.remove_tag(call.tags.get())
    assert found("gunther") == found("ore") == set()


@pytest.mark.parametrize(
    "number", ["fünf zwei drei", "FUNF zwei drei", "sip:günther@x"]
)
def test_notes_that_spell_a_number_are_not_searched_by_those_who_see_none(
    number: str,
) -> None:
    call = make_call(1)
    handling.add_note(call, f"Back at {number} please", None)
    for word in ("funf", "fünf", "gunther", "please"):
        assert found(word, hide=True) == set()
    assert found("please") == {call.pk}
    handling.delete_note(call.notes.get())
    handling.add_note(call, "A table for fünf, please.", None)
    assert found("funf please", hide=True) == {call.pk}


def test_signs_without_a_letter_are_no_words(viewer: Client) -> None:
    call = make_call(1)
    assert found("\u0301 \u200b") == {call.pk}
    assert viewer.get(LIST, {"q": "\u0301"}).status_code == 200
