"""A version is restored: its settings, its lists, and the bot's numbers."""

from typing import Any

import pytest
from django.utils import timezone

from bots.models import Bot, InworldCatalogue, PhoneNumber, Secret, Tool
from bots.models.version_rows import record_rows, rows_of
from bots.versions import history
from bots.versions.history import changes, versions
from bots.versions.restoring import NotRestorable, restore
from tests.support.versions import at, change
from tests.support.versions import bot as bot

pytestmark = pytest.mark.django_db


def test_is_a_new_version_that_says_so(bot: Bot) -> None:
    change(bot, greeting="Moin.")
    assert restore(at(bot, 1)) == []
    bot.refresh_from_db()
    assert bot.greeting == "Hello."
    assert versions(Bot, bot.pk).count() == 3
    assert at(bot, 0).history_change_reason.startswith("Restored the version of ")


def test_of_the_present_version_changes_nothing(bot: Bot) -> None:
    assert restore(at(bot, 0)) == ["All other settings are the same as now."]
    assert versions(Bot, bot.pk).count() == 1


def test_removes_links_to_a_deleted_tool_or_key(bot: Bot) -> None:
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


def test_brings_lookup_and_webhook_back(bot: Bot) -> None:
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


def test_takes_the_default_from_no_other_bot(bot: Bot) -> None:
    change(bot, is_default=False, greeting="Moin.")
    Bot.objects.create(name="Other", is_default=True)
    assert restore(at(bot, 1)) == ["“Other” stays the default bot."]
    bot.refresh_from_db()
    assert (bot.is_default, bot.greeting) == (False, "Hello.")


def test_keeps_the_present_default(bot: Bot) -> None:
    change(bot, is_default=False)
    change(bot, is_default=True, greeting="Moin.")
    assert restore(at(bot, 1)) == ["This bot stays the default bot."]
    bot.refresh_from_db()
    assert (bot.is_default, bot.greeting) == (True, "Hello.")


def test_keeps_the_name_if_another_bot_has_the_old_one(bot: Bot) -> None:
    change(bot, name="Reception", greeting="Moin.")
    Bot.objects.create(name="Front desk")
    (note,) = restore(at(bot, 1))
    assert "“Front desk”" in note
    bot.refresh_from_db()
    assert (bot.name, bot.greeting) == ("Reception", "Hello.")


def test_says_why_a_version_is_not_valid(bot: Bot) -> None:
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


def test_brings_back_a_deleted_bot_and_its_numbers(bot: Bot) -> None:
    numbers = [
        PhoneNumber.objects.create(number=f"+1415555010{n}", bot=bot) for n in range(2)
    ]
    pk = bot.pk
    bot.delete()
    other = Bot.objects.create(name="Front desk", is_default=True)
    change(PhoneNumber.objects.get(pk=numbers[1].pk), bot=other)
    notes = restore(versions(Bot, pk)[0])
    back = Bot.objects.get(pk=pk)
    assert (back.name, back.is_default) == ("Front desk (2)", False)
    assert [number.number for number in back.numbers.all()] == ["+14155550100"]
    assert "The bot answers +14155550100 again." in notes
    assert "+14155550101 stays with “Front desk”." in notes
    assert history.deleted(Bot) == []


def test_uses_the_default_bot_for_a_deleted_one(bot: Bot) -> None:
    number = PhoneNumber.objects.create(number="+14155550100", bot=bot)
    change(number, bot=None, label="New")
    bot.delete()
    assert restore(at(number, 1)) == [
        "The bot of this number was deleted, so the default bot answers."
    ]
    number.refresh_from_db()
    assert (number.bot, number.label) == (None, "")


def test_refuses_a_number_that_exists_again() -> None:
    number = PhoneNumber.objects.create(number="+14155550100")
    pk = number.pk
    number.delete()
    PhoneNumber.objects.create(number="+14155550100")
    with pytest.raises(NotRestorable, match="already exists"):
        restore(versions(PhoneNumber, pk)[0])


PERSON = {"name": "Sales", "number": "+14155550123"}


def with_rows(bot: Bot) -> Tool:
    """Give the bot a person, a key, a language and a tool, as one saved version."""
    tool = Tool.objects.create(
        name="order_status", description="Orders", url="https://shop.example/"
    )
    bot.tools.add(tool)
    bot.targets.create(**PERSON)
    bot.targets.create(name="Support", number="+14155550124")
    bot.menu_keys.create(key="1", action="tool", tool=tool)
    bot.menu_keys.create(key="2", action="transfer", target="Sales")
    bot.languages.create(language="de-DE", voice="Johanna")
    record_rows(bot)
    return tool


def without_rows(bot: Bot) -> None:
    """Remove all rows of the bot, as one saved version."""
    bot.tools.clear()
    for name in ("targets", "menu_keys", "languages"):
        getattr(bot, name).all().delete()
    bot.save()


def test_brings_people_keys_languages_and_tools_back_in_their_order(bot: Bot) -> None:
    with_rows(bot)
    before = rows_of(bot)
    without_rows(bot)
    assert rows_of(bot) != before
    assert restore(at(bot, 1)) == []
    assert rows_of(bot) == before == at(bot, 0).rows
    assert [person.name for person in bot.targets.all()] == ["Sales", "Support"]
    assert restore(at(bot, 2)) == ["All other settings are the same as now."]


def test_brings_a_deleted_bot_back_with_its_rows(bot: Bot) -> None:
    with_rows(bot)
    before, pk = rows_of(bot), bot.pk
    bot.delete()
    assert restore(versions(Bot, pk)[0]) == []
    assert rows_of(Bot.objects.get(pk=pk)) == before


def test_names_tools_that_were_deleted_since(bot: Bot) -> None:
    with_rows(bot).delete()
    bot.targets.all().delete()
    bot.save()
    notes = restore(at(bot, 1))
    assert "The tool “order_status” was deleted, so the bot does not have it." in notes
    assert any("Key 1 is left out" in note for note in notes)
    assert [key.key for key in bot.menu_keys.all()] == ["2"]
    assert bot.targets.count() == 2


def test_finds_a_tool_by_its_new_name(bot: Bot) -> None:
    tool = with_rows(bot)
    without_rows(bot)
    change(tool, name="find_order")
    assert restore(at(bot, 1)) == []
    assert [tool.name for tool in bot.tools.all()] == ["find_order"]


def test_names_voices_and_models_that_inworld_no_longer_lists(bot: Bot) -> None:
    with_rows(bot)
    without_rows(bot)
    listed = {"voices": {"id": "Clive", "name": "Clive"}, "models": {"id": "x"}}
    for kind, known in listed.items():
        InworldCatalogue.objects.create(
            kind=kind, entries=[known], fetched_at=timezone.now()
        )
    gone = "voice “Johanna”", f"AI model “{bot.llm_model}”"
    assert restore(at(bot, 1)) == [
        f"Inworld does not list the {name} any more. Choose another." for name in gone
    ]


def test_refuses_a_row_that_is_not_valid_any_more(bot: Bot, settings: Any) -> None:
    with_rows(bot)
    without_rows(bot)
    settings.TRANSFER_PREFIXES = ["+49"]
    with pytest.raises(NotRestorable, match="Person “Sales”: Callers may only be"):
        restore(at(bot, 1))
    assert not bot.targets.exists()


def test_gives_numbers_back_that_no_other_bot_has(bot: Bot) -> None:
    mine, taken, gone = (
        PhoneNumber.objects.create(number=f"+1415555010{n}", bot=bot) for n in range(3)
    )
    change(bot, greeting="Moin.")
    other = Bot.objects.create(name="Other")
    change(mine, bot=None)
    change(taken, bot=other)
    gone.delete()
    added = PhoneNumber.objects.create(number="+14155550199", bot=bot)
    notes = restore(at(bot, 0))
    assert notes == [
        "The bot answers +14155550100 again.",
        "+14155550101 stays with “Other”.",
        "Added since, and not taken away: +14155550199.",
        "No longer in the list of numbers: +14155550102.",
    ]
    assert set(bot.numbers.all()) == {mine, added}
    (changed,) = changes(at(bot, 1), at(bot, 0))
    assert (changed.label, changed.new) == ("Numbers", "+14155550100 · +14155550199")


def test_leaves_numbers_alone_for_users_who_may_not_change_them(bot: Bot) -> None:
    number = PhoneNumber.objects.create(number="+14155550100", bot=bot)
    change(bot, greeting="Moin.")
    change(number, bot=None)
    restore(at(bot, 0), may_change_numbers=False)
    assert not bot.numbers.exists()


def test_brings_a_tool_back_with_its_arguments() -> None:
    tool = Tool.objects.create(
        name="order_status",
        description="Orders",
        url="https://shop.example/",
        headers="Authorization: {{secret.shop}}",
    )
    tool.parameters.create(name="order_id", secret=True)
    record_rows(tool)
    before, pk = rows_of(tool), tool.pk
    tool.delete()
    Tool.objects.create(name="order_status", description="x", url="https://a.example/")
    assert restore(versions(Tool, pk)[0]) == [
        "Another tool is called “order_status”. This one is called “order_status_2”.",
        "The password or key “shop” was deleted. Add it again, or the tool fails.",
        "Choose it again on the pages of the bots that used it.",
    ]
    assert rows_of(Tool.objects.get(pk=pk)) == before
