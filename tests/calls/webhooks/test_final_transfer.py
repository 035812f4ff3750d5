"""Transfers of callers to whom no bot talks, and Twilio's reports on them."""

from typing import Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from bots.config.phrasebook import phrasebook
from bots.models import Bot, Outage, PhoneNumber
from calls.models import Alert, Budget, Call
from calls.models.alert import Event
from calls.session.active_calls import active_calls
from calls.webhooks import final_transfer
from tests.calls.alerts.noticed import look, mail_channel, rule
from tests.calls.costs.test_budgets import spend
from tests.calls.webhooks.test_incoming import RINGING, post, ring
from tests.calls.webhooks.test_incoming import fresh_process as fresh_process
from tests.calls.webhooks.transfer_callbacks import NO_ANSWER, TALKED, tags, verbs
from tests.conftest import numbered

pytestmark = pytest.mark.django_db(transaction=True)

OURS, PERSON = RINGING["To"], "+15005550077"
PATH = "/voice/transferred?language=de-DE"
TRANSFER = {"transfer_number": PERSON}
SAID = ["Say", "Hangup"]
LEFT = {**NO_ANSWER, "CallStatus": "completed"}


@pytest.fixture
def shop(transactional_db: None) -> Bot:
    """A bot whose transfers somebody is told of, as of those of all bots."""
    rule(Event.TRANSFER_MISSED, mail_channel())
    return numbered(OURS, language="de-DE")


def closed() -> None:
    always = "2020-01-01 to 2099-12-31: closed"
    PhoneNumber.objects.update(special_days=always, when_closed="transfer", **TRANSFER)


def outage() -> None:
    Outage.objects.create(set_by="ann", action="transfer", **TRANSFER)


def spent_budget() -> None:
    Budget.objects.create(limit=1, period="day", action="transfer", **TRANSFER)
    spend("10")


def all_lines_busy() -> None:
    Bot.objects.update(**TRANSFER)
    active_calls().draining = True


def told() -> list[str]:
    look()
    return list(Alert.objects.values_list("detail", flat=True))


async def transferred_by(cause: Any) -> None:
    await sync_to_async(cause)()
    dial = (await ring()).find("Dial")
    assert dial is not None
    assert dial.attrib["action"] == f"https://bot.example.com{PATH}"


@pytest.mark.parametrize(
    ("cause", "why"),
    [
        (closed, "The number was closed"),
        (outage, "An outage was announced"),
        (spent_budget, "The budget was spent"),
        (all_lines_busy, "Too many calls at once"),
    ],
)
async def test_a_transfer_that_nobody_takes_is_told_once(
    cause: Any, why: str, shop: Bot
) -> None:
    await transferred_by(cause)
    assert await sync_to_async(told)() == []
    for _ in range(2):
        assert await tags(PATH, **NO_ANSWER) == SAID
        assert await sync_to_async(told)() == [f"{why}. The person did not answer"]


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (NO_ANSWER | {"DialCallStatus": "busy"}, "The person was on the phone"),
        (NO_ANSWER | {"DialCallStatus": "failed"}, "The person could not be reached"),
        (LEFT, "The caller hung up meanwhile"),
        (TALKED, ""),
        (TALKED | {"CallStatus": "completed"}, ""),
    ],
)
async def test_the_reason_is_told_in_words(
    report: dict[str, str], words: str, shop: Bot
) -> None:
    await transferred_by(closed)
    has_heard = await tags(PATH, **report) == SAID
    assert has_heard == (words.startswith("The person"))
    expected = [f"The number was closed. {words}"] if words else []
    assert await sync_to_async(told)() == expected


@pytest.mark.parametrize("language", ["de-DE", "tlh", "", "a" * 900])
async def test_a_caller_whom_nobody_took_is_told_so(language: str, shop: Bot) -> None:
    await transferred_by(closed)
    address = f"/voice/transferred?{urlencode({'language': language})}"
    said, _ = await verbs(address, **NO_ANSWER)
    assert said.text == phrasebook(language).closed_message


async def test_a_rule_for_one_bot_tells_the_closed_number_of_that_bot(
    shop: Bot,
) -> None:
    other = await Bot.objects.acreate(name="Other")
    for number, bot in enumerate((shop, other)):
        channel = await sync_to_async(mail_channel)(f"Channel {number}")
        await sync_to_async(rule)(Event.TRANSFER_MISSED, channel, bot=bot)
    await transferred_by(closed)
    await post(PATH, **NO_ANSWER)
    await sync_to_async(look)()
    bots = Alert.objects.values_list("rule__bot__name", flat=True)
    assert {name async for name in bots} == {None, shop.name}


async def test_the_page_of_the_call_says_that_nobody_took_it(
    shop: Bot, admin_client: Client
) -> None:
    await transferred_by(closed)
    await post(PATH, **NO_ANSWER)
    call = await Call.objects.aget()
    page = await sync_to_async(admin_client.get)(f"/admin/calls/call/{call.pk}/change/")
    words = "Nobody took the transfer: the person did not answer"
    assert words in page.content.decode()


async def test_a_report_on_an_erased_call_and_one_without_a_database_are_answered(
    shop: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await tags(PATH, **NO_ANSWER) == SAID

    def fails(*_: object) -> None:
        raise OperationalError("no database")

    monkeypatch.setattr(final_transfer, "_count", fails)
    await transferred_by(closed)
    assert await tags(PATH, **NO_ANSWER) == SAID


async def test_a_report_that_twilio_has_not_signed_is_refused(shop: Bot) -> None:
    await transferred_by(closed)
    assert (await post(PATH, token="another", **NO_ANSWER)).status_code == 403
    assert await sync_to_async(told)() == []


async def test_a_server_that_is_being_stopped_asks_for_no_report(
    shop: Bot, settings: Settings
) -> None:
    settings.REDIS_URL = ""
    await sync_to_async(closed)()
    active_calls().closing = True
    dial = (await ring()).find("Dial")
    assert dial is not None
    assert "action" not in dial.attrib
