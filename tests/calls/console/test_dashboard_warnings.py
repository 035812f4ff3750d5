"""The first page: warnings with their remedies, and the first steps."""

from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from bots.models import Bot, PhoneNumber, Secret, Tool
from bots.sandbox import demo_bot
from calls.console.dashboard.setup import SetupStep
from calls.diagnostics import call_warnings, secret_warnings, warnings
from calls.diagnostics.findings import Level
from calls.diagnostics.probes import probe_refused_settings
from calls.models import AlertMessage, Call
from calls.models.alert import State
from calls.session.active_calls import active_calls
from calls.simulator.line import SIMULATED_CALL
from tests.calls.alerts.noticed import end_call, failing, look, mail_channel
from tests.support.pages.dashboard import (
    Ring,
    answer,
    home,
    listed_count,
    problem_messages,
    problems,
    staff,
    text,
)
from tests.support.pages.dashboard import bot as bot
from tests.support.pages.dashboard import ring as ring

pytestmark = pytest.mark.django_db


def steps(client: Client) -> list[SetupStep]:
    found: list[SetupStep] = home(client)["setup"].steps
    return found


def ticked(client: Client) -> list[bool]:
    return [step.done for step in steps(client)]


def test_a_new_deployment_is_shown_the_first_steps(
    admin_client: Client, bot: Bot, settings: Settings
) -> None:
    settings.SANDBOX_RUNNING = True
    settings.SERVER_HOST = "localhost"
    page = text(admin_client)
    assert "Set-up: 0 of 6 done" in page
    assert "home-charts" not in page
    assert [step.link for step in steps(admin_client)] == [
        reverse("admin:bots_bot_add"),
        reverse("admin:test-call", args=[bot.pk]),
        warnings.PORTAL,
        reverse("admin:numbers"),
        reverse("admin:numbers"),
        reverse("admin:live"),
    ]
    assert ticked(admin_client) == [False] * 6
    # The list says it, so no warning says it again.
    assert "Only this machine" not in problem_messages(admin_client)


def test_the_steps_tick_themselves_and_stay_until_all_are_done(
    admin_client: Client, ring: Ring, bot: Bot, settings: Settings
) -> None:
    settings.SANDBOX_RUNNING, settings.SERVER_HOST = True, "localhost"
    created = timezone.now() - timedelta(hours=1)
    Bot.objects.filter(pk=bot.pk).update(created_at=created)
    assert ticked(admin_client) == [True, *[False] * 5]
    ring(is_test=True)
    assert ticked(admin_client) == [True, True, *[False] * 4]
    PhoneNumber.objects.create(number="+14155550100", bot=bot)
    ring(call_sid=f"{SIMULATED_CALL}{'0' * 24}")
    assert ticked(admin_client) == [True, True, *[False] * 4]
    ring()
    assert ticked(admin_client) == [True, True, False, False, True, True]
    settings.SANDBOX_RUNNING = False
    assert ticked(admin_client) == [True, True, True, False, True, True]
    settings.SERVER_HOST = "voice.example.com"
    assert steps(admin_client) == []
    assert "Set-up: everything is ready" in text(admin_client)


def test_a_bot_beside_the_one_of_the_setup_is_the_first_of_ones_own(
    admin_client: Client, bot: Bot
) -> None:
    assert ticked(admin_client)[0] is False
    Bot.objects.create(name="Second desk")
    assert ticked(admin_client)[0] is True


def test_after_the_checklist_the_card_says_what_is_wrong(
    admin_client: Client, ring: Ring, bot: Bot, settings: Settings
) -> None:
    Bot.objects.update(created_at=timezone.now() - timedelta(hours=1))
    PhoneNumber.objects.create(number="+14155550100", bot=bot)
    ring(is_test=True)
    ring()
    assert steps(admin_client) == []
    settings.SANDBOX_RUNNING = True
    assert "Set-up: 5 of 6 done" in text(admin_client)
    settings.SANDBOX_RUNNING = False
    Bot.objects.update(is_active=False)
    assert "Set-up: 1 thing to do" in text(admin_client)


def test_a_language_that_twilio_may_not_understand_is_pointed_out(
    admin_client: Client, bot: Bot
) -> None:
    assert "understand" not in problem_messages(admin_client)
    bot.languages.create(language="is-IS", voice="Any")
    bot.languages.create(language="de-DE", voice="Any", speech_model="telephony")
    messages = problem_messages(admin_client)
    assert f"{bot}: Deepgram is not known to understand is-IS." in messages
    assert f"{bot}: Deepgram has no model “telephony”." in messages
    Bot.objects.update(is_active=False)
    assert "understand" not in problem_messages(admin_client)


def test_instructions_of_the_example_are_pointed_out(
    admin_client: Client, bot: Bot, settings: Settings
) -> None:
    Bot.objects.update(system_prompt=demo_bot.INSTRUCTIONS)
    assert "example café" in problem_messages(admin_client)
    settings.SANDBOX_RUNNING = True
    assert "example café" not in problem_messages(admin_client)


def test_a_warning_without_a_page_of_its_own_has_no_empty_link(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active_calls(), "is_overloaded", True)
    page = admin_client.get("/admin/").content.decode()
    assert "takes no further calls" in page
    assert '<a href=""' not in page


def test_without_a_bot_the_first_step_is_to_make_one(admin_client: Client) -> None:
    make, talk, *_ = steps(admin_client)
    assert make.link == reverse("admin:bots_bot_add")
    assert talk.link == ""
    assert "No call can reach a bot" in problem_messages(admin_client)


def test_who_may_only_look_gets_steps_without_dead_links(
    client: Client, bot: Bot
) -> None:
    client.force_login(staff("calls.view_call"))
    links = [step.link for step in steps(client)]
    assert links == [*[""] * 5, reverse("admin:live")]


def test_a_number_without_an_active_bot_is_named(
    admin_client: Client, bot: Bot
) -> None:
    off = Bot.objects.create(name="Off", is_active=False)
    own = PhoneNumber.objects.create(number="+14155550101", bot=off)
    PhoneNumber.objects.create(number="+14155550102")
    PhoneNumber.objects.create(number="+14155550103", bot=off, is_active=False)
    assert "+14155550101" in problem_messages(admin_client)
    assert "+14155550102" not in problem_messages(admin_client)
    assert "+14155550103" not in problem_messages(admin_client)
    [finding] = problems(admin_client)
    assert finding.link == reverse("admin:bots_phonenumber_change", args=[own.pk])
    Bot.objects.filter(pk=bot.pk).update(is_active=False)
    assert "+14155550102" in problem_messages(admin_client)


def test_of_many_lost_numbers_a_few_are_named(admin_client: Client) -> None:
    for number in range(8):
        PhoneNumber.objects.create(number=f"+1415555010{number}")
    assert len(problems(admin_client)) == 6
    assert "More numbers" in problem_messages(admin_client)


REFUSED = "Inworld answered 401: invalid key"


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([(REFUSED, "")], "refuses INWORLD_API_KEY"),
        ([("Inworld answered 403: no", "")], "refuses INWORLD_API_KEY"),
        ([("Inworld answered 429: slow down", "")], "more than its plan allows"),
        ([(REFUSED, ""), ("", "a/b")], ""),
        ([(REFUSED, ""), ("", "")], "refuses INWORLD_API_KEY"),
        ([("", "a/b"), (REFUSED, "")], "refuses INWORLD_API_KEY"),
        ([("Inworld answered 500: oh", "")], ""),
        ([("The caller said: Inworld answered 401", "")], ""),
    ],
)
def test_a_failing_key_is_a_warning_until_an_answer_comes(
    admin_client: Client, ring: Ring, turns: list[tuple[str, str]], expected: str
) -> None:
    for ago, (error, model) in zip((3, 2), turns, strict=False):
        answer(
            ring(timedelta(milliseconds=ago)), error=error, model=model, role="system"
        )
    assert expected in problem_messages(admin_client)
    assert bool(expected) == bool(problems(admin_client))


def test_failed_calls_of_today_say_what_to_do(admin_client: Client, ring: Ring) -> None:
    for reason in call_warnings.REMEDIES:
        ring(status="failed", end_reason=reason)
        ring(timedelta(days=1), status="failed", end_reason=reason)
        ring(status="failed", end_reason=reason, is_test=True)
    ring(status="refused", end_reason="no-bot")
    findings = problems(admin_client)
    assert len(findings) == len(call_warnings.REMEDIES) + 1
    messages = [finding.message for finding in findings]
    for did in ("1 call failed today", "1 call was refused today"):
        assert any(each.startswith(f"{did}: no bot answers") for each in messages)
    for finding in findings:
        count = int(finding.message.split()[0])
        assert listed_count(admin_client, finding.link) == count
        assert finding.hint


def test_what_the_setup_lacks_is_said_with_a_remedy_and_a_link(
    admin_client: Client, settings: Settings
) -> None:
    settings.TWILIO_AUTH_TOKENS = []
    settings.DEBUG = True
    settings.SANDBOX_RUNNING = True
    settings.SERVER_URL, settings.SERVER_HOST = "http://localhost:3000", "localhost"
    findings = warnings.setup_findings()
    for words in (
        "TWILIO_AUTH_TOKEN",
        "Test mode is on",
        "Sandbox",
        "Only this machine",
    ):
        assert any(words in finding.message for finding in findings), words
    for words in (
        "TWILIO_AUTH_TOKEN",
        "Test mode is on",
        "Sandbox",
        "a public address",
    ):
        assert words in unescape(text(admin_client))
    assert all(finding.hint and finding.link for finding in findings)


def test_a_missing_key_and_a_missing_token_are_said(settings: Settings) -> None:
    settings.INWORLD_API_KEY = ""
    settings.INWORLD_BASE_URL = settings.INWORLD_PUBLIC_URL
    settings.TWILIO_AUTH_TOKENS = []
    findings = warnings.setup_findings()
    for name, is_failure in (("INWORLD_API_KEY", False), ("TWILIO_AUTH_TOKEN", True)):
        (finding,) = (each for each in findings if name in each.message)
        assert finding.is_failure is is_failure


@pytest.mark.parametrize("address", ["http://[", "", "localhost", "http://a b"])
def test_an_odd_server_url_is_a_warning_and_breaks_nothing(
    admin_client: Client, settings: Settings, address: str
) -> None:
    settings.SERVER_URL = address
    settings.DEBUG = True
    assert "SERVER_URL" in problem_messages(admin_client)


def test_a_healthy_deployment_has_no_warnings(admin_client: Client, ring: Ring) -> None:
    answer(ring(), latency_ms={"play_sent": 700})
    assert problems(admin_client) == []
    assert "problem-message" not in text(admin_client)


def test_a_tool_or_webhook_whose_secret_is_missing_or_lost_is_named(
    admin_client: Client, bot: Bot, settings: Settings
) -> None:
    header = "Authorization: Bearer {{secret.shop}}"
    tool = Tool.objects.create(name="look_up", url="https://a.example/", headers=header)
    secret = Secret(name="hook")
    secret.set_value("s3cret")
    secret.save()
    Bot.objects.update(webhook_url="https://b.example/", webhook_secret=secret)
    assert not secret_warnings.secret_findings()  # nobody uses the tool
    bot.tools.add(tool)
    warning = "The tool look_up needs the secret “shop”, and there is none: it fails."
    assert warning in problem_messages(admin_client)
    settings.SECRET_KEY = "another key altogether, as after a move to a new machine"
    (_, lost) = secret_warnings.secret_findings()
    assert (
        lost.message == f"The webhook of {bot} cannot open the secret “hook”: it fails."
    )
    bot.tools.clear()
    Bot.objects.update(lookup_tool=tool, webhook_url="")
    assert warning in [each.message for each in secret_warnings.secret_findings()]
    Bot.objects.update(is_active=False)
    assert not secret_warnings.secret_findings()


def refused(ring: Ring, ago: timedelta = timedelta(), **values: object) -> Call:
    return ring(
        ago,
        **{
            "twilio_error_code": "64101",
            "twilio_error_message": "Invalid values (Google/xx-XX)",
            "settings_refused_at": timezone.now() - ago,
            **values,
        },
    )


@pytest.fixture
def saved_long_ago(bot: Bot) -> Bot:
    long_ago = timezone.now() - timedelta(days=100)
    Bot.objects.filter(pk=bot.pk).update(updated_at=long_ago)
    return bot


def test_a_bot_whose_settings_twilio_refuses_is_named_with_the_remedy(
    admin_client: Client, ring: Ring, saved_long_ago: Bot
) -> None:
    refused(ring, timedelta(hours=30), end_reason="settings-refused")
    refused(ring, timedelta(hours=1))
    refused(ring, timedelta(days=8))  # too long ago
    refused(ring, is_test=True)
    ring(timedelta(hours=2))  # went well, but before the latest refusal
    [finding] = problems(admin_client)
    assert finding.is_failure
    since = timezone.localtime(timezone.now() - timedelta(hours=30))
    for words in (
        "refuses settings of the bot Front desk",
        "error 64101 in 2 calls, 1 of them lost",
        f"since {since.day} {since:%b}",
        "Invalid values (Google/xx-XX)",
    ):
        assert words in finding.message
    assert finding.link == reverse("admin:bots_bot_change", args=[saved_long_ago.pk])
    assert [each.text for each in probe_refused_settings()] == [finding.text]


def test_a_refusal_is_settled_by_saving_the_bot(
    admin_client: Client, ring: Ring, saved_long_ago: Bot
) -> None:
    refused(ring, timedelta(minutes=1))
    [finding] = problems(admin_client)
    assert not finding.is_failure  # no call was lost
    saved_long_ago.save()
    assert problems(admin_client) == []
    refused(ring)
    assert "refuses settings" in problem_messages(admin_client)


@pytest.mark.parametrize(
    ("code", "later", "settled"),
    [
        ("64101", {}, True),
        ("64106", {}, False),  # a voice is checked when it first speaks
        ("64101", {"status": "failed"}, False),
        ("64101", {"answered_at": None}, False),
        ("64101", {"twilio_error_code": "64105"}, False),
        ("64101", {"is_test": True}, False),
    ],
)
def test_a_later_call_that_went_well_settles_what_is_checked_at_its_start(
    admin_client: Client,
    ring: Ring,
    saved_long_ago: Bot,
    code: str,
    later: dict[str, object],
    settled: bool,
) -> None:
    refused(ring, timedelta(hours=20), twilio_error_code=code)
    ring(timedelta(hours=10), **later)
    assert ("refuses settings" not in problem_messages(admin_client)) is settled


def test_the_doctor_says_that_no_settings_are_refused(bot: Bot) -> None:
    [finding] = probe_refused_settings()
    assert finding.level == Level.OK


def test_alerts_that_did_not_arrive_and_rules_that_tell_nothing(
    admin_client: Client, bot: Bot
) -> None:
    def found() -> list[str]:
        shown = home(admin_client)["setup"].problems
        return [one.message for one in shown if one.name == "Alerts"]

    channel = mail_channel()
    failing(channel)
    failing(channel, bot=Bot.objects.create(name="Gone"))
    for state in (State.SENT, State.FAILED):
        end_call(AlertMessage.objects.count())
        look()
        waiting = AlertMessage.objects.filter(state=State.WAITING)
        waiting.update(state=state, log=[{"words": "No such user."}])
    assert found() == ["“Office” did not get its latest alert."]
    assert "No such user." in text(admin_client)
    AlertMessage.objects.update(state=State.SENT)
    assert found() == []
    Bot.objects.get(name="Gone").delete()
    assert found() == [
        "The bot of an alert rule was deleted: “A call failed” tells nothing."
    ]
