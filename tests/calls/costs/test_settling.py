"""Costs of calls from their usage: Twilio's reports, prices of the day, corrections."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from bots import catalogue
from bots.models import Bot, InworldCatalogue, SiteSettings
from calls.costs.price_list import refresh_list
from calls.costs.settling import (
    CHUNK,
    settle_again,
    settle_call,
    settle_due,
    settle_some,
)
from calls.db import run_in_db_thread
from calls.metrics import COST
from calls.models import Call, CallCost, CallUsage, DaySpending, Price, Recording
from calls.models.costs import cost_in_sums, cost_sums
from calls.prices.calculation import Cost
from calls.prices.usage import DIALLED, RELAY, REPORT, SESSION, TRANSFER, Kind, Usage
from calls.transcripts.closing import close_calls
from tests.support.inworld.server import MODELS, FakeInworld

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 30, 12, tzinfo=UTC)
MODEL = "openai/gpt-4.1-mini"
PRICING = {"prompt": 4e-7, "completion": 1.6e-6}
US_LINE, US_CALLED, A_RELAY = Decimal("0.0085"), Decimal("0.0140"), Decimal("0.07")


def call_of(seconds: int = 90, start: datetime = START, **values: Any) -> Call:
    """An answered call that has ended."""
    return Call.objects.create(
        **{
            "call_sid": f"CA{Call.objects.count()}",
            "from_number": "+15005550001",
            "to_number": "+15005550006",
            "status": Call.Status.COMPLETED,
            "end_reason": Call.EndReason.BOT_HUNG_UP,
            "started_at": start,
            "answered_at": start,
            "ended_at": start + timedelta(seconds=seconds),
            **values,
        }
    )


def used(call: Call, source: str, *usages: Usage) -> None:
    entries = [usage.to_json() for usage in usages]
    CallUsage.write([CallUsage(call=call, source=source, entries=entries)])


def settled(call: Call) -> CallCost:
    """The call's cost, calculated now."""
    CallCost.objects.make_due([call.pk])
    CallCost.objects.update(due_at=START)
    settle_some()
    return CallCost.objects.get(call=call)


def relay(seconds: int) -> Usage:
    return Usage(Kind.RELAY, quantity=seconds)


def test_a_call_costs_its_line_and_its_relay_by_the_minute() -> None:
    call = call_of(seconds=61)
    used(call, f"{RELAY} 0", relay(59))
    cost = settled(call)
    assert cost.cost == Cost(2 * US_LINE + A_RELAY)
    assert (cost.currency, cost.day) == ("USD", date(2026, 11, 30))
    assert [line["kind"] for line in cost.lines] == ["line-in", "relay"]


def test_twilios_reports_win_over_our_clock() -> None:
    call = call_of(seconds=59)
    used(call, f"{RELAY} 0", relay(59))
    used(call, REPORT, Usage(Kind.LINE_IN, quantity=61))
    used(call, f"{SESSION} VX1", relay(61))
    assert settled(call).cost == Cost(2 * US_LINE + 2 * A_RELAY)


def test_reports_on_some_sessions_do_not_hide_the_others() -> None:
    call = call_of(seconds=50)
    for session in (0, 1):
        used(call, f"{RELAY} {session}", relay(20))
    used(call, f"{SESSION} VX1", relay(20))
    assert settled(call).cost == Cost(US_LINE + 2 * A_RELAY)


def test_a_transfer_costs_the_minutes_of_the_target_by_its_number() -> None:
    call = call_of(seconds=300)
    used(call, f"{RELAY} 0", relay(10))
    used(call, f"{DIALLED} 0", Usage(Kind.LINE_OUT, "US local", 125))
    assert settled(call).cost == Cost(5 * US_LINE + A_RELAY + 3 * US_CALLED)


def test_a_transfer_that_nobody_reports_on_is_unknown() -> None:
    call = call_of(status="refused", end_reason="closed", answered_at=None)
    used(call, TRANSFER, Usage(Kind.LINE_OUT, "US local"))
    cost = settled(call)
    assert cost.cost
    assert cost.cost.is_unknown
    used(call, REPORT, Usage(Kind.LINE_IN, quantity=120))
    assert settled(call).cost == Cost(2 * US_LINE, is_partial=True)


@pytest.mark.parametrize("reason", ["blocked", "too-many-calls"])
def test_a_call_that_was_not_answered_costs_nothing(reason: str) -> None:
    call = call_of(status="refused", end_reason=reason, answered_at=None)
    assert settled(call).cost == Cost()


def test_a_message_costs_a_minute() -> None:
    call = call_of(0, status="refused", end_reason="closed", answered_at=None)
    assert settled(call).cost == Cost(US_LINE)


def test_a_call_of_a_country_without_a_price_is_at_least_the_rest() -> None:
    call = call_of(to_number="+33123456789")
    used(call, f"{RELAY} 0", relay(60))
    cost = settled(call)
    assert cost.cost == Cost(A_RELAY, is_partial=True)
    assert [line["unknown"] for line in cost.lines] == ["no price", ""]


def test_a_server_that_died_leaves_the_relay_unknown() -> None:
    assert settled(call_of()).cost == Cost(2 * US_LINE, is_partial=True)


def test_recordings_cost_their_minutes_and_the_months_at_twilio() -> None:
    call = call_of(seconds=60, ended_at=timezone.now())
    call.started_at = timezone.now()
    call.save()
    used(call, REPORT, Usage(Kind.LINE_IN, quantity=60))
    used(call, f"{RELAY} 0", relay(60))
    row = Recording.objects.create(call=call, started_at=timezone.now())
    cost = settled(call)
    assert cost.cost == Cost(US_LINE + A_RELAY, is_partial=True)
    assert cost.due_at  # Twilio has not told its length yet
    row.duration_ms, row.status = 61_000, Recording.Status.COMPLETED
    row.started_at -= timedelta(days=31)
    row.save()
    minutes = 2 * Decimal("0.0025") + 4 * Decimal("0.0005")
    assert settled(call).cost == Cost(US_LINE + A_RELAY + minutes)
    row.removed_at_twilio_at = row.started_at + timedelta(days=1)
    row.save()
    cost = settled(call)
    minutes = 2 * Decimal("0.0025") + 2 * Decimal("0.0005")
    assert (cost.cost, cost.due_at) == (Cost(US_LINE + A_RELAY + minutes), None)


def test_a_test_call_costs_its_tokens_and_counts_for_no_budget() -> None:
    call = call_of(is_test=True)
    used(call, f"{RELAY} 0", relay(60), Usage(Kind.SPEECH, "inworld-tts-2", 1_000))
    assert settled(call).cost == Cost(Decimal("0.025"))
    assert not DaySpending.objects.exists()


def model_list(read: float) -> None:
    entry = {"id": MODEL, "price_read": read, "price_written": 1.6}
    InworldCatalogue.objects.update_or_create(
        kind="models", defaults={"entries": [entry], "fetched_at": START}
    )


def test_models_have_the_prices_of_inworlds_list_and_these_keep_their_days() -> None:
    model_list(0.4)
    tokens = Usage(Kind.TOKENS_READ, MODEL, 1_000_000)
    first = call_of(is_test=True)
    used(first, f"{RELAY} 0", tokens)
    assert settled(first).cost == Cost(Decimal("0.4"))
    model_list(0.5)
    later = call_of(is_test=True, start=START + timedelta(days=1))
    used(later, f"{RELAY} 0", tokens)
    assert settled(later).cost == Cost(Decimal("0.5"))
    assert settled(first).cost == Cost(Decimal("0.4"))
    prices = Price.objects.filter(item=MODEL, kind="tokens-read")
    assert {price.source for price in prices} == {"Inworld's model list"}


def test_calls_of_several_days_that_are_calculated_together_all_have_a_price() -> None:
    model_list(0.4)
    calls = [call_of(is_test=True, start=START - timedelta(days=n)) for n in (2, 1, 0)]
    for call in calls:
        used(call, f"{RELAY} 0", Usage(Kind.TOKENS_READ, MODEL, 1_000_000))
    CallCost.objects.update(due_at=START)
    assert settle_some() == len(calls)
    costs = [row.cost for row in CallCost.objects.all()]
    assert costs == [Cost(Decimal("0.4"))] * len(calls)
    assert Price.objects.filter(item=MODEL, kind="tokens-read").count() == 1


def test_an_absurd_price_of_the_list_stops_no_calculation() -> None:
    model_list(1e30)
    call, other = call_of(is_test=True), call_of()
    for one in (call, other):
        used(one, f"{RELAY} 0", relay(60), Usage(Kind.TOKENS_READ, MODEL, 10))
    cost = settled(call)
    assert cost.cost
    assert cost.cost.is_unknown
    assert settled(other).cost == Cost(2 * US_LINE + A_RELAY, is_partial=True)


@pytest.mark.django_db(transaction=True)
async def test_the_model_list_is_fetched_once_a_day(settings: Settings) -> None:
    record = {"model": "gpt-4.1-mini", "provider": "openai", "pricing": PRICING}
    async with FakeInworld() as fake:
        fake.models = [record]
        settings.INWORLD_BASE_URL = fake.url
        for _ in range(2):
            await sync_to_async(refresh_list)()
        assert [request.path for request in fake.requests] == [MODELS]
        day_ago = timezone.now() - timedelta(hours=25)
        await InworldCatalogue.objects.aupdate(fetched_at=day_ago)
        await sync_to_async(refresh_list)()
        assert len(fake.requests) == 2
    (listed,) = await sync_to_async(catalogue.models)()
    assert (listed.price_read, listed.price_written) == (0.4, 1.6)


def test_a_price_of_the_list_in_dollars_is_none_in_another_currency(
    settings: Settings,
) -> None:
    settings.CURRENCY = "EUR"
    model_list(0.4)
    call = call_of(is_test=True)
    used(call, f"{RELAY} 0", Usage(Kind.TOKENS_READ, MODEL, 1_000_000))
    cost = settled(call)
    assert cost.cost
    assert (cost.cost.is_unknown, cost.currency) == (True, "EUR")


def test_a_call_that_is_calculated_in_another_currency_leaves_the_old_sum(
    settings: Settings, django_capture_on_commit_callbacks: Any
) -> None:
    call = call_of(seconds=60, answered_at=None, bot_name="Shop")
    assert settled(call).cost == Cost(US_LINE)
    settings.CURRENCY = "EUR"
    Price.objects.filter(kind="line-in").update(currency="EUR", amount="0.009")
    counter = COST.labels("Shop", "EUR")
    before = counter._value.get()
    with django_capture_on_commit_callbacks(execute=True):
        assert settled(call).cost == Cost(Decimal("0.009"))
    sums = DaySpending.objects.order_by("currency")
    euros, dollars = sums.values_list("currency", "amount")
    assert euros == ("EUR", Decimal("0.009"))
    assert dollars == ("USD", Decimal())
    assert DaySpending.objects.get(currency="EUR").calls == 1
    assert counter._value.get() - before == pytest.approx(0.009)


def test_sums_have_no_amounts_of_another_currency() -> None:
    for _ in range(2):
        settled(call_of(seconds=60, answered_at=None))
    CallCost.objects.filter(call__call_sid="CA1").update(currency="EUR")
    row = Call.objects.aggregate(**cost_sums("USD"))
    assert cost_in_sums(row) == Cost(US_LINE, is_partial=True)


def test_a_typed_price_of_a_model_wins_over_the_list() -> None:
    model_list(0.4)
    Price.objects.create(
        kind="tokens-read",
        item=MODEL,
        amount=2,
        currency="USD",
        valid_from=date(2026, 1, 1),
    )
    call = call_of(is_test=True)
    used(call, f"{RELAY} 0", Usage(Kind.TOKENS_READ, MODEL, 1_000_000))
    assert settled(call).cost == Cost(Decimal(2))


def test_a_model_in_no_list_is_unknown() -> None:
    call = call_of(is_test=True)
    used(call, f"{RELAY} 0", Usage(Kind.TOKENS_READ, "own/model", 10))
    cost = settled(call)
    assert cost.cost
    assert cost.cost.is_unknown


def test_the_price_of_the_day_counts_on_which_the_call_began() -> None:
    Price.objects.create(
        kind="line-in",
        item="US local",
        amount=1,
        currency="USD",
        valid_from=date(2026, 12, 1),
    )
    before_midnight = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    call = call_of(seconds=600, start=before_midnight, is_test=False)
    used(call, f"{RELAY} 0", relay(1))
    assert settled(call).cost == Cost(10 * US_LINE + A_RELAY)


@pytest.mark.parametrize(
    ("zone", "start", "day"),
    [
        ("Europe/Berlin", datetime(2026, 10, 24, 22, 30, tzinfo=UTC), 25),
        ("Europe/Berlin", datetime(2026, 10, 25, 22, 59, tzinfo=UTC), 25),
        ("Europe/Berlin", datetime(2026, 10, 25, 23, 1, tzinfo=UTC), 26),
        ("America/New_York", datetime(2026, 11, 2, 4, 30, tzinfo=UTC), 1),
    ],
)
def test_days_are_those_of_the_deployment_also_when_clocks_change(
    zone: str, start: datetime, day: int
) -> None:
    SiteSettings.objects.create(pk=1, time_zone=zone)
    counted = settled(call_of(start=start)).day
    assert counted
    assert counted.day == day


@pytest.mark.django_db(transaction=True)
def test_a_correction_changes_the_day_and_never_counts_twice() -> None:
    bot = Bot.objects.create(name="Shop")
    call = call_of(seconds=60, bot=bot, bot_name="Shop")
    used(call, f"{RELAY} 0", relay(60))
    counter = COST.labels("Shop", "USD")
    before = counter._value.get()
    settled(call)
    settled(call)
    spending = DaySpending.objects.get(bot=bot.pk)
    assert spending.amount == US_LINE + A_RELAY == spending.dearest
    Price.objects.filter(kind="relay").update(amount=Decimal("0.05"))
    assert settle_again(date(2026, 11, 30), date(2026, 11, 30)) == 1
    CallCost.objects.update(due_at=START)
    settle_some()
    spending.refresh_from_db()
    assert spending.amount == US_LINE + Decimal("0.05")
    assert counter._value.get() - before == pytest.approx(0.0785)
    call.delete()
    assert DaySpending.objects.get(bot=bot.pk).amount == spending.amount


def test_a_call_counts_although_a_correction_takes_as_much_away() -> None:
    longer = call_of(seconds=90)
    used(longer, f"{RELAY} 0", relay(10))
    settled(longer)
    used(longer, REPORT, Usage(Kind.LINE_IN, quantity=60))
    call_of(seconds=0, status="refused", end_reason="closed", answered_at=None)
    CallCost.objects.make_due(Call.objects.values_list("pk", flat=True))
    CallCost.objects.update(due_at=START)
    assert settle_some() == 2
    spending = DaySpending.objects.get()
    assert (spending.amount, spending.calls) == (2 * US_LINE + A_RELAY, 2)


def test_only_the_days_that_were_asked_for_are_calculated_again() -> None:
    call_of(start=datetime(2026, 11, 29, 23, 59, tzinfo=UTC))
    call_of(status="in-progress", ended_at=None)
    assert settle_again(date(2026, 11, 30), date(2026, 12, 31)) == 0


def test_calls_without_any_cost_are_calculated_too() -> None:
    for _ in range(3):
        call_of()
    CallCost.objects.make_due([Call.objects.latest("pk").pk])
    assert settle_again(START.date(), START.date()) == 3
    assert CallCost.objects.filter(due_at__isnull=False).count() == 3


@pytest.mark.django_db(transaction=True)
async def test_others_write_while_many_calls_are_calculated() -> None:
    calls = 4 * CHUNK
    for _ in range(calls):
        await sync_to_async(call_of)()
    await sync_to_async(settle_again)(START.date(), START.date())
    await CallCost.objects.aupdate(due_at=START)
    settling = asyncio.create_task(settle_due())
    seen = set[int]()
    while left := await run_in_db_thread(_write_and_count_due)():
        seen.add(left)
    await settling
    assert seen - {calls}
    assert await CallCost.objects.filter(amount=None).acount() == 0


@transaction.atomic
def _write_and_count_due() -> int:
    Call.objects.update(last_seen_at=Now())
    return CallCost.objects.filter(due_at__isnull=False).count()


def test_a_call_is_calculated_when_it_ends() -> None:
    call = call_of(status="in-progress", end_reason="", ended_at=None)
    settle_call(call.pk)
    assert not CallCost.objects.exists()
    calls = Call.objects.filter(pk=call.pk)
    ended_at: Any = START + timedelta(seconds=10)
    close_calls(calls, "completed", "caller-hung-up", ended_at)
    settle_call(call.pk)
    cost = CallCost.objects.get(call=call)
    assert (cost.amount, cost.due_at) == (US_LINE, None)
