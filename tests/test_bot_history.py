"""Earlier versions: who changed what, in words, and the way back."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from bots import history
from bots.history import NotRestorable, changes, restore, versions, who
from bots.models import Bot, PhoneNumber

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script> {{ 7 }} \u202eevil \u0645\u0631\u062d\u0628\u0627"


@pytest.fixture
def bot() -> Bot:
    return Bot.objects.create(name="Front desk", greeting="Hello.", is_default=True)


def member(group: str) -> User:
    person = User.objects.create_user(group, is_staff=True)
    person.groups.add(Group.objects.get(name=group))
    return person


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(member("operator"))
    return client


def change(thing: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(thing, name, value)
    thing.save()


def at(thing: Any, place: int) -> Any:
    """A version; 0 is the latest."""
    return versions(type(thing), thing.pk)[place]


def page(client: Client, path: str) -> str:
    response = client.get(f"/admin/bots/{path}")
    assert response.status_code == 200
    return response.content.decode()


def put_back(client: Client, version: Any) -> str:
    model = version.instance_type._meta.model_name
    path = f"/admin/bots/{model}/{version.id}/history/{version.pk}/restore/"
    response = client.post(path, follow=True)
    assert response.status_code == 200
    return response.content.decode()


class TestChanges:
    def test_are_in_words_and_in_the_editors_order(self, bot: Bot) -> None:
        change(bot, interruptible="none", greeting="", is_active=False, temperature=1.0)
        found = changes(at(bot, 1), at(bot, 0))
        assert [(each.label, each.old, each.new) for each in found] == [
            ("Active", "yes", "no"),
            ("Greeting", "Hello.", ""),
            ("Temperature", "0.7", "1.0"),
            ("Interruptible", "By speaking or pressing a key", "Never"),
        ]

    def test_leave_out_line_endings(self, bot: Bot) -> None:
        change(bot, system_prompt="One\nTwo")
        change(bot, system_prompt="One\r\nTwo")
        assert changes(at(bot, 1), at(bot, 0)) == []

    def test_name_the_bot_of_a_number(self, bot: Bot) -> None:
        number = PhoneNumber.objects.create(number="+14155550100", bot=bot)
        change(number, bot=None)
        bot_id = bot.pk
        (found,) = changes(at(number, 1), at(number, 0))
        assert (found.old, found.new) == ("Front desk", "")
        bot.delete()
        (found,) = changes(at(number, 1), at(number, 0))
        assert (found.old, at(number, 1).bot_id) == ("a deleted bot", bot_id)

    def test_made_outside_the_desk_are_the_servers(self, bot: Bot) -> None:
        assert who(at(bot, 0)) == "the server"

    def test_made_in_the_desk_have_a_name(self, admin_client: Client, bot: Bot) -> None:
        number = PhoneNumber.objects.create(number="+14155550100", bot=bot)
        admin_client.post(
            f"/admin/bots/phonenumber/{number.pk}/change/",
            {
                "number": number.number,
                "label": "Night",
                "is_active": "on",
                "max_calls": 0,
            },
        )
        assert who(at(number, 0)) == "admin"
        assert at(number, 0).label == "Night"

    def test_begin_with_what_was_there_before(self, bot: Bot) -> None:
        Bot.history.all().delete()
        history.begin()
        history.begin()
        (first,) = versions(Bot, bot.pk)
        assert first.history_change_reason == history.FIRST_KNOWN
        assert first.greeting == "Hello."


class TestRestore:
    def test_is_a_new_version_that_says_so(self, bot: Bot) -> None:
        change(bot, greeting="Moin.")
        assert restore(at(bot, 1)) == []
        bot.refresh_from_db()
        assert bot.greeting == "Hello."
        assert versions(Bot, bot.pk).count() == 3
        assert at(bot, 0).history_change_reason.startswith("Restored the version of ")

    def test_of_what_is_there_already_changes_nothing(self, bot: Bot) -> None:
        assert restore(at(bot, 0)) == ["Nothing else differs from how it is now."]
        assert versions(Bot, bot.pk).count() == 1

    def test_takes_the_default_from_nobody(self, bot: Bot) -> None:
        change(bot, is_default=False, greeting="Moin.")
        Bot.objects.create(name="Other", is_default=True)
        assert restore(at(bot, 1)) == ["“Other” stays the default bot."]
        bot.refresh_from_db()
        assert (bot.is_default, bot.greeting) == (False, "Hello.")

    def test_leaves_nobody_without_a_default(self, bot: Bot) -> None:
        change(bot, is_default=False)
        change(bot, is_default=True, greeting="Moin.")
        assert restore(at(bot, 1)) == ["It stays the default bot."]
        bot.refresh_from_db()
        assert (bot.is_default, bot.greeting) == (True, "Hello.")

    def test_leaves_a_name_to_the_bot_that_has_it_now(self, bot: Bot) -> None:
        change(bot, name="Reception", greeting="Moin.")
        Bot.objects.create(name="Front desk")
        (note,) = restore(at(bot, 1))
        assert "“Front desk”" in note
        bot.refresh_from_db()
        assert (bot.name, bot.greeting) == ("Reception", "Hello.")

    def test_says_what_the_present_does_not_allow(self, bot: Bot) -> None:
        Bot.objects.filter(pk=bot.pk).update(llm_model="gone model")
        bot.refresh_from_db()
        change(bot, greeting="Moin.")
        bad = at(bot, 0)
        change(bot, llm_model="auto")
        with pytest.raises(NotRestorable) as refused:
            restore(bad)
        assert refused.value.args[0].startswith("Language model: Write the model as")
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
        assert "It answers +14155550100 again." in notes
        assert history.deleted(Bot) == []

    def test_does_without_a_bot_that_is_gone(self, bot: Bot) -> None:
        number = PhoneNumber.objects.create(number="+14155550100", bot=bot)
        change(number, bot=None, label="New")
        bot.delete()
        assert restore(at(number, 1)) == [
            "Its bot is gone, so the default bot answers."
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


class TestPages:
    def test_list_who_when_and_what(self, operator: Client, bot: Bot) -> None:
        change(bot, temperature=0.3)
        text = page(operator, f"bot/{bot.pk}/history/")
        assert "Created by <strong>the server</strong>" in text
        assert "Temperature" in text
        assert "0.7</del>" in text
        assert "0.3</ins>" in text

    def test_show_any_two_versions(self, operator: Client, bot: Bot) -> None:
        change(bot, system_prompt="Be kind to everybody who calls. " * 3)
        change(bot, system_prompt="Be brief to everybody who calls. " * 3)
        text = page(operator, f"bot/{bot.pk}/history/{at(bot, 0).pk}/")
        assert "removed: </span>kind</del>" in text
        assert "added: </span>brief</ins>" in text
        path = f"bot/{bot.pk}/history/{at(bot, 1).pk}/?against="
        assert "kind</ins>" in page(operator, f"{path}{at(bot, 0).pk}")
        assert "kind</ins>" not in page(operator, f"{path}{at(bot, 2).pk}")

    def test_show_hostile_words_as_words(self, operator: Client, bot: Bot) -> None:
        change(bot, name=HOSTILE[:80], system_prompt=HOSTILE * 50, greeting=HOSTILE)
        change(bot, system_prompt=HOSTILE * 60 + "x" * 5_000, hints=HOSTILE)
        bot.delete()
        lost = history.deleted(Bot)[0]
        for path in (
            f"bot/{lost.id}/history/",
            *(f"bot/{lost.id}/history/{v.pk}/" for v in versions(Bot, lost.id)),
            "bot/deleted/",
        ):
            text = page(operator, path)
            assert "alert(1)</script>" not in text
            assert "&lt;script&gt;" in text or "deleted" not in path

    def test_take_few_queries(
        self,
        operator: Client,
        bot: Bot,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        number = PhoneNumber.objects.create(number="+14155550100", bot=bot)
        for count in range(30):
            change(number, label=str(count), bot=bot if count % 2 else None)
        path = f"phonenumber/{number.pk}/history/"
        for address in (path, f"{path}?p=2", f"{path}{at(number, 0).pk}/"):
            with django_assert_max_num_queries(12):
                page(operator, address)

    @pytest.mark.parametrize("asked", ["9" * 5_000, "x", "-1", "", "²"])
    def test_survive_odd_addresses(
        self, operator: Client, bot: Bot, asked: str
    ) -> None:
        for path in (
            f"{bot.pk}/history/{at(bot, 0).pk}/?against={asked}",
            f"{bot.pk}/history/?p={asked}",
            f"{asked or '0'}/history/",
        ):
            response = operator.get(f"/admin/bots/bot/{path}")
            assert response.status_code in {200, 302, 404}

    def test_restore_with_a_click(self, operator: Client, bot: Bot) -> None:
        change(bot, greeting="Moin.")
        shown = page(operator, f"bot/{bot.pk}/history/{at(bot, 1).pk}/")
        assert "Restore this version" in shown
        assert "Restored." in put_back(operator, at(bot, 1))
        assert who(at(bot, 0)) == "operator"
        bot.refresh_from_db()
        assert bot.greeting == "Hello."

    def test_say_why_a_version_cannot_come_back(self, operator: Client) -> None:
        number = PhoneNumber.objects.create(number="+14155550100")
        pk = number.pk
        number.delete()
        PhoneNumber.objects.create(number="+14155550100")
        text = put_back(operator, versions(PhoneNumber, pk)[0])
        assert "Not restored." in text
        assert "Number: " in text
        assert "already exists" in text

    def test_bring_a_deleted_bot_back(self, operator: Client, bot: Bot) -> None:
        pk = bot.pk
        operator.post(f"/admin/bots/bot/{pk}/delete/", {"post": "yes"})
        assert "by <strong>operator</strong>" in page(operator, "bot/deleted/")
        assert "was deleted" in page(operator, f"bot/{pk}/history/")
        put_back(operator, versions(Bot, pk)[0])
        assert Bot.objects.get(pk=pk).is_default

    def test_let_a_viewer_read_but_not_restore(self, client: Client, bot: Bot) -> None:
        client.force_login(member("viewer"))
        change(bot, greeting="Moin.")
        path = f"/admin/bots/bot/{bot.pk}/history/{at(bot, 1).pk}/"
        assert "Restore this version" not in client.get(path).content.decode()
        assert client.post(f"{path}restore/").status_code == 403
        bot.delete()
        assert client.post(f"{path}restore/").status_code == 403
        assert not Bot.objects.exists()

    @pytest.mark.parametrize("model", ["bot", "phonenumber"])
    def test_of_deleted_things_are_a_click_away(
        self, operator: Client, model: str
    ) -> None:
        assert f"/admin/bots/{model}/deleted/" in page(operator, f"{model}/")

    def test_restore_by_post_only(self, operator: Client, bot: Bot) -> None:
        path = f"/admin/bots/bot/{bot.pk}/history/{at(bot, 0).pk}/restore/"
        assert operator.get(path).status_code == 405

    def test_are_closed_to_others(self, client: Client, bot: Bot) -> None:
        client.force_login(User.objects.create_user("nobody", is_staff=True))
        for path in (f"{bot.pk}/history/", f"{bot.pk}/history/1/", "deleted/"):
            assert client.get(f"/admin/bots/bot/{path}").status_code == 403
