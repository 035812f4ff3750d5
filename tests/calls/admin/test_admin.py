"""The admin: quick with many rows, readable, and safe with callers' words."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from bots.admin import BotAdmin
from bots.config_builder import config_of
from bots.models import Bot, PhoneNumber
from calls.models import Call, Turn
from calls.review.call_page import format_offset
from calls.review.settings_used import settings_used
from calls.turns.heard_text import split_at_heard

pytestmark = [
    pytest.mark.django_db,
    # No collectstatic was run: whitenoise serves the admin's files from where they are.
]
START = timezone.now() - timedelta(hours=1)
LATENCY = {"request_sent": 4, "first_audio": 571, "play_sent": 702.4, "odd_stage": 9}


@pytest.fixture
def bot() -> Bot:
    return Bot.objects.create(name="Front desk", is_default=True)


@pytest.fixture
def call(bot: Bot) -> Call:
    return make_call(bot, 1)


def make_call(bot: Bot, number: int) -> Call:
    return Call.objects.create(
        call_sid=f"CA{number:032x}",
        bot=bot,
        bot_name=bot.name,
        from_number=f"+1415555{number:04}",
        to_number="+14155550100",
        status=Call.Status.COMPLETED,
        end_reason=Call.EndReason.CALLER_HUNG_UP,
        settings=config_of(bot).to_json(),
        started_at=START,
        ended_at=START + timedelta(seconds=83),
    )


def say(
    call: Call, role: str, text: str, heard_text: str | None = None, **values: Any
) -> Turn:
    index = call.turns.count()
    at = START + timedelta(seconds=7 * index)
    return Turn.objects.create(
        call=call,
        index=index,
        role=role,
        text=text,
        heard_text=text if heard_text is None else heard_text,
        started_at=at,
        ended_at=at,
        **values,
    )


def page(client: Client, path: str) -> str:
    response = client.get(f"/admin/{path}")
    assert response.status_code == 200
    return response.content.decode()


def text_of(response: Any) -> str:
    return str(response.content.decode())


def page_of(client: Client, call: Call) -> str:
    return page(client, f"calls/call/{call.pk}/change/")


def test_changelists_with_many_rows_need_few_queries(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    bots = [Bot.objects.create(name=f"Bot {number}") for number in range(50)]
    for number, bot in enumerate(bots):
        PhoneNumber.objects.create(number=f"+1415555{number:04}", bot=bot)
        say(make_call(bot, number), "caller", "Hello")
    for path, most in (
        ("bots/bot/", 12),
        ("bots/phonenumber/", 14),
        ("calls/call/", 16),
        ("calls/call/?q=hello", 19),
    ):
        with django_assert_max_num_queries(most):
            assert "50 " in page(admin_client, path)


def test_a_long_call_needs_few_queries(
    admin_client: Client,
    call: Call,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    turns = [
        Turn(call=call, index=index, role="bot", text="Yes.", started_at=START)
        for index in range(200)
    ]
    Turn.objects.bulk_create(turns)
    # Four of them for what belongs to the bot, two for what came after the call.
    admin_client.get("/admin/")  # the first page stores something in the session
    with django_assert_max_num_queries(25):
        assert page_of(admin_client, call).count('<li class="turn bot') == 200


def test_what_callers_say_is_never_markup(admin_client: Client, bot: Bot) -> None:
    evil = "<script>alert(1)</script>"
    call = make_call(bot, 1)
    Call.objects.update(
        from_number=evil, bot_name=evil, settings={"name": evil, "odd": [evil]}
    )
    say(call, "caller", evil)
    say(call, "bot", f"a {evil}", heard_text="a", error=evil, latency_ms={evil: evil})
    for text in (page_of(admin_client, call), page(admin_client, "calls/call/")):
        assert evil not in text
        assert "&lt;script&gt;alert(1)" in text


def test_a_call_reads_as_a_conversation(admin_client: Client, call: Call) -> None:
    say(call, "bot", "Hello there.")
    say(call, "caller", "Hi.")
    say(
        call,
        "bot",
        "We open at nine.",
        heard_text="We open",
        interrupted=True,
        latency_ms=LATENCY,
        model="openai/gpt-4.1-mini",
        completion_tokens=12,
    )
    assert "Cut off" in page_of(admin_client, call)  # nobody knows by whom
    say(call, "caller", "Wait.")
    text = page_of(admin_client, call)
    assert 'We open<del title="not heard"> at nine.</del>' in text
    assert text.count("<del") == 1
    assert "Interrupted by the caller" in text
    assert "Answered after 0.70 s" in text
    assert '<th scope="row">first sound</th>' in text
    assert "<td>571 ms</td>" in text
    assert "<dt>odd stage</dt><dd>9 ms</dd>" in text
    assert "openai/gpt-4.1-mini" in text
    assert ">0:14</time>" in text
    assert "1:23" in text


def test_while_the_bot_speaks_nothing_is_struck_through(
    admin_client: Client, call: Call
) -> None:
    say(call, "bot", "One moment, please.", heard_text="")
    Call.objects.update(status="in-progress", ended_at=None, end_reason="")
    Turn.objects.update(ended_at=None)
    assert "<del" not in page_of(admin_client, call)


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("", ("", "We open  at nine.")),
        ("We open at", ("We open  at", " nine.")),
        ("We op", ("We op", "en  at nine.")),
        ("we open", ("we open", "  at nine.")),
        ("We open at nine. And more", ("We open at nine. And more", "")),
    ],
)
def test_split_at_heard(heard: str, expected: tuple[str, str]) -> None:
    assert split_at_heard("We open  at nine.", heard) == expected


def test_settings_are_shown_in_the_words_of_the_bot_page(call: Call) -> None:
    call.settings |= {"fallback_models": ["a/b", "c/d"], "of_old": None}
    values = {setting.label: setting.value for setting in settings_used(call)}
    assert values["AI model"] == "openai/gpt-4.1-mini"
    assert values["callers can interrupt"] == "By speaking or pressing a key"
    assert values["accept key presses"] == "Yes"
    assert values["backup models"] == "a/b\nc/d"
    assert values["of old"] == "-"
    assert values["maximum length"] == "30 minutes"
    assert values["keep calls for"] == "0: for good"
    call.settings |= {"idle_timeout_seconds": 1}
    values = {setting.label: setting.value for setting in settings_used(call)}
    assert values["remind after"] == "1 second"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(-1, "0:00"), (59.9, "0:59"), (754, "12:34"), (3661, "1:01:01")],
)
def test_clock(seconds: float, written: str) -> None:
    assert format_offset(timedelta(seconds=seconds)) == written


def test_a_refused_call_has_a_page(admin_client: Client) -> None:
    call = Call.objects.create(call_sid="CA1", status="refused", started_at=START)
    text = page_of(admin_client, call)
    assert "Nothing was said" in text
    assert "No bot took this call." in text


def test_nobody_changes_a_call_and_superusers_may_delete_it(
    admin_client: Client, call: Call
) -> None:
    url = f"/admin/calls/call/{call.pk}"
    assert admin_client.get("/admin/calls/call/add/").status_code == 403
    assert admin_client.post(f"{url}/change/", {"status": "failed"}).status_code == 403
    say(call, "caller", "Forget me.")
    admin_client.post(f"{url}/delete/", {"post": "yes"})
    assert not Turn.objects.exists()


def test_staff_may_look_but_not_delete(client: Client, call: Call) -> None:
    staff = User.objects.create_user("staff", is_staff=True)
    staff.user_permissions.set(
        Permission.objects.filter(content_type__app_label="calls")
    )
    client.force_login(staff)
    page_of(client, call)
    assert client.get(f"/admin/calls/call/{call.pk}/delete/").status_code == 403


@pytest.mark.parametrize(
    "query", ["q=Forget", "end_reason__exact=", "status__exact=failed", "o=1.2.3.4.5.6"]
)
def test_calls_can_be_searched_filtered_and_sorted(
    admin_client: Client, call: Call, query: str
) -> None:
    say(call, "caller", "Forget me. Forget me.")
    page(admin_client, f"calls/call/?{query}")


def test_every_setting_of_a_bot_is_on_its_page() -> None:
    shown = {
        name for _, options in BotAdmin.fieldsets or [] for name in options["fields"]
    }
    editable = {field.name for field in Bot._meta.fields if field.editable}
    assert shown == editable - {"id"} | {"tools", *BotAdmin.readonly_fields}


def test_a_number_that_is_listed_already_says_who_answers_it(
    admin_client: Client,
) -> None:
    bot = Bot.objects.create(name="Front desk")
    number = PhoneNumber.objects.create(number="+14155550100", bot=bot)
    add, pasted = "/admin/bots/phonenumber/add/", {"number": "+1 (415) 555-0100"}
    page = admin_client.post(add, pasted).content.decode()
    assert "Front desk already answers this number." in page
    PhoneNumber.objects.update(bot=None)
    page = admin_client.post(add, pasted).content.decode()
    assert "The default bot already answers this number." in page
    change = f"/admin/bots/phonenumber/{number.pk}/change/"
    assert (
        admin_client.post(
            change, pasted | {"max_concurrent_calls": "1", "when_closed": "message"}
        ).status_code
        == 302
    )


def test_pasted_numbers_are_tidied(admin_client: Client) -> None:
    for number in ("+1 (415) 555-0100", "0049 (0)30 12 34 56"):
        fields = {
            "number": number,
            "max_concurrent_calls": "0",
            "when_closed": "message",
        }
        assert (
            admin_client.post("/admin/bots/phonenumber/add/", fields).status_code == 302
        )
    numbers = PhoneNumber.objects.values_list("number", flat=True)
    assert list(numbers) == ["+14155550100", "+4930123456"]
    pasted = {
        "number": "\u202a+44\u00a020\u20117946.0018\u202c",
        "max_concurrent_calls": "0",
        "when_closed": "message",
    }
    added = admin_client.post("/admin/bots/phonenumber/add/", pasted, follow=True)
    link = "/admin/numbers/preview/?number=%2B442079460018"
    assert f'<a href="{link}">Test +442079460018</a>' in text_of(added)
    assert admin_client.get(link).status_code == 200
    assert PhoneNumber.objects.filter(number="+442079460018").exists()
    response = admin_client.post("/admin/bots/phonenumber/add/", {"number": "12 ab"})
    assert "Write the number with +" in response.content.decode()
    assert '<option value="" selected>The default bot</option>' in text_of(response)


def test_a_bot_with_calls_may_be_deleted(admin_client: Client, call: Call) -> None:
    admin_client.post(f"/admin/bots/bot/{call.bot_id}/delete/", {"post": "yes"})
    assert not Bot.objects.exists()
    assert "Front desk" in page_of(admin_client, call)


def test_a_bot_lists_a_few_of_its_numbers(admin_client: Client, bot: Bot) -> None:
    for number in range(5):
        PhoneNumber.objects.create(number=f"+1415555010{number}", bot=bot)
    assert "+14155550102 and 2 more" in page(admin_client, "bots/bot/")


@pytest.mark.parametrize("path", ["", "calls/call/", "bots/bot/add/", "login/"])
def test_the_sandbox_is_labelled_on_every_page(
    admin_client: Client, settings: Settings, path: str
) -> None:
    banner = "Sandbox: no real model answers."
    client = Client() if path == "login/" else admin_client
    assert banner not in page(client, path)
    settings.SANDBOX_RUNNING = True
    assert banner in page(client, path)


def test_the_admin_is_called_voicebot(admin_client: Client) -> None:
    assert admin.site.site_header == "voicebot"
    assert "| voicebot</title>" in page(admin_client, "")
