"""Bots with many numbers, and lists that are longer than one form may be."""

from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.http import HttpResponse
from django.test import Client
from django.utils.html import escape

from bots.admin.bot import BotAdmin
from bots.admin.forms import MAX_TOOLS, BotForm
from bots.admin.tool import ParameterInline
from bots.models import Bot, PhoneNumber, Tool
from calls.console.bulk_deletion import MAX_DELETED
from calls.models import BlockedCaller
from tests.support.pages.bot_form import FORM, editor, rows
from tests.support.pages.bot_form import viewer as viewer

pytestmark = pytest.mark.django_db
LIST = "/admin/bots/phonenumber/"
MANY = 600


@pytest.fixture
def bot() -> Bot:
    bot = Bot.objects.create(name="Front desk")
    PhoneNumber.objects.bulk_create(
        PhoneNumber(number=f"+1415555{number:04}", bot=bot) for number in range(MANY)
    )
    return bot


def shown_fields(response: HttpResponse) -> dict[str, Any]:
    """The values of all forms of a bot's page, as a browser would send them."""
    forms = [response.context["adminform"].form]  # type: ignore[attr-defined]
    for inline in response.context["inline_admin_formsets"]:  # type: ignore[attr-defined]
        forms += [inline.formset.management_form, *inline.formset.forms]
    sent: dict[str, Any] = {}
    for bound in (field for form in forms for field in form):
        value = bound.value()
        if value is not None and value is not False and value != "":
            sent[bound.html_name] = "on" if value is True else value
    return sent


def test_a_bot_with_600_numbers_is_saved(admin_client: Client, bot: Bot) -> None:
    path = f"/admin/bots/bot/{bot.pk}/change/"
    page = admin_client.get(path)
    text = page.content.decode()
    assert "+14155550009" in text
    assert "+14155550010" not in text
    assert "and 590 more" in text
    assert f'href="{LIST}?bot__id__exact={bot.pk}"' in text
    assert f'href="{LIST}add/?bot={bot.pk}"' in text
    sent = shown_fields(page) | {"greeting": "Good morning."}  # type: ignore[arg-type]
    response = admin_client.post(path, sent)
    assert response.status_code == 302, response.content.decode()
    bot.refresh_from_db()
    assert (bot.greeting, bot.numbers.count()) == ("Good morning.", MANY)
    listed = admin_client.get(f"{LIST}?bot__id__exact={bot.pk}").content.decode()
    assert "600 phone numbers" in listed


def test_a_new_number_of_a_bot_has_it_chosen(admin_client: Client, bot: Bot) -> None:
    page = admin_client.get(f"{LIST}add/?bot={bot.pk}").content.decode()
    assert f'<option value="{bot.pk}" selected>' in page


def test_all_numbers_of_a_list_get_a_bot_at_once(
    admin_client: Client, bot: Bot
) -> None:
    other = Bot.objects.create(name="Night desk")
    first = PhoneNumber.objects.earliest("number")
    PhoneNumber.objects.filter(pk=first.pk).update(bot=other)
    action = {"action": "assign_bot", "index": "0", "_selected_action": [first.pk]}

    def assign(**fields: Any) -> str:
        page = admin_client.post(LIST, action | fields, follow=True)
        return page.content.decode()

    everything = {"select_across": "1", "bot": other.pk}
    assert "Changed 599 numbers: answered by Night desk." in assign(**everything)
    assert other.numbers.count() == MANY
    latest = PhoneNumber.objects.latest("number")
    version = latest.history.latest()
    assert version.bot == other
    assert version.history_user.username == "admin"
    assert LogEntry.objects.filter(object_id=str(latest.pk)).count() == 1
    assert "Changed 1 number: answered by the default bot." in assign()
    assert PhoneNumber.objects.filter(bot=None).get() == first
    assert "No action selected." in assign(bot="999")
    assert other.numbers.count() == MANY - 1


def test_a_viewer_sees_no_numbers_without_permission(viewer: Client, bot: Bot) -> None:
    page = viewer.get(f"/admin/bots/bot/{bot.pk}/change/").content.decode()
    assert "+14155550009" not in page


def test_the_longest_bot_fits_into_one_form(admin_client: Client) -> None:
    """Everything at its limit, with room to spare for what a browser adds."""
    most = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    lists = [(inline, inline.max_num or 9**9) for inline in BotAdmin.inlines]
    fields = sum(
        longest * (len(inline.fields or []) + 3) + 4 for inline, longest in lists
    )
    assert fields + len(BotForm.base_fields) + MAX_TOOLS < most
    arguments = (ParameterInline.max_num or 9**9) * 10
    assert arguments + 20 < most


def test_longer_lists_are_refused_in_words(admin_client: Client) -> None:
    people = [
        {"name": f"P{n}", "number": f"+1415555{n:04}", "ring_seconds": "25"}
        for n in range(41)
    ]
    tools = [Tool(name=f"t{n}", url="https://a.example/") for n in range(MAX_TOOLS + 1)]
    chosen = [tool.pk for tool in Tool.objects.bulk_create(tools)]
    path = editor()
    page = admin_client.post(path, {**FORM, **rows("targets", *people)})
    assert "At most 40 are possible here. Delete some." in page.content.decode()
    page = admin_client.post(path, {**FORM, "tools": chosen})
    assert "Choose at most 100 tools." in page.content.decode()
    longest = {**FORM, "tools": chosen[:-1], **rows("targets", *people[:-1])}
    assert admin_client.post(path, longest).status_code == 302


def test_of_thousands_only_as_many_are_deleted_as_can_be_confirmed(
    admin_client: Client, bot: Bot
) -> None:
    """Django's page of confirmation sends a field for each: more than it takes."""
    ticked = {"action": "delete_selected", "index": "0", "select_across": "1"}
    ticked["_selected_action"] = str(bot.numbers.earliest("number").pk)
    page = admin_client.post(LIST, ticked, follow=True).content.decode()
    assert (
        escape(f"At most {MAX_DELETED} can be deleted at a time, and these are 600")
        in page
    )
    assert PhoneNumber.objects.count() == MANY
    few = admin_client.post(f"{LIST}?q=41555500", ticked)
    assert "Are you sure" in few.content.decode()
    keys = [
        number.pk for number in PhoneNumber.objects.filter(number__contains="41555500")
    ]
    sent = {**ticked, "_selected_action": keys, "post": "yes"}
    admin_client.post(f"{LIST}?q=41555500", sent)
    assert PhoneNumber.objects.count() == MANY - len(keys)
    BlockedCaller.objects.bulk_create(
        BlockedCaller(pattern=f"+1900{n}") for n in range(MAX_DELETED + 1)
    )
    ticked["_selected_action"] = str(BlockedCaller.objects.earliest("pk").pk)
    blocked = admin_client.post("/admin/calls/blockedcaller/", ticked, follow=True)
    assert "Nothing was deleted." in blocked.content.decode()
