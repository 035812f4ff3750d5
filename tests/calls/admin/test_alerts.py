"""The pages of alerts: rules, channels with their test, and the log."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import LazySettings
from django.contrib.auth.models import Group, User
from django.test import Client

from bots.models import Bot, BotRole, SiteSettings
from calls.models import AlertChannel, AlertMessage, AlertRule
from calls.models.alert import Event, State
from tests.calls.alerts.noticed import (
    ADDRESS,
    end_call,
    failing,
    look,
    mail_channel,
    rule,
    webhook_channel,
)
from tests.support.mail_server import mail_server, text_of
from tests.support.tool_server import Said, ToolServer

pytestmark = pytest.mark.django_db(transaction=True)

RULES, CHANNELS = "/admin/calls/alertrule/", "/admin/calls/alertchannel/"
LOG = "/admin/calls/alertmessage/"
URL = "https://hooks.slack.com/services/T0/B0/x7QrSecret"
RULE = {
    "event": Event.CALL_FAILED,
    "window_minutes": 15,
    "delivery": "at-once",
    "daily_hour": 8,
    "is_active": "on",
}
SMS = {"kind": "sms", "sender": "+1 (500) 555-0006"}
CHANNEL = {"name": "Office", "hourly_limit": 20, "is_active": "on"}


def member(group: str) -> Client:
    user = User.objects.create_user(group, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def operator(transactional_db: None) -> Client:
    return member("operator")


def errors(client: Client, page: str, **form: Any) -> str:
    """The errors of a form, in one text; empty if it was saved."""
    response = client.post(page, form, follow=True)
    assert response.status_code == 200
    found = re.findall(r'class="errorlist.*?</ul>', response.content.decode(), re.S)
    return " ".join(re.sub(r"<[^>]+>|\s+", " ", text) for text in found)


def text(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def test_each_step_leads_to_the_next(operator: Client) -> None:
    page = text(operator.get(RULES))
    assert f'href="{CHANNELS}add/" class="addlink"' in page
    assert f'href="{RULES}add/"' not in page
    form = {**CHANNEL, "kind": "mail", "mail": ADDRESS}
    page = text(operator.post(f"{CHANNELS}add/", form, follow=True))
    assert "Now send it a test message" in page
    assert "Send a test message</button>" in page
    channel = AlertChannel.objects.get()
    page = text(operator.post(f"{CHANNELS}{channel.pk}/test/", follow=True))
    assert f'href="{RULES}add/?channels={channel.pk}">Add a rule' in page
    assert f'href="{RULES}add/"' in text(operator.get(RULES))
    assert "checked" in text(operator.get(f"{RULES}add/?channels={channel.pk}"))


def test_a_rule_is_made_for_one_bot_or_for_all(operator: Client) -> None:
    bot, channel = Bot.objects.create(name="Ada"), mail_channel()
    add = f"{RULES}add/"
    assert not errors(operator, add, **RULE, channels=[channel.pk])
    assert not errors(operator, add, **RULE, channels=[channel.pk], bot=bot.pk)
    made = AlertRule.objects.order_by("pk").values_list("is_for_all_bots", "bot")
    assert list(made) == [(True, None), (False, bot.pk)]
    page = text(operator.get(RULES))
    assert "All bots" in page
    assert "Ada" in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"channels": []}, "Choose where to send it."),
        ({"event": "outcome"}, "Write the outcome."),
        ({"event": "outcome", "outcome": "lost"}, "There are: sold, Message taken, No"),
        ({"event": "outcome", "outcome": "kept", "bot": 1}, "sold, Message taken"),
        ({"event": "slow-answers"}, "Write the seconds."),
        ({"event": "slow-answers", "max_seconds": "0"}, "greater than or equal"),
        ({"event": "errors", "max_percent": "100"}, "less than or equal"),
        ({"event": "errors", "window_minutes": "1", "max_percent": 5}, "equal to 5"),
        ({"delivery": "daily", "daily_hour": "24"}, "less than or equal to 23"),
    ],
)
def test_a_rule_that_is_not_complete(
    fields: dict[str, Any], words: str, operator: Client
) -> None:
    Bot.objects.create(pk=1, name="Ada", outcomes="sold")
    channels = [mail_channel().pk]
    form = {**RULE, "channels": channels, **fields}
    assert words in errors(operator, f"{RULES}add/", **form)
    assert not AlertRule.objects.exists()


def test_an_outcome_is_stored_as_the_bot_has_it(operator: Client) -> None:
    Bot.objects.create(name="Ada", outcomes="Call back, sold")
    page = text(operator.get(f"{RULES}add/"))
    assert '<option value="Call back">' in page
    form = {**RULE, "event": "outcome", "channels": [mail_channel().pk]}
    for typed in ("call  BACK", "message taken"):
        assert not errors(operator, f"{RULES}add/", **form, outcome=typed)
    stored = AlertRule.objects.order_by("pk").values_list("outcome", flat=True)
    assert list(stored) == ["Call back", "Message taken"]


def test_what_the_page_hides_keeps_nobody_from_saving(operator: Client) -> None:
    bot, channel = Bot.objects.create(name="Ada"), mail_channel()
    hidden = {"bot": bot.pk, "max_seconds": "x", "window_minutes": "", "daily_hour": 99}
    form = {**RULE, **hidden, "event": "server-trouble", "channels": [channel.pk]}
    assert not errors(operator, f"{RULES}add/", **form)
    made = AlertRule.objects.get()
    assert (made.bot, made.is_for_all_bots) == (None, True)
    assert (made.window_minutes, made.daily_hour) == (15, 8)
    hidden = {"phone": "12", "sender": "me", "url": "x", "mail": "ann@example.com"}
    form = {**CHANNEL, **hidden, "name": "Bar", "kind": "mail"}
    assert not errors(operator, f"{CHANNELS}add/", **form)
    assert AlertChannel.objects.get(name="Bar").sender == ""


def test_a_rule_whose_bot_was_deleted_says_so(operator: Client) -> None:
    bot = Bot.objects.create(name="Ada")
    lost = failing(mail_channel(), bot=bot)
    bot.delete()
    assert "Its bot was deleted" in text(operator.get(RULES))
    assert "tells nothing" in text(operator.get(f"{RULES}{lost.pk}/change/"))


@pytest.mark.parametrize(
    ("fields", "stored"),
    [
        ({"kind": "mail", "mail": ADDRESS}, ADDRESS),
        (
            {"kind": "sms", "phone": "0014155550199", "sender": "+1 (500) 555-0006"},
            "+14155550199",
        ),
        ({"kind": "slack", "url": f" {URL} "}, ""),
    ],
)
def test_a_channel_is_made(
    fields: dict[str, Any], stored: str, operator: Client
) -> None:
    assert not errors(operator, f"{CHANNELS}add/", **CHANNEL, **fields)
    channel = AlertChannel.objects.get()
    assert channel.address == stored
    assert channel.get_url() == (URL if fields["kind"] == "slack" else "")
    assert "Secret" not in channel.encrypted_url


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "mail"}, "Write the address."),
        ({"kind": "mail", "mail": "ann"}, "valid email"),
        ({"kind": "mail", "mail": f"{ADDRESS}, b@example.com"}, "valid email"),
        ({"kind": "sms", "phone": "+14155550199"}, "a number of your Twilio account"),
        ({"kind": "sms", "phone": "12", "sender": "+15005550006"}, "country code"),
        ({"kind": "teams"}, "Write the address."),
        ({"kind": "teams", "url": "ftp://a.example"}, "http"),
        ({"kind": "teams", "url": "http://169.254.169.254/"}, "no public address"),
        ({"kind": "mail", "mail": ADDRESS, "hourly_limit": 0}, "greater than"),
    ],
)
def test_a_channel_that_cannot_work(
    fields: dict[str, Any], words: str, operator: Client
) -> None:
    assert words in errors(operator, f"{CHANNELS}add/", **{**CHANNEL, **fields})
    assert not AlertChannel.objects.exists()


def test_the_address_of_a_webhook_is_never_shown_again(operator: Client) -> None:
    channel = webhook_channel("slack", URL)
    mail_channel()
    change = f"{CHANNELS}{channel.pk}/change/"
    for page in (CHANNELS, change):
        assert "x7Qr" not in text(operator.get(page))
    assert "hooks.slack.com/•••cret" in text(operator.get(CHANNELS))
    assert ADDRESS in text(operator.get(CHANNELS))
    form = {**CHANNEL, "name": "Chat", "kind": "slack"}
    assert not errors(operator, change, **form)  # empty: the old one stays
    channel.refresh_from_db()
    assert (channel.name, channel.get_url()) == ("Chat", URL)
    assert errors(operator, change, **{**form, "kind": "teams"})  # another service


def test_people_who_may_only_read_see_addresses_masked(transactional_db: None) -> None:
    viewer = member("viewer")
    sms = {"kind": "sms", "address": "+14155550199", "sender": "+15005550006"}
    channels = [
        mail_channel(),
        mail_channel("Ann", **sms),
        webhook_channel("slack", URL),
    ]
    pages = [CHANNELS, *(f"{CHANNELS}{channel.pk}/change/" for channel in channels)]
    pages += [RULES, LOG, f"{RULES}{failing(channels[0]).pk}/change/"]
    shown = "".join(text(viewer.get(page)) for page in pages)
    assert "a•••@example.com" in shown
    assert "•••99" in shown
    for secret in (ADDRESS, "4155550199", "5005550006", "x7Qr"):
        assert secret not in shown
    test = f"{CHANNELS}{channels[0].pk}/test/"
    assert "Send a test message" not in shown
    assert viewer.post(test).status_code == 403
    assert viewer.get(f"{RULES}add/").status_code == 403


def test_a_role_for_one_bot_opens_no_alerts(transactional_db: None) -> None:
    bot, user = (
        Bot.objects.create(name="Ada"),
        User.objects.create_user("ann", is_staff=True),
    )
    BotRole.objects.create(user=user, bot=bot, role=BotRole.Role.OPERATOR)
    client = Client()
    client.force_login(user)
    pages = [RULES, CHANNELS, LOG]
    assert [client.get(page).status_code for page in pages] == [403] * 3
    assert "Alerts" not in text(client.get("/admin/settings/"))


def test_a_test_message_by_mail(operator: Client, settings: Any) -> None:
    channel = mail_channel()
    with mail_server(settings) as server:
        page = text(operator.post(f"{CHANNELS}{channel.pk}/test/", follow=True))
        assert "The test message was sent" in page
        received = server.mails.get(timeout=10)
        assert "Nothing has happened" in text_of(received)
        server.answer = "550 No such user"
        page = text(operator.post(f"{CHANNELS}{channel.pk}/test/", follow=True))
    assert "does not take mail for this address" in page
    assert "SMTP 550" in page
    states = AlertMessage.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["sent", "failed"]
    assert "Test by operator" in text(operator.get(LOG))


@pytest.fixture
async def hook(settings: LazySettings) -> AsyncIterator[ToolServer]:
    settings.TOOL_ALLOWED_PRIVATE_HOSTS = ["127.0.0.1"]
    async with ToolServer() as server:
        yield server


async def test_a_test_message_to_a_webhook_shows_the_answer(
    hook: ToolServer, settings: LazySettings
) -> None:
    hook.answers["/hook"] = Said(404, b"no_service")
    operator = await sync_to_async(member)("operator")
    channel = await sync_to_async(webhook_channel)("slack", f"{hook.url}/hook")
    post = sync_to_async(operator.post, thread_sensitive=False)
    page = text(await post(f"{CHANNELS}{channel.pk}/test/", follow=True))
    assert "not sent (status 404). The webhook was removed in Slack" in page
    assert "It answered: no_service" in page


def test_the_log_shows_what_was_told_and_why_it_was_not_sent(operator: Client) -> None:
    SiteSettings.objects.create(pk=1, mask_caller_numbers=True)
    failing(mail_channel())
    for number in range(3):
        end_call(number)
    look()
    message = AlertMessage.objects.get()
    page = text(operator.get(f"{LOG}{message.pk}/change/"))
    assert "3 things, not sent yet" in page
    assert "3 calls failed (Ada)" in page
    assert page.count("The call never reached the bot · •••0") == 3
    assert "4155550001" not in page
    again = f"{LOG}{message.pk}/again/"
    assert "not sent again" in text(operator.post(again, follow=True))
    entry = {"at": "2026-11-30T12:00:00+00:00", "result": "later", "words": "Too slow."}
    AlertMessage.objects.update(state=State.FAILED, attempts=9, log=[entry])
    page = text(operator.get(f"{LOG}{message.pk}/change/"))
    assert "Not sent. Too slow." in page
    assert "Send it again" in page
    assert "It is sent again now." in text(operator.post(again, follow=True))
    message.refresh_from_db()
    assert (message.state, message.attempts) == (State.WAITING, 0)
    assert operator.post(f"{LOG}{message.pk}/delete/").status_code == 403
    assert member("viewer").post(again).status_code == 403


def test_what_is_deleted_stays_in_the_log(operator: Client) -> None:
    channel = mail_channel()
    gone = rule(Event.CALL_FAILED, channel)
    end_call(1).delete()
    end_call(2)
    look()
    gone.delete()
    channel.delete()
    message = AlertMessage.objects.get()
    page = text(operator.get(f"{LOG}{message.pk}/change/"))
    assert "A call failed (Ada)" in page
    assert "Office" in page


def test_a_bot_as_a_file_has_no_channels(operator: Client) -> None:
    bot = Bot.objects.create(name="Ada")
    rule(Event.CALL_FAILED, webhook_channel("slack", URL), bot=bot)
    response = operator.get(f"/admin/bots/bot/{bot.pk}/file/")
    assert "slack" not in response.content.decode()
