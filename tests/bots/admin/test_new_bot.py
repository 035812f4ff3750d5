"""The short form of a new bot."""

from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from bots.models import Bot, InworldCatalogue
from tests.support.pages.bot_form import ADVICE

ADD = "/admin/bots/bot/add/"
ASKED = {
    "name": "Harbour Hotel",
    "greeting": "Good evening.",
    "system_prompt": "You answer for a hotel.",
    "tts_voice": "Clive",
}


def test_four_things_are_asked_and_a_test_call_follows(admin_client: Client) -> None:
    form = admin_client.get(ADD).context["adminform"].form
    shown = [field.name for field in form if not field.is_hidden]
    assert shown == list(ASKED)
    page = admin_client.post(ADD, {**ASKED, "llm_model": "evil/model"}, follow=True)
    bot = Bot.objects.get()
    assert page.redirect_chain == [(f"/admin/test-call/{bot.pk}/", 302)]
    assert "“Harbour Hotel” is ready." in page.content.decode()
    assert {name: getattr(bot, name) for name in ASKED} == ASKED
    assert bot.llm_model == Bot().llm_model
    assert bot.is_active
    assert bot.history.count() == 1


@pytest.mark.parametrize(
    ("pressed", "follows"),
    [
        ({"_continue": "1"}, "/admin/bots/bot/{}/change/"),
        ({"_popup": "1"}, ""),
    ],
)
def test_another_button_leads_elsewhere(
    admin_client: Client, pressed: dict[str, str], follows: str
) -> None:
    answer = admin_client.post(ADD, {**ASKED, **pressed})
    assert answer.get("Location", "") == follows.format(Bot.objects.get().pk)


@pytest.mark.django_db
def test_a_user_who_may_make_no_test_call_returns_to_the_list(client: Client) -> None:
    user = User.objects.create_user("adder", is_staff=True)
    may = Permission.objects.filter(codename__in=["add_bot", "view_bot"])
    user.user_permissions.set(may)
    client.force_login(user)
    assert "Create and open a test call" not in client.get(ADD).content.decode()
    assert client.post(ADD, ASKED)["Location"] == "/admin/bots/bot/"


@pytest.mark.parametrize(
    ("spoken", "language"),
    [
        (["de-DE"], "de-DE"),
        (["de"], "de-DE"),
        (["en-GB"], "en-US"),
        (["fr-FR", "en-US"], "en-US"),
        (["xx"], "xx"),
        ([], "en-US"),
    ],
)
def test_a_bot_speaks_the_language_of_its_voice(
    admin_client: Client, spoken: list[str], language: str
) -> None:
    entry = {"id": "Clive", "languages": spoken}
    InworldCatalogue.objects.create(kind="voices", entries=[entry])
    page = admin_client.post(ADD, ASKED, follow=True).content.decode()
    assert Bot.objects.get().language == language
    assert (f"It speaks {language}, the" in page) == (language != "en-US")


def advice(client: Client, **changes: Any) -> list[str]:
    answer = client.post(ADVICE, {**ASKED, **changes}).json()
    return [remark["text"] for remark in answer["remarks"] if remark["field"] in ASKED]


def test_a_new_bot_gets_the_advice_of_its_usual_settings(admin_client: Client) -> None:
    assert advice(admin_client) == []
    assert advice(admin_client, greeting="[warmly] Hello.") == []  # its voice follows
    assert "Has an emoji" in advice(admin_client, greeting="Hello \U0001f600")[0]


def test_a_refusal_keeps_what_was_typed(admin_client: Client) -> None:
    page = admin_client.post(ADD, {**ASKED, "name": "", "greeting": "Hi {{ x"})
    text = unescape(page.content.decode())
    assert 'id="id_name_error"' in text
    assert "You answer for a hotel." in text
    assert not Bot.objects.exists()
