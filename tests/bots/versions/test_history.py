"""Versions: their changes in words, and how one is restored."""

from typing import Any

import pytest
from django.test import Client

from bots.models import Bot, PhoneNumber, Tool
from bots.versions import history
from bots.versions.history import author, changes, versions
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

    def test_name_rows_that_were_added_changed_moved_and_removed(
        self, bot: Bot
    ) -> None:
        sales = bot.targets.create(name="Sales", number="+14155550123")
        bot.targets.create(name="Support", number="+14155550124", announce=False)
        bot.languages.create(language="de-DE", voice="Johanna")
        bot.save()
        sales.delete()
        bot.targets.create(name="Sales", number="+14155550125")
        bot.languages.all().delete()
        bot.menu_keys.create(key="1", action="end")
        bot.tools.add(Tool.objects.create(name="crm"))
        bot.save()
        changed = changes(at(bot, 1), at(bot, 0))
        assert [(change.label, change.old, change.new) for change in changed] == [
            ("Tools", "", "crm"),
            ("Person “Sales”: number", "+14155550123", "+14155550125"),
            ("Order of people", "Sales · Support", "Support · Sales"),
            ("Key “1”", "", "Action: Say goodbye and hang up"),
            ("Language “de-DE”", "Voice: Johanna", ""),
        ]
        (number, *_) = (c for c in changes(at(bot, 1), at(bot, 0), hide=True)[1:])
        assert (number.old, number.new) == ("•••23", "•••25")

    def test_know_the_numbers_of_each_time(self, bot: Bot) -> None:
        number = PhoneNumber.objects.create(number="+14155550100", bot=bot)
        history.record_change([bot.pk], history.NUMBERS_CHANGED)
        number.delete()
        history.record_change([bot.pk, None], history.NUMBERS_CHANGED)
        texts = [("", "+14155550100"), ("+14155550100", "")]
        for index, expected in zip((1, 0), texts, strict=True):
            (changed,) = changes(at(bot, index + 1), at(bot, index))
            assert (changed.label, changed.old, changed.new) == ("Numbers", *expected)

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
                "when_closed": "message",
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
        assert first.rows["targets"] == []


def test_a_version_older_than_a_field_has_its_default() -> None:
    for model in (Bot, PhoneNumber):
        for old in model.history.model.tracked_fields:
            field: Any = model._meta.get_field(old.name)
            assert old.default == field.default
            assert old.null or old.has_default() or old.blank or old.unique
