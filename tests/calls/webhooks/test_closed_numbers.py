"""Closed numbers and outages: the TwiML that their callers get."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from bots.config.phrasebook import phrasebook
from bots.config_builder import config_from_json
from bots.models import Bot, Outage, PhoneNumber
from bots.opening import public_holidays
from bots.opening.spoken_times import Opening
from calls.models import Call
from calls.session.active_calls import active_calls
from calls.transcripts.task_creation import summary_spec
from calls.webhooks.admission import choose_bot, dry_run
from tests.bots.opening.test_public_holidays import broken_library as broken_library
from tests.calls.webhooks.test_incoming import RINGING, ring
from tests.conftest import numbered
from tests.support.process import clear_process_state

pytestmark = pytest.mark.django_db(transaction=True)
OURS, PERSON = RINGING["To"], "+15005550077"
ALWAYS_CLOSED = "2020-01-01 to 2099-12-31: closed (Renovation)"
CLOSED = {"special_days": ALWAYS_CLOSED}


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    clear_process_state()
    yield
    clear_process_state()


async def set_number(**settings: Any) -> None:
    await PhoneNumber.objects.filter(number=OURS).aupdate(**settings)


async def announce(number: PhoneNumber | None = None, **settings: Any) -> Outage:
    return await Outage.objects.acreate(number=number, set_by="ann", **settings)


@pytest.fixture
def shop() -> Bot:
    return numbered(OURS, transfer_number="+15005550099")


def said(document: ElementTree.Element) -> str:
    return "".join(document.itertext())


def tags(document: ElementTree.Element) -> list[str]:
    return [verb.tag for verb in document]


async def test_an_open_number_is_answered_by_its_bot(shop: Bot) -> None:
    await set_number(opening_hours="24/7", time_zone="Asia/Tokyo")
    assert tags(await ring()) == ["Connect"]


async def test_a_closed_number_says_its_text_and_hangs_up(shop: Bot) -> None:
    await set_number(**CLOSED, closed_message="Back on {{day|Monday}}.")
    document = await ring()
    assert tags(document) == ["Say", "Hangup"]
    assert said(document) == "Back on Monday."
    call = await Call.objects.aget()
    assert (call.status, call.end_reason) == ("refused", "closed")
    assert call.bot_id == shop.pk


async def test_a_text_says_in_the_bots_language_when_the_number_opens(
    shop: Bot,
) -> None:
    shop.language = "de-DE"
    await shop.asave()
    now = timezone.now()
    at = (now + timedelta(days=2)).replace(hour=9, minute=0)
    text = "Wir öffnen {{opens|bald}}, {{name|lieber Gast}}."
    await set_number(opening_hours=f"{at:%a} 9-17", closed_message=text)
    opens = Opening(at, now.date()).spoken("de")
    assert said(await ring()) == f"Wir öffnen {opens}, lieber Gast."
    await set_number(**CLOSED)
    assert said(await ring(CallSid="CA2")) == "Wir öffnen bald, lieber Gast."


async def test_without_a_text_it_is_the_bots_sentence_in_its_language(
    shop: Bot,
) -> None:
    await set_number(**CLOSED)
    shop.language = "de-DE"
    await shop.asave()
    document = await ring()
    book = phrasebook("de")
    assert said(document) == f"{book.closed_message} {book.goodbye_message}"
    say = document.find("Say")
    assert say is not None
    assert say.attrib["language"] == "de-DE"
    shop.closed_message = "Wir haben zu."
    await shop.asave()
    assert said(await ring(CallSid="CA2")).startswith("Wir haben zu. ")


async def test_a_closed_number_transfers_and_never_in_circles(
    shop: Bot, settings: Settings
) -> None:
    transfer = {"when_closed": "transfer", "transfer_number": PERSON}
    await set_number(**CLOSED, **transfer, closed_message="We are away.")
    document = await ring()
    assert tags(document) == ["Say", "Dial"]
    assert said(document) == f"We are away.{PERSON}"
    # The number has got a bot meanwhile, or may no longer be dialled.
    other = await PhoneNumber.objects.acreate(number=PERSON)
    assert tags(await ring(CallSid="CA2")) == ["Say", "Hangup"]
    await other.adelete()
    settings.TRANSFER_PREFIXES = ["+49"]
    assert tags(await ring(CallSid="CA3")) == ["Say", "Hangup"]


async def test_another_bot_answers_while_a_number_is_closed(shop: Bot) -> None:
    night = await Bot.objects.acreate(name="Night", hints="moon")
    await set_number(**CLOSED, when_closed="bot", closed_bot=night)
    relay = (await ring()).find("Connect/ConversationRelay")
    assert relay is not None
    assert relay.attrib["hints"] == "moon"
    assert (await Call.objects.aget()).bot_id == night.pk
    await night.adelete()
    assert tags(await ring(CallSid="CA2")) == ["Say", "Hangup"]


async def test_the_bot_takes_a_message(shop: Bot) -> None:
    shop.webhook_url = "https://shop.example/calls"
    await shop.asave()
    await set_number(opening_hours="Mon 0:00-0:01", when_closed="take-message")
    call = await _called_while_closed()
    config = config_from_json(call.settings)
    book = phrasebook("en")
    assert config.greeting == f"{book.closed_message} {book.take_message_prompt}"
    assert "take a message" in config.system_prompt
    assert "The business opens again on Monday, " in config.system_prompt
    assert "{{caller_number|a hidden number}}" in config.system_prompt
    assert (config.transfer_targets, config.tools, config.menu) == ((), (), ())
    assert config.can_end_call
    spec = summary_spec(config)
    assert spec.outcomes == ("Message taken", "No message")
    assert list(spec.fields) == ["name", "number", "concern"]
    assert config.webhook_url == shop.webhook_url


async def _called_while_closed() -> Call:
    now = timezone.now()
    if now.weekday() == 0 and (now.hour, now.minute) == (0, 0):
        await set_number(opening_hours="Mon 0:02-0:03")
    assert tags(await ring()) == ["Connect"]
    return await Call.objects.aget()


async def test_a_bot_that_is_off_takes_no_message(shop: Bot) -> None:
    shop.is_active = False
    await shop.asave()
    await set_number(**CLOSED, when_closed="take-message")
    assert "not in service" in said(await ring())
    await set_number(when_closed="message")
    assert said(await ring(CallSid="CA2")).startswith(phrasebook("en").closed_message)


async def test_an_outage_of_all_numbers_is_for_unlisted_ones_too(bot: Bot) -> None:
    await announce(message="Our line is down.")
    for sid, number in (("CA1", OURS), ("CA2", "+15005550055")):
        document = await ring(CallSid=sid, To=number)
        assert (tags(document), said(document)) == (
            ["Say", "Hangup"],
            "Our line is down.",
        )
    reasons = [call.end_reason async for call in Call.objects.all()]
    assert reasons == ["outage", "outage"]


async def test_an_outage_of_a_number_comes_before_that_of_all_and_before_hours(
    shop: Bot,
) -> None:
    number = await PhoneNumber.objects.aget()
    await set_number(**CLOSED)
    await announce(message="All are down.")
    transfer = {"action": "transfer", "transfer_number": PERSON}
    outage = await announce(number, message="Hold on.", **transfer)
    document = await ring()
    assert (tags(document), said(document)) == (["Say", "Dial"], f"Hold on.{PERSON}")
    await outage.adelete()
    assert said(await ring(CallSid="CA2")) == "All are down."


async def test_an_outage_ends_by_itself(shop: Bot) -> None:
    outage = await announce(until=timezone.now() + timedelta(minutes=1))
    assert tags(await ring()) == ["Say", "Hangup"]
    outage.until = timezone.now()
    await outage.asave()
    assert tags(await ring(CallSid="CA2")) == ["Connect"]


async def test_a_call_in_progress_goes_on(shop: Bot) -> None:
    await ring()
    await announce()
    await set_number(**CLOSED)
    assert tags(await ring()) == ["Connect"]  # Twilio asks again
    await Call.objects.aupdate(relay_nonce="", status="in-progress")
    assert tags(await ring(CallStatus="in-progress")) == ["Connect"]
    assert tags(await ring(CallSid="CA2")) == ["Say", "Hangup"]


async def test_a_call_that_we_place_knows_no_hours(shop: Bot) -> None:
    await set_number(**CLOSED)
    await announce()
    form = {"Direction": "outbound-api", "From": OURS, "To": RINGING["From"]}
    assert tags(await ring(**form)) == ["Connect"]


async def test_a_process_that_takes_no_calls_says_that_it_is_closed(shop: Bot) -> None:
    await set_number(**CLOSED)
    active_calls().draining = True
    assert said(await ring()).startswith(phrasebook("en").closed_message)


async def test_a_caller_who_calls_too_often_is_not_transferred(
    shop: Bot, settings: Settings
) -> None:
    await set_number(**CLOSED, when_closed="transfer", transfer_number=PERSON)
    settings.MAX_MINUTES_PER_DAY = 1
    start = timezone.now() - timedelta(minutes=5)
    await Call.objects.acreate(
        call_sid="CA0", started_at=start, answered_at=start, ended_at=timezone.now()
    )
    assert tags(await ring()) == ["Reject"]


async def test_calls_are_answered_when_holidays_cannot_be_looked_up(
    shop: Bot, broken_library: list[int]
) -> None:
    await set_number(opening_hours="24/7", holiday_country="DE")
    assert tags(await ring()) == ["Connect"]
    # The caller does not wait for one attempt a day.
    assert len(broken_library) == len(set(broken_library))


def test_hours_cost_an_incoming_call_no_query(shop: Bot) -> None:
    number = PhoneNumber.objects.get()
    assert _queries() == 3  # blocked callers, the number, its bot
    number.opening_hours, number.holiday_country = "24/7", "DE"
    number.special_days = "12-24: closed"
    number.save()
    assert _queries() == 3
    Outage.objects.create(set_by="ann")
    assert _queries() == 5  # the outage, and if the call is in progress


def test_the_default_bot_costs_no_query_more_either(bot: Bot) -> None:
    assert _queries() == 3
    Outage.objects.create(set_by="ann", until=timezone.now())
    assert _queries() == 3


def _queries() -> int:
    with CaptureQueriesContext(connection) as queries:
        choose_bot.func(RINGING)  # type: ignore[attr-defined]  # in this thread
    return len(queries)


def test_holidays_are_read_before_the_first_call(shop: Bot) -> None:
    PhoneNumber.objects.update(holiday_country="DE", holiday_region="BY")
    public_holidays._of_year.cache_clear()
    dry_run()
    assert public_holidays._of_year.cache_info().currsize > 0


async def test_a_redelivered_refusal_is_one_call(shop: Bot) -> None:
    await set_number(**CLOSED)
    for _ in range(2):
        assert tags(await ring())[-1] == "Hangup"
    assert await sync_to_async(Call.objects.count)() == 1
