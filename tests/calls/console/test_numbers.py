"""Numbers: their webhooks at Twilio, and pointing them here."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from bots.models import Bot, PhoneNumber
from tests.support.twilio import SID, FakeTwilio, number, sid_of

pytestmark = pytest.mark.django_db

ORIGIN = "https://bot.example.com"
VOICE, STATUS = f"{ORIGIN}/voice", f"{ORIGIN}/voice/status"
HERE = {"voice_url": VOICE, "status_callback": STATUS}
ELSEWHERE = "https://old.example.com/answer"
MINE = "+15005550006"
HOSTILE = '<script>broken=1</script>{{ 7*7 }}"\u202e'


@pytest.fixture
def twilio(settings: Settings) -> Iterator[FakeTwilio]:
    with FakeTwilio() as fake:
        settings.TWILIO_ACCOUNT_SID = SID
        settings.TWILIO_API_URL = fake.url
        yield fake


@pytest.fixture
def default(db: None) -> Bot:
    return Bot.objects.create(name="Default", is_default=True, greeting="Good day.")


def page(client: Client, path: str = "numbers/") -> str:
    response = client.get(f"/admin/{path}")
    assert response.status_code == 200
    return response.content.decode()


def point(client: Client, phone_number: str = MINE, **form: str) -> HttpResponse:
    address = f"/admin/numbers/point/{sid_of(phone_number)}/"
    response: Any = client.post(address, form, follow=True)
    return response  # type: ignore[no-any-return]


def text(response: HttpResponse) -> str:
    return response.content.decode()


def client_with(*permissions: str) -> Client:
    user = User.objects.create_user("sam", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


# The page


def test_without_credentials_there_is_everything_to_copy(
    admin_client: Client, settings: Settings
) -> None:
    shown = page(admin_client)
    for words in (f">{VOICE}<", f">{STATUS}<", "HTTP POST", "TWILIO_ACCOUNT_SID=AC"):
        assert words in shown
    assert "TWILIO_AUTH_TOKEN=" not in shown
    settings.TWILIO_AUTH_TOKENS = []
    assert "TWILIO_AUTH_TOKEN=" in page(admin_client)


def test_the_page_lists_where_numbers_point_and_who_answers_here(
    admin_client: Client, twilio: FakeTwilio, default: Bot
) -> None:
    own = Bot.objects.create(name="Berlin")
    PhoneNumber.objects.create(number=MINE, bot=own)
    PhoneNumber.objects.create(number="+15005559999", label="Lost")
    elsewhere = number(
        "+15005550007", voice_url=ELSEWHERE, friendly_name=HOSTILE + "\0"
    )
    mute = number("+15005550008", capabilities={"voice": False})
    twilio.has(number(MINE, **HERE), elsewhere, mute)
    shown = page(admin_client)
    assert f"Points elsewhere: {ELSEWHERE}" in shown
    assert "Berlin</strong> answers it." in shown
    assert "so the default bot answers." in shown
    assert "It takes no calls" in shown
    assert "+15005559999 (Lost)" in shown
    assert "<script>broken" not in shown
    assert shown.count('action="/admin/numbers/point/') == 1


def test_the_list_needs_few_queries_however_long_it_is(
    admin_client: Client, twilio: FakeTwilio, django_assert_max_num_queries: Any
) -> None:
    twilio.page_size = 1000
    for count in range(200):
        bot = Bot.objects.create(name=f"Bot {count}")
        PhoneNumber.objects.create(number=f"+1500555{count:04}", bot=bot)
        twilio.has(number(f"+1500555{count:04}"))
    admin_client.get("/admin/")  # the first page stores something in the session
    with django_assert_max_num_queries(10):
        assert page(admin_client).count("number-card") == 200


@pytest.mark.parametrize("status", [401, 404, 500])
def test_the_page_says_why_there_is_no_list(
    admin_client: Client, twilio: FakeTwilio, status: int
) -> None:
    twilio.status = status
    shown = page(admin_client)
    assert 'role="alert"' in shown
    assert VOICE in shown


# Pointing a number here


def test_a_number_that_points_nowhere_points_here_with_one_click(
    admin_client: Client, twilio: FakeTwilio, default: Bot
) -> None:
    twilio.has(number(MINE))
    assert "points here now" in text(point(admin_client))
    assert twilio.changes == [
        {
            "VoiceUrl": VOICE,
            "VoiceMethod": "POST",
            "StatusCallback": STATUS,
            "StatusCallbackMethod": "POST",
        }
    ]
    entry = LogEntry.objects.get()
    assert entry.user.username == "admin"
    assert (entry.object_repr, entry.object_id) == (MINE, None)
    assert entry.change_message == f"Pointed at {VOICE} (before: nothing)."
    assert not PhoneNumber.objects.exists()
    assert f"{MINE}</strong> {entry.change_message}" in page(admin_client)


def test_a_bot_chosen_with_it_gets_the_number(
    admin_client: Client, twilio: FakeTwilio
) -> None:
    bot = Bot.objects.create(name="Berlin")
    twilio.has(number(MINE, friendly_name="Support Berlin"))
    point(admin_client, bot=str(bot.pk))
    entry = PhoneNumber.objects.get()
    assert (entry.number, entry.label, entry.bot) == (MINE, "Support Berlin", bot)
    assert LogEntry.objects.filter(object_id=str(entry.pk)).count() == 1


def test_a_number_with_an_entry_is_logged_there_and_keeps_its_bot(
    admin_client: Client, twilio: FakeTwilio, default: Bot
) -> None:
    entry = PhoneNumber.objects.create(number=MINE, bot=default)
    other = Bot.objects.create(name="Other")
    twilio.has(number(MINE))
    assert "was not assigned to" in text(point(admin_client, bot=str(other.pk)))
    entry.refresh_from_db()
    assert entry.bot == default
    assert LogEntry.objects.get().object_id == str(entry.pk)


@pytest.mark.parametrize("bot", ["", "no", "-1", "9" * 30, "٣", "12345"])
def test_a_bot_that_is_none_is_none(
    admin_client: Client, twilio: FakeTwilio, bot: str
) -> None:
    twilio.has(number(MINE))
    assert "points here now" in text(point(admin_client, bot=bot))
    assert not PhoneNumber.objects.exists()


def test_a_number_that_points_elsewhere_is_asked_about_first(
    admin_client: Client, twilio: FakeTwilio, default: Bot
) -> None:
    twilio.has(number(MINE, voice_url=ELSEWHERE, voice_application_sid="AP1"))
    question = point(admin_client, bot=str(default.pk))
    assert "Its calls no longer go to voice application AP1." in text(question)
    assert not twilio.changes
    context: Any = question.context  # type: ignore[attr-defined]
    confirmed = {"confirmed": context["seen"], "bot": str(default.pk)}
    assert "points here now" in text(point(admin_client, **confirmed))
    assert twilio.changes[0]["VoiceApplicationSid"] == ""
    assert "before: voice application AP1" in LogEntry.objects.last().change_message  # type: ignore[union-attr]
    assert PhoneNumber.objects.get().bot == default


def test_a_confirmation_counts_only_for_what_was_shown(
    admin_client: Client, twilio: FakeTwilio
) -> None:
    twilio.has(number(MINE, voice_url=ELSEWHERE))
    point(admin_client, confirmed="Its calls no longer go to https://other.example/.")
    assert not twilio.changes


def test_a_change_without_an_answer_is_logged_all_the_same(
    admin_client: Client, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    twilio.has(number(MINE))
    answer = twilio._answer

    def answer_gets_only(http: Any, form: dict[str, str]) -> tuple[int, bytes]:
        return (503, b"") if http.command == "POST" else answer(http, form)

    monkeypatch.setattr(twilio, "_answer", answer_gets_only)
    assert "has a problem" in text(point(admin_client))
    assert "without a response" in LogEntry.objects.get().change_message


def test_a_number_of_another_account_cannot_be_pointed(
    admin_client: Client, twilio: FakeTwilio
) -> None:
    assert "no such number" in text(point(admin_client))
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("url", ["http://localhost:3000", "http://bot.example.com"])
def test_no_number_is_pointed_where_twilio_cannot_reach(
    admin_client: Client, twilio: FakeTwilio, settings: Settings, url: str
) -> None:
    twilio.has(number(MINE))
    settings.SERVER_URL = url
    settings.SERVER_HOST = url.split("//")[1].split(":")[0]
    assert SID not in text(point(admin_client))
    assert not twilio.changes
    assert "/numbers/point/" not in page(admin_client)


def test_only_who_may_change_numbers_can_point_them(twilio: FakeTwilio) -> None:
    twilio.has(number(MINE))
    viewer = client_with("view_phonenumber")
    shown = page(viewer)
    assert MINE in shown
    assert "/numbers/point/" not in shown
    assert point(viewer).status_code == 403
    assert viewer.post("/admin/numbers/check/").status_code == 403
    assert not twilio.changes


def test_a_number_is_not_pointed_by_a_forged_or_a_plain_request(
    twilio: FakeTwilio, admin_user: User
) -> None:
    twilio.has(number(MINE))
    address = f"/admin/numbers/point/{sid_of(MINE)}/"
    forged = Client(enforce_csrf_checks=True)
    assert forged.post(address).status_code in (302, 403)
    forged.force_login(admin_user)
    assert forged.post(address).status_code == 403
    assert forged.get(address).status_code == 405
    assert not twilio.requests


def test_who_may_change_but_not_add_numbers_adds_none(
    twilio: FakeTwilio, default: Bot
) -> None:
    twilio.has(number(MINE))
    changer = client_with("view_phonenumber", "change_phonenumber")
    assert "may not add" in text(point(changer, bot=str(default.pk)))
    assert len(twilio.changes) == 1
    assert not PhoneNumber.objects.exists()


def test_staff_without_a_permission_sees_nothing() -> None:
    nobody = client_with()
    for path in ("", "preview/?number=%2B15005550006", "greeting/1/"):
        assert nobody.get(f"/admin/numbers/{path}").status_code == 403
    assert Client().get("/admin/numbers/").status_code == 302
