"""The pages of versions: who changed which setting, and restoring."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from bots.models import Bot, PhoneNumber, Tool
from bots.versions import history
from bots.versions.history import author, versions
from tests.support.pages.bot_form import FORM, rows
from tests.support.versions import at, change, member
from tests.support.versions import bot as bot

pytestmark = pytest.mark.django_db


HOSTILE = "<script>alert(1)</script> {{ 7 }} \u202eevil \u0645\u0631\u062d\u0628\u0627"


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(member("operator"))
    return client


def page(client: Client, path: str) -> str:
    response = client.get(f"/admin/bots/{path}")
    assert response.status_code == 200
    return response.content.decode()


def restore(client: Client, version: Any) -> str:
    model = version.instance_type._meta.model_name
    path = f"/admin/bots/{model}/{version.id}/history/{version.pk}/restore/"
    response = client.post(path, follow=True)
    assert response.status_code == 200
    return response.content.decode()


class TestPages:
    def test_list_who_when_and_what(self, operator: Client, bot: Bot) -> None:
        change(bot, temperature=0.7)
        change(bot, temperature=0.3)
        text = page(operator, f"bot/{bot.pk}/history/")
        assert "Created by <strong>the server</strong>" in text
        assert "Temperature" in text
        assert "0.7</del>" in text
        assert "0.3</ins>" in text
        # All but the present one.
        assert text.count("See and restore this version") == 2

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
            with django_assert_max_num_queries(16):
                page(operator, address)

    def test_show_people_keys_and_numbers_that_were_saved(
        self, operator: Client, bot: Bot
    ) -> None:
        path = f"/admin/bots/bot/{bot.pk}/change/"
        person = {"name": "Ann", "number": "+14155550123", "ring_seconds": "25"}
        operator.post(path, {**FORM, **rows("targets", person)})
        assert author(at(bot, 0)) == "operator"
        assert "Person “Ann”" in page(operator, f"bot/{bot.pk}/history/")
        sure = {
            "number": "+14155550100",
            "bot": bot.pk,
            "max_concurrent_calls": 0,
            "when_closed": "message",
        }
        added = operator.post(
            "/admin/bots/phonenumber/add/", {**sure, "is_active": "on"}, follow=True
        ).content.decode()
        assert "let Twilio send its calls here" in added
        assert "No call has come in by telephone yet" in added
        number = bot.numbers.get()
        assert "Its numbers changed" in page(operator, f"bot/{bot.pk}/history/")
        operator.post(f"/admin/bots/phonenumber/{number.pk}/delete/", {"post": "yes"})
        assert [change.label for change in history.changes(at(bot, 1), at(bot, 0))] == [
            "Numbers"
        ]

    def test_say_saved_without_a_change_only_if_that_is_true(
        self, operator: Client, bot: Bot
    ) -> None:
        path = f"/admin/bots/bot/{bot.pk}/change/"
        operator.post(path, FORM)
        tool = Tool.objects.create(name="crm", description="x", url="https://a.io/")
        operator.post(path, {**FORM, "tools": [tool.pk]})
        assert "without a change" not in page(operator, f"bot/{bot.pk}/history/")
        operator.post(path, {**FORM, "tools": [tool.pk]})
        assert "without a change" in page(operator, f"bot/{bot.pk}/history/")
        operator.post(f"/admin/bots/tool/{tool.pk}/delete/", {"post": "yes"})
        assert "A tool was deleted" in page(operator, f"bot/{bot.pk}/history/")
        shown = restore(operator, versions(Tool, tool.pk)[0])
        assert "Restored the version of " in shown

    def test_mask_the_numbers_of_people(
        self, client: Client, bot: Bot, settings: Any
    ) -> None:
        settings.MASK_CALLER_NUMBERS = True
        client.force_login(member("viewer"))
        bot.targets.create(name="Ann", number="+14155550123")
        bot.save()
        path = f"bot/{bot.pk}/history/"
        for text in (page(client, path), page(client, f"{path}{at(bot, 0).pk}/")):
            assert "415555" not in text  # 555 alone can be in a CSRF token

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
        shown = restore(operator, at(bot, 1))
        assert "Restored the version of " in shown
        assert "<h1>Front desk</h1>" in shown  # its page, not the list of versions
        assert author(at(bot, 0)) == "operator"
        bot.refresh_from_db()
        assert bot.greeting == "Hello."

    def test_say_why_a_version_cannot_come_back(self, operator: Client) -> None:
        number = PhoneNumber.objects.create(number="+14155550100")
        pk = number.pk
        number.delete()
        PhoneNumber.objects.create(number="+14155550100")
        text = restore(operator, versions(PhoneNumber, pk)[0])
        assert "Not restored." in text
        assert "Number: " in text
        assert "already exists" in text

    def test_say_before_a_deletion_what_callers_will_hear(
        self, operator: Client, bot: Bot
    ) -> None:
        PhoneNumber.objects.create(number="+14155550177", bot=bot)
        text = page(operator, f"bot/{bot.pk}/delete/")
        assert "is the default bot" in text
        assert "+14155550177" in text
        assert "hear that the number is not in service" in text
        assert "/admin/bots/bot/deleted/" in text
        change(bot, is_default=False)
        other = Bot.objects.create(name="Other", is_default=True)
        text = page(operator, f"bot/{bot.pk}/delete/")
        assert "is the default bot" not in text
        assert f'/admin/bots/bot/{other.pk}/change/">Other</a>' in text
        assert "No bot of its own</a>" in page(operator, "phonenumber/")

    def test_bring_a_deleted_bot_back(self, operator: Client, bot: Bot) -> None:
        pk = bot.pk
        operator.post(f"/admin/bots/bot/{pk}/delete/", {"post": "yes"})
        assert "by <strong>operator</strong>" in page(operator, "bot/deleted/")
        assert "was deleted" in page(operator, f"bot/{pk}/history/")
        restore(operator, versions(Bot, pk)[0])
        assert Bot.objects.get(pk=pk).is_default

    def test_let_a_viewer_read_but_not_restore(self, client: Client, bot: Bot) -> None:
        client.force_login(member("viewer"))
        change(bot, greeting="Moin.")
        history = f"/admin/bots/bot/{bot.pk}/history/"
        shown = client.get(history).content.decode()
        assert "See this version" in shown
        assert "restore this version" not in shown
        path = f"{history}{at(bot, 1).pk}/"
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
