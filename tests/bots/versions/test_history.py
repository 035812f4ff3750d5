"""Versions: their changes in words, and how one is restored."""

from typing import Any

import pytest
from django.test import Client

from bots.models import Bot, PhoneNumber, Secret, Tool
from bots.versions import history
from bots.versions.history import NotRestorable, author, changes, restore, versions
from tests.support.versions import at, change
from tests.support.versions import bot as bot

pytestmark = pytest.mark.django_db


class TestChanges:
    def test_are_in_words_and_in_the_order_of_the_fields(self, bot: Bot) -> None:
        change(bot, interruptible="none", greeting="", is_active=False, temperature=1.0)
        changed = changes(at(bot, 1), at(bot, 0))
        assert [(change.label, change.old, change.new) for change in changed] == [
            ("Active", "yes", "no"),
            ("Greeting", "Hello.", ""),
            ("Temperature", "", "1.0"),
            ("Callers can interrupt", "By speaking or pressing a key", "Never"),
        ]

    def test_leave_out_line_endings(self, bot: Bot) -> None:
        change(bot, system_prompt="One\nTwo")
        change(bot, system_prompt="One\r\nTwo")
        assert changes(at(bot, 1), at(bot, 0)) == []

    def test_name_the_bot_of_a_number(self, bot: Bot) -> None:
        number = PhoneNumber.objects.create(number="+14155550100", bot=bot)
        change(number, bot=None)
        bot_id = bot.pk
        (changed,) = changes(at(number, 1), at(number, 0))
        assert (changed.old, changed.new) == ("Front desk", "")
        bot.delete()
        (changed,) = changes(at(number, 1), at(number, 0))
        assert (changed.old, at(number, 1).bot_id) == ("a deleted bot", bot_id)

    def test_made_outside_the_console_are_the_servers(self, bot: Bot) -> None:
        assert author(at(bot, 0)) == "the server"

    def test_made_in_the_console_have_a_name(
        self, admin_client: Client, bot: Bot
    ) -> None:
        number = PhoneNumber.objects.create(number="+14155550100", bot=bot)
        admin_client.post(
            f"/admin/bots/phonenumber/{number.pk}/change/",
            {
                "number": number.number,
                "label": "Night",
                "is_active": "on",
                "max_concurrent_calls": 0,
            },
        )
        assert author(at(number, 0)) == "admin"
        assert at(number, 0).label == "Night"

    def test_begin_with_a_first_version(self, bot: Bot) -> None:
        Bot.history.all().delete()
        history.first_version()
        history.first_version()
        (first,) = versions(Bot, bot.pk)
        assert first.history_change_reason == history.FIRST_VERSION
        assert first.greeting == "Hello."


class TestRestore:
    def test_is_a_new_version_that_says_so(self, bot: Bot) -> None:
        change(bot, greeting="Moin.")
        assert restore(at(bot, 1)) == []
        bot.refresh_from_db()
        assert bot.greeting == "Hello."
        assert versions(Bot, bot.pk).count() == 3
        assert at(bot, 0).history_change_reason.startswith("Restored the version of ")

    def test_of_the_present_version_changes_nothing(self, bot: Bot) -> None:
        assert restore(at(bot, 0)) == ["All other settings are the same as now."]
        assert versions(Bot, bot.pk).count() == 1

    def test_removes_links_to_a_deleted_tool_or_key(self, bot: Bot) -> None:
        tool, secret = Tool.objects.create(name="crm"), Secret(name="hook")
        secret.save()
        hook = {"webhook_url": "https://a.example/", "webhook_secret": secret}
        change(bot, lookup_tool=tool, **hook)
        change(bot, lookup_tool=None, webhook_url="", webhook_secret=None)
        tool.delete()
        secret.delete()
        (lookup, *_) = changes(at(bot, 2), at(bot, 1))
        assert (lookup.label, lookup.new) == ("Lookup", "a deleted tool")
        assert restore(at(bot, 1)) == [
            "The tool of the lookup was deleted, so the bot has no lookup.",
            "The key of the webhook was deleted, so the bot has no webhook.",
            "All other settings are the same as now.",
        ]

    def test_brings_lookup_and_webhook_back(self, bot: Bot) -> None:
        tool, secret = Tool.objects.create(name="crm"), Secret(name="hook")
        secret.save()
        hook = {"webhook_url": "https://a.example/", "webhook_secret": secret}
        change(bot, lookup_tool=tool, variables="city", can_end_call=False, **hook)
        change(bot, lookup_tool=None, variables="", webhook_url="", webhook_secret=None)
        assert restore(at(bot, 1)) == []
        bot.refresh_from_db()
        assert (bot.lookup_tool, bot.variables, bot.webhook_secret) == (
            tool,
            "city",
            secret,
        )

    def test_takes_the_default_from_no_other_bot(self, bot: Bot) -> None:
        change(bot, is_default=False, greeting="Moin.")
        Bot.objects.create(name="Other", is_default=True)
        assert restore(at(bot, 1)) == ["“Other” stays the default bot."]
        bot.refresh_from_db()
        assert (bot.is_default, bot.greeting) == (False, "Hello.")

    def test_keeps_the_present_default(self, bot: Bot) -> None:
        change(bot, is_default=False)
        change(bot, is_default=True, greeting="Moin.")
        assert restore(at(bot, 1)) == ["This bot stays the default bot."]
        bot.refresh_from_db()
        assert (bot.is_default, bot.greeting) == (True, "Hello.")

    def test_keeps_the_name_if_another_bot_has_the_old_one(self, bot: Bot) -> None:
        change(bot, name="Reception", greeting="Moin.")
        Bot.objects.create(name="Front desk")
        (note,) = restore(at(bot, 1))
        assert "“Front desk”" in note
        bot.refresh_from_db()
        assert (bot.name, bot.greeting) == ("Reception", "Hello.")

    def test_says_why_a_version_is_not_valid(self, bot: Bot) -> None:
        Bot.objects.filter(pk=bot.pk).update(llm_model="gone model")
        bot.refresh_from_db()
        change(bot, greeting="Moin.")
        bad = at(bot, 0)
        change(bot, llm_model="auto")
        with pytest.raises(NotRestorable) as refused:
            restore(bad)
        assert refused.value.args[0].startswith("AI model: Write the model as")
        bot.refresh_from_db()
        assert bot.llm_model == "auto"

    def test_brings_back_a_deleted_bot_and_its_numbers(self, bot: Bot) -> None:
        numbers = [
            PhoneNumber.objects.create(number=f"+1415555010{n}", bot=bot)
            for n in range(2)
        ]
        pk = bot.pk
        bot.delete()
        change(PhoneNumber.objects.get(pk=numbers[1].pk), label="Taken over")
        Bot.objects.create(name="Front desk", is_default=True)
        notes = restore(versions(Bot, pk)[0])
        back = Bot.objects.get(pk=pk)
        assert (back.name, back.is_default) == ("Front desk (2)", False)
        assert [number.number for number in back.numbers.all()] == ["+14155550100"]
        assert "The bot answers +14155550100 again." in notes
        assert history.deleted(Bot) == []

    def test_uses_the_default_bot_for_a_deleted_one(self, bot: Bot) -> None:
        number = PhoneNumber.objects.create(number="+14155550100", bot=bot)
        change(number, bot=None, label="New")
        bot.delete()
        assert restore(at(number, 1)) == [
            "The bot of this number was deleted, so the default bot answers."
        ]
        number.refresh_from_db()
        assert (number.bot, number.label) == (None, "")

    def test_refuses_a_number_that_exists_again(self) -> None:
        number = PhoneNumber.objects.create(number="+14155550100")
        pk = number.pk
        number.delete()
        PhoneNumber.objects.create(number="+14155550100")
        with pytest.raises(NotRestorable, match="already exists"):
            restore(versions(PhoneNumber, pk)[0])

    def test_a_version_older_than_a_field_has_its_default(self) -> None:
        for model in (Bot, PhoneNumber):
            for old in model.history.model.tracked_fields:
                field: Any = model._meta.get_field(old.name)
                assert old.default == field.default
                assert old.null or old.has_default() or old.blank or old.unique
