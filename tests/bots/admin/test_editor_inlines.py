"""The lists of the bot editor: people, keys, languages, numbers and tools."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from bots.config_builder import config_of
from bots.models import Bot, PhoneNumber, Tool
from bots.phone_numbers.transfer_prefixes import is_allowed
from tests.support.pages.bot_form import ADVICE, FORM, NO_ROWS, editor, rows
from tests.support.pages.bot_form import viewer as viewer


def save(client: Client, **fields: Any) -> str:
    """Save a bot with these fields; the page that follows."""
    page = client.post(editor(), {**FORM, **fields}, follow=True)
    return unescape(page.content.decode())


ANN = {"name": "Ann", "number": "+1 (415) 555-0100", "ring_seconds": "25"}
KEY = {"key": "1", "action": "transfer", "target": "Ann"}


def test_people_keys_languages_and_tools_are_saved_with_their_bot(
    admin_client: Client,
) -> None:
    tool = Tool.objects.create(name="look_up", url="https://a.example/")
    spoken = {"language": "de-DE", "voice": "Johanna"}
    lists = rows("targets", ANN) | rows("menu_keys", KEY) | rows("languages", spoken)
    save(admin_client, **lists, tools=[tool.pk])
    config = config_of(Bot.objects.get())
    assert [(row.name, row.number) for row in config.targets] == [
        ("Ann", "+14155550100")
    ]
    assert [(row.key, row.message_or_target) for row in config.menu] == [("1", "Ann")]
    assert [row.voice for row in config.languages] == ["Johanna"]
    assert [row.name for row in config.tools] == ["look_up"]


@pytest.mark.parametrize(
    ("listed", "row", "field", "words"),
    [
        ("targets", ANN | {"number": "five"}, "number", "Write the number with +"),
        (
            "targets",
            ANN | {"opening_hours": "late"},
            "opening_hours",
            "“late” is not understood.",
        ),
        ("targets", ANN | {"name": ""}, "name", "This field is required."),
        (
            "menu_keys",
            {"key": "1", "action": "say"},
            "message",
            "Write what the bot says.",
        ),
        ("menu_keys", {"key": "1", "action": "tool"}, "tool", "Choose the tool."),
        (
            "menu_keys",
            {"key": "x", "action": "end"},
            "key",
            "x is not one of the avail",
        ),
        ("menu_keys", KEY, "target", "no person called “Ann”. Add a person first."),
        ("languages", {"language": "German", "voice": "x"}, "language", "Write a lang"),
        ("languages", {"language": "de-DE", "voice": "a b"}, "voice", "Must not cont"),
        (
            "languages",
            {"language": "de-DE", "voice": "x", "backup_voice": "en-GB-Neural2-A"},
            "backup_voice",
            "The voice “en-GB-Neural2-A” does not speak de-DE.",
        ),
        (
            "languages",
            {"language": "de-DE", "voice": "x", "speech_model": "telephony"},
            "speech_model",
            "Deepgram has no model “telephony”.",
        ),
    ],
)
def test_bad_input_in_a_list_is_reported_at_its_field(
    admin_client: Client, listed: str, row: dict[str, str], field: str, words: str
) -> None:
    page = save(admin_client, **rows(listed, row))
    error = re.search(
        rf'<ul class="errorlist"[^>]*id="id_{listed}-0-{field}_error"[^>]*>(.*?)</ul>',
        page,
    )
    assert error
    assert words in error[1]
    assert getattr(Bot.objects.get(), listed).count() == 0


def test_a_language_that_twilio_may_not_understand_is_pointed_out_after_saving(
    admin_client: Client,
) -> None:
    spoken = {"language": "is-IS", "voice": "Any"}
    page = save(admin_client, **rows("languages", spoken))
    assert "changed successfully" in page
    assert (
        "Language is-IS, speech recognition: Deepgram is not known to understand is-IS."
        " Choose Google."
    ) in page


def test_a_key_cannot_name_a_deleted_or_renamed_person(admin_client: Client) -> None:
    save(admin_client, **rows("targets", ANN), **rows("menu_keys", KEY))
    bot = Bot.objects.get()
    person, key = bot.targets.get(), bot.menu_keys.get()
    saved = ANN | {"id": person.pk, "bot": bot.pk}
    same = rows("menu_keys", KEY | {"id": key.pk, "bot": bot.pk})

    def change(**fields: Any) -> str:
        path = f"/admin/bots/bot/{bot.pk}/change/"
        page = admin_client.post(path, {**FORM, **same, **fields}, follow=True)
        return unescape(page.content.decode())

    for gone in ({"name": "Anna"}, {"DELETE": "on"}):
        page = change(**rows("targets", saved | gone))
        assert "The bot has no person called “Ann”." in page
    assert "Choose Anna." in change(**rows("targets", saved | {"name": "Anna"}))
    assert bot.targets.get().name == "Ann"
    other = rows("targets", saved | {"DELETE": "on"}, ANN | {"number": "+14155550199"})
    assert "changed successfully" in change(**other)
    rescued = {"menu_keys-0-target": "the transfer number", "transfer_number": "+1415"}
    rescued["transfer_number"] = "+14155550100"
    assert "changed successfully" in change(**NO_ROWS | same | rescued)


def test_a_row_that_somebody_else_added_meanwhile_is_refused_in_words(
    admin_client: Client,
) -> None:
    german = {"language": "de-DE", "voice": "Johanna"}
    lists = {"targets": ANN, "menu_keys": {"key": "1", "action": "end"}}
    for listed, row in {**lists, "languages": german}.items():
        save(admin_client, **rows(listed, row))
        assert "already" in save(admin_client, **rows(listed, row))
        assert getattr(Bot.objects.get(), listed).count() == 1


def test_a_key_may_use_a_tool_that_the_model_does_not_have(
    admin_client: Client,
) -> None:
    tool = Tool.objects.create(name="look_up", url="https://a.example/{{x}}")
    pressed = rows("menu_keys", {"key": "1", "action": "tool", "tool": tool.pk})
    assert "Key 1, tool: In look_up: {{x}} is not known" in save(
        admin_client, **pressed
    )
    config = config_of(Bot.objects.get())
    assert config.tools == ()
    assert [entry.tool and entry.tool.name for entry in config.menu] == ["look_up"]


def test_unknown_variables_are_reported_while_typing_and_when_saving(
    admin_client: Client,
) -> None:
    tool = Tool.objects.create(name="look_up", url="https://a.example/{{custmer_id}}")
    wanted = {
        "variables": "customer_id = 7",
        "tools": [tool.pk],
        **rows("menu_keys", {"key": "1", "action": "say", "message": "Hi {{x}}"}),
        "dtmf_detection": "on",
    }
    text = "In look_up: {{custmer_id}} is not known: it will be left out. Did you mean"
    answer = admin_client.post(ADVICE, {**FORM, **wanted}).json()["remarks"]
    texts = [remark["text"] for remark in answer if remark["field"] == "tools"]
    assert text in " ".join(texts)
    page = save(admin_client, **wanted)
    assert f"Tools: {text} {{{{customer_id}}}}?" in page
    assert "Key 1, message: {{x}} is not known" in page
    assert "beside the fields" not in page
    key = {"menu_keys-0-id": Bot.objects.get().menu_keys.get().pk}
    more = {**key, "menu_keys-INITIAL_FORMS": "1"}
    more |= {"goodbye_message": "{{a}}", "apology_message": "{{b}}"}
    page = save(admin_client, **(wanted | more))
    assert "1 more warning beside the fields of the bot." in page


def test_a_warning_names_its_row(admin_client: Client) -> None:
    nowhere = {"action": "say", "message": "Hi {{x}}"}
    wanted = {
        **rows("menu_keys", {"key": "9", "action": "end"}, {"key": "1", **nowhere}),
        **rows("targets", ANN | {"when_to_use": "For {{y}}."}),
        "dtmf_detection": "on",
    }
    page = save(admin_client, **wanted)
    assert "Key 1, message: {{x}} is not known" in page
    assert "Person Ann, when to transfer: {{y}} is not known" in page


def test_a_transfer_to_a_bots_number_gets_a_remark(
    admin_client: Client,
) -> None:
    PhoneNumber.objects.create(number="+14155550100")
    PhoneNumber.objects.create(number="+14155550101", is_active=False)
    numbers = ("+1 (415) 555-0100", "+14155550101", "+14155550102", "five\0")
    people = ({**ANN, "name": number, "number": number} for number in numbers)
    PhoneNumber.objects.create(number="+14155550102")
    wanted = {"transfer_number": "+14155550100", **rows("targets", *people)}
    answer = admin_client.post(ADVICE, {**FORM, **wanted}).json()["remarks"]
    fields = [r["field"] for r in answer if "answers this number" in r["text"]]
    assert fields == ["transfer_number", "targets-0-number", "targets-2-number"]
    assert "Transfer number: A bot answers this number" in save(
        admin_client, transfer_number="+14155550100"
    )


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["Europe", "Europe/", "../x", "x" * 9000, "\0", "é"])
def test_a_half_typed_time_zone_does_not_prevent_advice(
    admin_client: Client, zone: str
) -> None:
    odd = {"time_zone": zone, "lookup_tool": "²", "tools": ["x", "9" * 40]}
    assert admin_client.post(ADVICE, {**FORM, **odd}).status_code == 200


def test_an_operator_edits_lists_and_a_viewer_sees_them(
    client: Client, viewer: Client
) -> None:
    bot = Bot.objects.create(name="Front desk")
    bot.targets.create(name="Ann", number="+14155550100")
    page = viewer.get(f"/admin/bots/bot/{bot.pk}/change/").content.decode()
    assert "+14155550100" in page
    assert 'name="targets-0-name"' not in page
    operator = User.objects.create_user("operator", is_staff=True)
    operator.groups.add(Group.objects.get(name="operator"))
    client.force_login(operator)
    page = client.get(f"/admin/bots/bot/{bot.pk}/change/").content.decode()
    assert 'name="targets-0-name"' in page
    assert 'name="languages-__prefix__-voice"' in page


def test_callers_are_transferred_to_allowed_prefixes_only(
    admin_client: Client, settings: Settings
) -> None:
    settings.TRANSFER_PREFIXES = ["+49", "+4312"]
    refusal = "numbers that begin with +49 or +4312."
    assert refusal in save(admin_client, **rows("targets", ANN))
    assert refusal in save(admin_client, transfer_number="+14155550100")
    assert Bot.objects.get().transfer_number == ""
    fine = ANN | {"number": "+49 30 123456"}
    save(admin_client, **rows("targets", fine), transfer_number="+43 1 2345678")
    assert Bot.objects.get().targets.get().number == "+4930123456"


@pytest.mark.parametrize(
    ("target", "allowed"),
    [
        *[("+4930123456", True), ("+43123456", True), ("+14155550100", False)],
        *[("sip:+4930123456@evil.example", False), ("", False)],
    ],
)
def test_a_sip_address_has_no_prefix(
    settings: Settings, target: str, allowed: bool
) -> None:
    settings.TRANSFER_PREFIXES = ["+49", "+431"]
    assert is_allowed(target) is allowed
    settings.TRANSFER_PREFIXES = []
    assert is_allowed(target)
