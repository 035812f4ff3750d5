"""Two people who edit one bot or number at the same time."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from bots.models import Bot, PhoneNumber
from tests.support.pages.bot_form import FORM, rows

HIDDEN = re.compile(r'<input type="hidden" name="(opened_\w+)" value="([^"]*)"')
SAVED = "was changed successfully"


@pytest.fixture
def ann(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ann"))
    return client


@pytest.fixture
def bot(db: None) -> Bot:
    return Bot.objects.create(name="Front desk", greeting="Hello.")


def url(bot: Bot) -> str:
    return f"/admin/bots/bot/{bot.pk}/change/"


def opened(client: Client, path: str) -> dict[str, Any]:
    """The hidden fields of a form that somebody opens."""
    return dict(HIDDEN.findall(client.get(path).content.decode()))


def save(client: Client, path: str, form: dict[str, Any]) -> str:
    page = client.post(path, {**form, "_continue": "1"}, follow=True)
    return unescape(page.content.decode())


def test_fields_that_the_other_person_changed_are_kept(
    admin_client: Client, ann: Client, bot: Bot
) -> None:
    form = {**FORM, "greeting": "Hello.", "system_prompt": bot.system_prompt}
    mine = {**form, **opened(admin_client, url(bot)), "hints": "Sam"}
    theirs = {**form, **opened(ann, url(bot)), "greeting": "Good day.", "is_active": ""}
    assert SAVED in save(ann, url(bot), theirs)
    assert SAVED in save(admin_client, url(bot), mine)
    bot.refresh_from_db()
    assert (bot.greeting, bot.hints, bot.is_active) == (
        "Good day.",
        "Sam",
        False,
    )


def test_a_field_that_both_changed_is_left_to_the_second_person(
    admin_client: Client, ann: Client, bot: Bot
) -> None:
    form = {**FORM, "goodbye_message": "", "greeting": "Hello."}
    mine = {**form, **opened(admin_client, url(bot)), "greeting": "Mine."}
    theirs = {**form, **opened(ann, url(bot)), "greeting": 'Theirs & "'}
    theirs["goodbye_message"] = "Bye."
    assert SAVED in save(ann, url(bot), theirs)
    page = save(admin_client, url(bot), mine)
    assert (
        'ann changed this meanwhile, to “Theirs & "”. Save again to keep yours.' in page
    )
    assert SAVED not in page
    assert ">\nMine.</textarea>" in page
    bot.refresh_from_db()
    assert bot.greeting == 'Theirs & "'
    again = {**mine, **dict(HIDDEN.findall(page)), "goodbye_message": "Bye."}
    assert ">\nBye.</textarea>" in page  # the other field came along
    assert SAVED in save(admin_client, url(bot), again)
    bot.refresh_from_db()
    assert (bot.greeting, bot.goodbye_message) == ("Mine.", "Bye.")


def test_rows_that_changed_meanwhile_are_pointed_out(
    admin_client: Client, ann: Client, bot: Bot
) -> None:
    ours = {**FORM, **opened(admin_client, url(bot))}
    key = {"key": "1", "action": "say", "message": "Hello"}
    theirs = {**FORM, **opened(ann, url(bot)), **rows("menu_keys", key)}
    assert SAVED in save(ann, url(bot), theirs)
    page = save(admin_client, url(bot), ours)
    assert "ann changed the tools, people, keys or languages of this bot" in page
    again = {**ours, **dict(HIDDEN.findall(page))}
    assert SAVED in save(admin_client, url(bot), again)
    assert bot.menu_keys.exists()


def test_tools_that_changed_meanwhile_are_pointed_out(
    admin_client: Client, ann: Client, bot: Bot
) -> None:
    mine = {**FORM, **opened(admin_client, url(bot)), "hints": "Sam"}
    tool = bot.tools.create(name="crm")
    bot.tools.clear()
    theirs = {**FORM, **opened(ann, url(bot)), "tools": [tool.pk]}
    assert SAVED in save(ann, url(bot), theirs)
    assert "ann changed the tools" in save(admin_client, url(bot), mine)
    assert bot.tools.get() == tool


@pytest.mark.parametrize("odd", ["", "0", "-5", "99999999", "x", "9" * 400])
def test_an_odd_version_does_not_break_the_page(
    admin_client: Client, bot: Bot, odd: str
) -> None:
    bot.greeting = "Changed."
    bot.save()
    page = admin_client.post(url(bot), {**FORM, "opened_version": odd})
    assert page.status_code in (200, 302)


def test_a_number_is_protected_as_well(
    admin_client: Client, ann: Client, bot: Bot
) -> None:
    number = PhoneNumber.objects.create(number="+14155550100", label="Door", bot=bot)
    path = f"/admin/bots/phonenumber/{number.pk}/change/"
    form = {"number": number.number, "label": "Door", "bot": bot.pk, "is_active": "on"}
    form |= {"max_concurrent_calls": 0, "when_closed": "message"}
    mine = {**form, **opened(admin_client, path), "label": "Back door"}
    theirs = {**form, **opened(ann, path), "bot": ""}
    assert SAVED in save(ann, path, theirs)
    assert SAVED in save(admin_client, path, mine)
    number.refresh_from_db()
    assert (number.label, number.bot) == ("Back door", None)
