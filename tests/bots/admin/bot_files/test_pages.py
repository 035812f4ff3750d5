"""Pages that duplicate, download and import bots."""

import json
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from bots.admin.bot_files.bot_file import written
from bots.models import Bot, BotRole, PhoneNumber, Tool
from bots.models.version_rows import rows_of
from bots.versions.history import versions
from tests.support.versions import bot as bot
from tests.support.versions import member

pytestmark = pytest.mark.django_db
LIST, IMPORT = "/admin/bots/bot/", "/admin/bots/bot/import/"


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(member("operator"))
    return client


@pytest.fixture
def shop(bot: Bot) -> Bot:
    tool = Tool.objects.create(
        name="order_status", description="Orders", url="https://shop.example/"
    )
    bot.tools.add(tool)
    bot.targets.create(name="Ann", number="+14155550123")
    bot.menu_keys.create(key="1", action="tool", tool=tool)
    bot.languages.create(language="de-DE", voice="Johanna")
    PhoneNumber.objects.create(number="+14155550100", bot=bot)
    bot.save()
    return bot


def page(response: Any) -> str:
    assert response.status_code == 200
    return unescape(response.content.decode())


def upload(client: Client, values: dict[str, Any]) -> str:
    file = SimpleUploadedFile("bot.json", json.dumps(values).encode())
    return page(client.post(IMPORT, {"file": file}))


def document(bot: Bot) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(written(bot))
    return values


class TestDuplicate:
    def test_copies_everything_but_numbers_and_the_default(
        self, operator: Client, shop: Bot
    ) -> None:
        path = f"{LIST}{shop.pk}/duplicate/"
        text = page(operator.post(path, follow=True))
        assert "This is the copy of “Front desk”. It answers no number yet." in text
        copy = Bot.objects.get(name="Front desk (copy)")
        assert rows_of(copy) == rows_of(shop)
        assert not copy.is_default
        assert not copy.numbers.exists()
        assert copy.greeting == shop.greeting
        (version,) = versions(Bot, copy.pk)
        assert version.history_change_reason == "Copied from “Front desk”"
        assert version.rows == rows_of(shop)
        entry = LogEntry.objects.get(object_id=copy.pk)
        assert (entry.user.username, entry.change_message) == (
            "operator",
            "Copied from “Front desk”.",
        )
        assert shop.targets.count() == 1
        operator.post(path)
        assert Bot.objects.filter(name="Front desk (copy 2)").exists()

    def test_takes_a_name_that_fits(self, operator: Client, bot: Bot) -> None:
        bot.name = "x" * 80
        bot.save()
        operator.post(f"{LIST}{bot.pk}/duplicate/")
        assert Bot.objects.filter(name="x" * 73 + " (copy)").exists()

    def test_is_an_action_of_the_list(self, operator: Client, shop: Bot) -> None:
        other = Bot.objects.create(name="Other")
        action = {
            "action": "duplicate_selected",
            "_selected_action": [shop.pk, other.pk],
        }
        text = page(operator.post(LIST, action, follow=True))
        assert "Made 2 copies: “Front desk (copy)”, “Other (copy)”." in text

    def test_says_why_a_bot_cannot_be_copied(
        self, operator: Client, shop: Bot, settings: Any
    ) -> None:
        settings.TRANSFER_PREFIXES = ["+49"]
        text = page(operator.post(f"{LIST}{shop.pk}/duplicate/", follow=True))
        assert "“Front desk” was not copied. Person “Ann”: Callers may only" in text
        assert Bot.objects.count() == 1

    def test_needs_the_permission_to_add(self, client: Client, bot: Bot) -> None:
        client.force_login(member("viewer"))
        path = f"{LIST}{bot.pk}/duplicate/"
        assert client.post(path).status_code == 403
        assert client.get(path).status_code == 405
        assert "duplicate_selected" not in page(client.get(LIST))
        assert "Duplicate" not in page(client.get(f"{LIST}{bot.pk}/change/"))


class TestDownload:
    def test_is_a_file_with_the_bots_name(self, operator: Client, shop: Bot) -> None:
        response = operator.get(f"{LIST}{shop.pk}/file/")
        assert response.content.decode() == written(shop)
        assert 'filename="front-desk.json"' in response.headers["Content-Disposition"]
        assert "no-store" in response.headers["Cache-Control"]
        entry = LogEntry.objects.get()
        assert entry.change_message == "Downloaded as a file."

    def test_shows_nobody_numbers_that_are_masked(
        self, client: Client, shop: Bot, settings: Any
    ) -> None:
        settings.MASK_CALLER_NUMBERS = True
        client.force_login(member("viewer"))
        assert client.get(f"{LIST}{shop.pk}/file/").status_code == 403

    def test_has_no_tools_for_people_who_may_not_see_them(
        self, client: Client, shop: Bot
    ) -> None:
        user = member("viewer")
        user.groups.clear()
        BotRole.objects.create(user=user, bot=shop, role=BotRole.Role.OPERATOR)
        other = Bot.objects.create(name="Other")
        client.force_login(user)
        assert client.get(f"{LIST}{shop.pk}/file/").json()["tools"] == []
        for path in (f"{other.pk}/file/", "import/"):
            assert client.get(f"{LIST}{path}").status_code == 403
        assert client.post(f"{LIST}{other.pk}/duplicate/").status_code == 403


class TestImport:
    def test_shows_the_changes_and_then_makes_them(
        self, operator: Client, shop: Bot
    ) -> None:
        values = document(shop)
        values["bot"] |= {"greeting": "Moin, was darf es sein?", "targets": []}
        text = upload(operator, values)
        assert "The file changes the bot" in text
        assert "Moin, was darf es sein?" in text
        assert "Person “Ann”" in text
        shop.refresh_from_db()
        assert shop.greeting == "Hello."
        seen = versions(Bot, shop.pk)[0].pk
        form = {"text": json.dumps(values), "seen": seen, "apply": "1"}
        done = page(operator.post(IMPORT, form, follow=True))
        assert "Changed as the file says." in done
        shop.refresh_from_db()
        assert shop.greeting == "Moin, was darf es sein?"
        assert not shop.targets.exists()
        assert versions(Bot, shop.pk)[0].history_user.username == "operator"
        entry = LogEntry.objects.latest("pk")
        assert entry.change_message == "Imported from a file: “Front desk”."

    def test_creates_a_bot(self, operator: Client, shop: Bot) -> None:
        values = document(shop)
        values["bot"]["name"] = "New shop"
        assert "There is no bot" in upload(operator, values)
        form = {"text": json.dumps(values), "seen": "", "apply": "1"}
        assert "Created as the file says." in page(
            operator.post(IMPORT, form, follow=True)
        )
        assert rows_of(Bot.objects.get(name="New shop")) == rows_of(shop)

    def test_asks_again_if_the_bot_was_changed_meanwhile(
        self, operator: Client, shop: Bot
    ) -> None:
        values = document(shop)
        values["bot"]["greeting"] = "Moin."
        seen = versions(Bot, shop.pk)[0].pk
        shop.hints = "Sam"
        shop.save()
        form = {"text": json.dumps(values), "seen": seen, "apply": "1"}
        text = page(operator.post(IMPORT, form))
        assert "Somebody changed this bot meanwhile." in text
        shop.refresh_from_db()
        assert shop.greeting == "Hello."

    def test_says_that_nothing_would_change(self, operator: Client, shop: Bot) -> None:
        text = upload(operator, document(shop))
        assert "is already as the file says" in text
        assert "Apply these changes" not in text

    def test_complains_of_no_file_before_one_was_sent(self, operator: Client) -> None:
        assert "Choose a file." not in page(operator.get(IMPORT))

    def test_says_why_a_file_is_refused(self, operator: Client) -> None:
        text = upload(operator, {"format": "voicebot bot", "version": 1, "bot": {}})
        assert "The file was not imported, and nothing has changed." in text
        assert "“bot” lacks its “name”." in text
        assert "Choose a file." in page(operator.post(IMPORT))

    def test_shows_hostile_words_as_words(self, operator: Client, shop: Bot) -> None:
        values = document(shop)
        values["bot"]["greeting"] = "</textarea><script>alert(1)</script>"
        file = SimpleUploadedFile("bot.json", json.dumps(values).encode())
        text = operator.post(IMPORT, {"file": file}).content.decode()
        assert "<script>alert" not in text

    def test_is_closed_to_viewers(self, client: Client) -> None:
        client.force_login(member("viewer"))
        assert client.get(IMPORT).status_code == 403
        assert "/import/" not in page(client.get(LIST))
