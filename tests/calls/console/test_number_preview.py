"""The preview of a number: its bot, first words and warnings, before any call."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.urls import reverse
from pytest_django import Settings

from bots.models import Bot, Outage, PhoneNumber
from calls.console.numbers.preview import Preview, preview
from calls.operations.runtime import runtime
from calls.session.services import services
from calls.webhooks.connect import NOT_CONFIGURED, NOT_IN_SERVICE
from tests.support.inworld.server import FakeInworld
from tests.support.process import clear_process_state

pytestmark = pytest.mark.django_db(transaction=True)
MINE = "+15005550006"


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    clear_process_state()
    yield
    clear_process_state()


def default(**settings: Any) -> Bot:
    return Bot.objects.create(**{"name": "Default", "is_default": True, **settings})


def preview_of_number(**settings: Any) -> Preview:
    PhoneNumber.objects.create(number=MINE, **settings)
    return preview(MINE)


def test_its_own_bot_answers_with_its_greeting_and_its_twiml() -> None:
    bot = Bot.objects.create(name="Berlin", greeting="Guten Tag.", language="de-DE")
    number_preview = preview_of_number(bot=bot)
    assert (number_preview.routing.bot, number_preview.first_texts) == (
        bot,
        {"greeting": "Guten Tag."},
    )
    assert "own bot" in number_preview.routing.because
    assert number_preview.twiml.startswith("<?xml")
    assert 'language="de-DE"' in number_preview.twiml
    url = 'url="wss://bot.example.com/conversation/TOKEN-OF-THE-CALL"'
    assert url in number_preview.twiml
    assert f"\n    {url}" in number_preview.pretty_twiml


def test_variables_are_filled_in_with_their_examples(admin_client: Client) -> None:
    default(greeting="Hi {{name|there}}, {{x}}it is {{now}}.", variables="name = Ann")
    number_preview = preview(MINE)
    assert number_preview.first_texts["greeting"].startswith("Hi Ann, it is ")
    assert number_preview.has_examples
    path = reverse("admin:number-preview")
    page = admin_client.get(path, {"number": MINE})
    assert "Examples are used in place of a real call" in page.content.decode()
    Bot.objects.update(greeting="Hi.")
    assert not preview(MINE).has_examples


def test_without_one_of_its_own_the_default_bot_answers() -> None:
    bot = default()
    assert "not listed in this console" in preview(MINE).routing.because
    number_preview = preview_of_number()
    assert number_preview.routing.bot == bot
    assert "no bot of its own" in number_preview.routing.because


@pytest.mark.parametrize(
    ("bot", "number", "words"),
    [
        ({}, {"is_active": False}, "number is switched off"),
        ({"is_active": False}, {}, "default bot, Default, is switched off"),
        ({"is_default": False}, {}, "no bot of its own, and there is no default"),
    ],
)
def test_nobody_answers_and_it_says_why(
    bot: dict[str, Any], number: dict[str, Any], words: str
) -> None:
    default(**bot)
    number_preview = preview_of_number(**number)
    assert number_preview.routing.bot is None
    assert words in number_preview.routing.because
    assert number_preview.first_texts == {"": NOT_IN_SERVICE}
    assert "<Hangup" in number_preview.twiml


def test_a_switched_off_bot_of_its_own_is_not_replaced_by_the_default() -> None:
    default()
    off = Bot.objects.create(name="Off", is_active=False)
    assert "own bot, Off, is switched off" in preview_of_number(bot=off).routing.because


def test_what_keeps_callers_away_is_a_warning(settings: Settings) -> None:
    default()
    assert preview(MINE).warnings == []
    settings.SANDBOX_RUNNING = settings.DEBUG = True
    settings.TWILIO_AUTH_TOKENS = []
    settings.SERVER_URL, settings.SERVER_HOST = "http://localhost:3000", "localhost"
    warnings = " ".join(preview(MINE).warnings)
    for words in ("Sandbox", "TWILIO_AUTH_TOKEN", "Only this machine can reach"):
        assert words in warnings
    settings.INWORLD_API_KEY = ""
    settings.INWORLD_BASE_URL = settings.INWORLD_PUBLIC_URL
    number_preview = preview(MINE)
    assert "key of your Inworld account is missing" in " ".join(number_preview.warnings)
    assert (number_preview.first_texts, number_preview.in_bot_voice) == (
        {"": NOT_CONFIGURED},
        False,
    )


def test_the_page_of_a_number_shows_it_escaped(admin_client: Client) -> None:
    hostile = '<script>x=1</script>{{ 7*7 }}"><Hangup/>\u202e'
    bot = Bot.objects.create(name="Berlin")
    Bot.objects.filter(pk=bot.pk).update(greeting=hostile, hints=hostile, name=hostile)
    number = PhoneNumber.objects.create(number=MINE, bot=bot)
    page = admin_client.get(f"/admin/bots/phonenumber/{number.pk}/change/")
    preview_page = admin_client.get(f"/admin/numbers/preview/?number={quote(MINE)}")
    for shown in (page.content.decode(), preview_page.content.decode()):
        assert "<dt>First words" in shown
        assert "<script>x=1" not in shown
        assert "{{ 7*7 }}" in shown
        assert f"/admin/numbers/greeting/{bot.pk}/" in shown
    assert admin_client.get("/admin/bots/phonenumber/add/").status_code == 200


@pytest.mark.parametrize("number", ["", "abc", "1" * 100_000, "<b>", "+0"])
def test_what_is_no_number_is_refused_with_a_reason(
    admin_client: Client, number: str
) -> None:
    page = admin_client.get("/admin/numbers/preview/", {"number": number})
    assert page.status_code == 200
    assert b"errorlist" in page.content


def test_a_number_may_be_written_any_way(admin_client: Client) -> None:
    page = admin_client.get("/admin/numbers/preview/", {"number": "+1 (500) 555-0006"})
    assert f"What callers of {MINE} hear" in page.content.decode()


async def play(bot: Bot, user: User, said: str = "greeting") -> HttpResponse:
    client = AsyncClient()
    await client.aforce_login(user)
    path = f"/admin/numbers/greeting/{bot.pk}/"
    response: Any = await client.get(path, {"said": said})
    return response  # type: ignore[no-any-return]


async def test_the_greeting_is_the_clip_that_calls_begin_with(
    admin_user: User, inworld: FakeInworld, settings: Settings
) -> None:
    settings.INWORLD_BASE_URL = inworld.url
    bot = await sync_to_async(default)(greeting="Good day.")
    first = await play(bot, admin_user)
    assert (first.status_code, first["Content-Type"]) == (200, "audio/wav")
    assert first.content.startswith(b"RIFF")
    assert (await play(bot, admin_user)).content == first.content
    assert [request.body["text"] for request in inworld.spoken] == ["Good day."]
    (phrase,) = services().phrases.ready.values()
    assert phrase.wav == first.content
    await runtime().aclose()


async def test_the_consent_sentence_is_heard_before_the_greeting(
    admin_user: User, inworld: FakeInworld, settings: Settings
) -> None:
    settings.INWORLD_BASE_URL = inworld.url
    bot = await sync_to_async(default)(
        consent_message="We record this.", greeting="Hi."
    )
    number_preview = await sync_to_async(preview)(MINE)
    assert list(number_preview.first_texts.items()) == [
        ("consent_message", "We record this."),
        ("greeting", "Hi."),
    ]
    assert (await play(bot, admin_user, "consent_message")).status_code == 200
    assert [request.body["text"] for request in inworld.spoken] == ["We record this."]
    assert (await play(bot, admin_user, "apology_message")).status_code == 404
    await runtime().aclose()


async def test_a_greeting_that_cannot_be_made_is_explained(
    admin_user: User, inworld: FakeInworld, settings: Settings
) -> None:
    settings.INWORLD_BASE_URL = inworld.url
    inworld.tts_status = 401
    refused = await play(await sync_to_async(default)(), admin_user)
    assert refused.status_code == 502
    assert b"Inworld refuses INWORLD_API_KEY" in refused.content
    silent = await Bot.objects.acreate(name="Silent", greeting=" ")
    assert (await play(silent, admin_user)).status_code == 404
    settings.CLIP_MEMORY_MB = 0
    inworld.tts_status = 200
    await runtime().aclose()
    clear_process_state()
    unstored = await play(await Bot.objects.aget(name="Default"), admin_user)
    assert (unstored.status_code, b"clip store" in unstored.content) == (503, True)
    await runtime().aclose()


CLOSED = {"opening_hours": "Mon-Fri 9:00-17:00", "time_zone": "Europe/Berlin"}


def at(moment: str, **settings: Any) -> Preview:
    PhoneNumber.objects.update_or_create(number=MINE, defaults=settings)
    return preview(MINE, datetime.fromisoformat(moment))


def test_a_moment_shows_what_would_happen_then_and_why() -> None:
    default(greeting="Hello.")
    found = at("2026-12-04 16:59", **CLOSED)
    assert found.first_texts == {"greeting": "Hello."}
    assert found.headline == "Open, closes today 17:00 (Europe/Berlin)"
    found = at("2026-12-04 17:00", **CLOSED, closed_message="We are closed.")
    assert found.first_texts == {"": "We are closed."}
    assert found.headline == "Closed, opens Mon 9:00 (Europe/Berlin)"
    assert found.local_time == "Fri 4 Dec 2026, 17:00"
    assert "The number is closed." in found.routing.because
    assert "<Hangup" in found.twiml


def test_a_closed_number_may_transfer_take_a_message_or_have_another_bot() -> None:
    default()
    closed = {**CLOSED, "closed_message": "We are closed."}
    person = "+15005550077"
    transfer = {"when_closed": "transfer", "transfer_number": person}
    found = at("2026-12-05 10:00", **closed, **transfer)
    assert (found.transfers_to, found.answers) == (person, False)
    assert f"<Number>{person}</Number>" in found.twiml
    hidden = preview(MINE, datetime(2026, 12, 5, 10), hide=True)
    assert person not in hidden.twiml + hidden.transfers_to
    found = at("2026-12-05 10:00", **closed, when_closed="take-message")
    assert found.answers
    assert found.first_texts["greeting"].startswith("We are closed. May I take a")
    night = Bot.objects.create(name="Night", greeting="Night.")
    other = {"when_closed": "bot", "closed_bot": night}
    found = at("2026-12-05 10:00", **closed, **other)
    assert (found.routing.bot, found.first_texts) == (night, {"greeting": "Night."})


def test_an_outage_counts_until_its_end() -> None:
    default(greeting="Hello.")
    until = datetime(2026, 12, 4, 12, tzinfo=UTC)
    Outage.objects.create(message="Down.", set_by="ann", until=until)
    assert at("2026-12-04 11:59").first_texts == {"": "Down."}
    assert "ann announced an outage of all numbers." in preview(MINE).routing.because
    assert at("2026-12-04 12:00").first_texts == {"greeting": "Hello."}


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-12-05T10:00", "Closed, opens Mon 9:00 (Europe/Berlin)."),
        ("soon", "Write the time like 2026-12-24 13:30."),
        ("0001-01-01T00:00", "Choose a day between 2000 and 2100."),
        ("9999-12-31T23:59", "Choose a day between 2000 and 2100."),
    ],
)
def test_the_page_takes_a_moment(admin_client: Client, moment: str, words: str) -> None:
    default()
    PhoneNumber.objects.create(number=MINE, **CLOSED)
    path = reverse("admin:number-preview")
    page = admin_client.get(path, {"number": MINE, "at": moment})
    assert words in page.content.decode()
