"""Budgets: the TwiML while one is spent, what is set aside, and periods."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from bots.models import Bot, PhoneNumber
from bots.number_routing import route
from calls.console.numbers.preview import preview
from calls.costs.admission import admit, reserve_open_calls
from calls.costs.budgets import budget_states
from calls.costs.settling import local_day, settle_some
from calls.models import Budget, Call, CallCost, DaySpending
from calls.operations.reaper import Reaper
from calls.prices.budget_rules import Level, Period
from calls.transcripts.closing import close_calls
from tests.calls.webhooks.test_closed_numbers import said, tags
from tests.calls.webhooks.test_incoming import RINGING, ring
from tests.conftest import numbered
from tests.support.process import clear_process_state

pytestmark = pytest.mark.django_db(transaction=True)
OURS, PERSON = RINGING["To"], "+15005550077"


@pytest.fixture(autouse=True)
def fresh_process(prices: None) -> Iterator[None]:
    clear_process_state()
    yield
    clear_process_state()


@pytest.fixture
def shop() -> Bot:
    return numbered(OURS, name="Shop", max_call_minutes=10)


def spend(amount: str, bot: Bot | None = None, day: date | None = None) -> None:
    DaySpending.objects.create(
        day=day or local_day(timezone.now()),
        bot=bot.pk if bot else 0,
        currency="USD",
        amount=Decimal(amount),
        dearest=Decimal(amount) / 10,
        calls=20,
    )


def budget(**values: Any) -> Budget:
    made = Budget.objects.create(**{"limit": 10, "period": "day", **values})
    return Budget.objects.get(pk=made.pk)


async def test_within_the_budget_the_bot_answers_and_sets_an_amount_aside(
    shop: Bot,
) -> None:
    await sync_to_async(budget)(bot=shop)
    await sync_to_async(spend)("9.99", shop)
    assert tags(await ring()) == ["Connect"]
    assert (await CallCost.objects.aget()).reserved == Decimal("0.999")


async def test_spent_it_says_its_text_and_hangs_up(shop: Bot) -> None:
    await sync_to_async(budget)(bot=shop, message="Please call tomorrow.")
    await sync_to_async(spend)("10", shop)
    document = await ring()
    assert tags(document) == ["Say", "Hangup"]
    assert said(document).startswith("Please call tomorrow.")
    call = await Call.objects.aget()
    assert (call.status, call.end_reason) == ("refused", "budget")
    assert not await CallCost.objects.filter(reserved__isnull=False).aexists()
    assert tags(await ring()) == ["Hangup"]  # Twilio asks again


async def test_spent_it_transfers(shop: Bot) -> None:
    await sync_to_async(budget)(bot=None, action="transfer", transfer_number=PERSON)
    await sync_to_async(spend)("10")
    document = await ring()
    assert tags(document)[:2] == ["Say", "Dial"]
    assert PERSON in said(document)


async def test_spent_another_bot_answers_and_its_own_budget_counts(shop: Bot) -> None:
    cheap = await Bot.objects.acreate(name="Cheap", greeting="Cheap here.")
    await sync_to_async(budget)(bot=shop, action="bot", other_bot=cheap)
    await sync_to_async(spend)("10", shop)
    assert tags(await ring()) == ["Connect"]
    assert (await Call.objects.aget()).bot_id == cheap.pk
    await sync_to_async(budget)(bot=cheap, action="bot", other_bot=shop)
    await sync_to_async(spend)("10", cheap)
    # In a circle nobody answers, and callers hear a message.
    assert tags(await ring(CallSid="CA2")) == ["Say", "Hangup"]


async def test_another_bot_that_is_off_is_a_message(shop: Bot) -> None:
    off = await Bot.objects.acreate(name="Off", is_active=False)
    await sync_to_async(budget)(bot=shop, action="bot", other_bot=off)
    await sync_to_async(spend)("10", shop)
    assert tags(await ring()) == ["Say", "Hangup"]


async def test_a_refused_call_is_calculated_too(shop: Bot) -> None:
    await Bot.objects.aupdate(is_active=False)
    await ring()
    call = await Call.objects.select_related("cost").aget()
    assert (call.end_reason, bool(call.cost.due_at)) == ("not-in-service", True)


async def test_a_warning_alone_stops_nobody(shop: Bot) -> None:
    await sync_to_async(budget)(bot=shop, action="warn")
    await sync_to_async(spend)("99", shop)
    assert tags(await ring()) == ["Connect"]


async def test_calls_in_progress_go_on(shop: Bot) -> None:
    await sync_to_async(budget)(bot=shop)
    assert tags(await ring()) == ["Connect"]
    await sync_to_async(spend)("10", shop)
    assert tags(await ring()) == ["Connect"]
    assert tags(await ring(CallSid="CA2")) == ["Say", "Hangup"]


async def test_a_closed_number_asks_no_budget(shop: Bot) -> None:
    await sync_to_async(budget)(bot=shop)
    await sync_to_async(spend)("10", shop)
    closed = "2020-01-01 to 2099-12-31: closed"
    await PhoneNumber.objects.aupdate(special_days=closed)
    await ring()
    assert (await Call.objects.aget()).end_reason == "closed"


async def test_calls_that_we_place_are_not_stopped(shop: Bot) -> None:
    await sync_to_async(budget)(bot=shop)
    await sync_to_async(spend)("10", shop)
    turned = {"From": OURS, "To": RINGING["From"], "Direction": "outbound-api"}
    assert tags(await ring(**turned)) == ["Connect"]
    assert (await CallCost.objects.aget()).reserved  # but they count


def test_a_first_call_sets_aside_its_longest_time(shop: Bot) -> None:
    budget(bot=shop)
    answer = admit(route(OURS), OURS, timezone.now())
    assert answer.reserved
    assert Decimal("0.7") < answer.reserved < Decimal("2")
    Bot.objects.update(max_call_minutes=20)
    twice = admit(route(OURS), OURS, timezone.now())
    assert twice.reserved == 2 * answer.reserved


def test_a_crashed_call_gives_back_what_it_set_aside(shop: Bot) -> None:
    budget(bot=shop)
    long_ago = timezone.now() - timedelta(minutes=5)
    call = Call.objects.create(
        call_sid="CA1",
        bot=shop,
        status="in-progress",
        started_at=long_ago,
        last_seen_at=long_ago,
        to_number=OURS,
    )
    CallCost.objects.create(
        call=call, day=local_day(long_ago), reserved=9, currency="USD"
    )
    (state,) = budget_states(Budget.objects.all(), timezone.now())
    assert (state.spending.reserved, state.level) == (Decimal(9), Level.OK)
    reaper = Reaper()
    reaper.run()
    assert reaper.run() == 1
    CallCost.objects.update(due_at=long_ago)
    settle_some()
    (state,) = budget_states(Budget.objects.all(), timezone.now())
    assert state.spending.reserved == 0
    assert state.spending.spent == Decimal("0.0085")


def test_a_call_that_costs_more_than_was_set_aside_sets_more_aside(shop: Bot) -> None:
    hour_ago = timezone.now() - timedelta(hours=1)
    call = Call.objects.create(
        call_sid="CA1", bot=shop, status="in-progress", started_at=hour_ago
    )
    call.to_number = OURS
    call.save()
    reserved = Decimal("0.1")
    CallCost.objects.create(
        call=call, reserved=reserved, currency="USD", due_at=hour_ago
    )
    settle_some()
    cost = CallCost.objects.get()
    assert cost.reserved
    assert cost.reserved > Decimal("0.5")
    assert cost.due_at
    close_calls(Call.objects.all(), "completed", "bot-hung-up")
    CallCost.objects.update(due_at=hour_ago)
    settle_some()
    assert CallCost.objects.get().reserved is None


def test_what_is_set_aside_in_another_currency_counts_for_no_budget(
    shop: Bot, settings: Settings
) -> None:
    budget(bot=shop)
    now = timezone.now()
    call = Call.objects.create(
        call_sid="CA1", bot=shop, status="in-progress", started_at=now, to_number=OURS
    )
    day = local_day(now)
    CallCost.objects.create(
        call=call, day=day, reserved=9, currency="USD", due_at=now - timedelta(hours=1)
    )
    settings.CURRENCY = "EUR"
    (state,) = budget_states(Budget.objects.all(), now)
    assert state.spending.reserved == 0
    settle_some()
    cost = CallCost.objects.get()
    assert (cost.reserved, cost.currency) == (Decimal(), "EUR")


def test_calls_in_progress_count_for_a_new_budget(
    shop: Bot, admin_client: Client
) -> None:
    values = {"bot": shop, "started_at": timezone.now(), "to_number": OURS}
    for sid, status in (("CA1", "in-progress"), ("CA2", "completed")):
        Call.objects.create(call_sid=sid, status=status, **values)
    form = {"period": "day", "limit": "0.50", "warning_percent": "80"}
    admin_client.post("/admin/calls/budget/add/", {**form, "action": "message"})
    assert CallCost.objects.get().call.call_sid == "CA1"
    answer = admit(route(OURS), OURS, timezone.now())
    assert answer.answer.because == "Budget of all bots for each day is spent."


def test_many_calls_in_progress_cost_as_many_queries_as_one(shop: Bot) -> None:
    budget(bot=shop)
    values = {"bot": shop, "status": "in-progress", "to_number": OURS}
    needed = set()
    for sid in ("CA1", "CA2", "CA3"):
        Call.objects.create(call_sid=sid, started_at=timezone.now(), **values)
        CallCost.objects.all().delete()
        needed.add(_queries(lambda: reserve_open_calls(timezone.now())))
    assert CallCost.objects.count() == 3
    assert len(needed) == 1


def test_the_bots_own_budget_acts_before_that_of_all(shop: Bot) -> None:
    budget(message="All are closed.")
    budget(bot=shop, message="The shop is closed.")
    spend("10", shop)
    answer = admit(route(OURS), OURS, timezone.now()).answer
    assert answer.diversion
    assert answer.diversion.message == "The shop is closed."


def test_levels_and_periods(shop: Bot, settings: Settings) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    today = local_day(timezone.now())
    day, month = budget(bot=shop), budget(period="month", limit=20)
    spend("8", shop, today)
    spend("100", shop, today.replace(day=1) - timedelta(days=1))
    states = budget_states([day, month], timezone.now())
    assert [state.level for state in states] == [Level.WARNING, Level.OK]
    assert [state.percent for state in states] == [80, 40]
    assert [state.since for state in states] == [today, today.replace(day=1)]
    assert states[0].text == "$8.00 of $10.00 spent (80 %)"
    spend("12", None, today)
    states = budget_states([day, month], timezone.now())
    assert [state.level for state in states] == [Level.WARNING, Level.REACHED]


def test_periods_begin_by_the_calendar() -> None:
    day = date(2026, 12, 31)
    assert Period.MONTH.begin(day) == date(2026, 12, 1)
    assert Period.DAY.begin(day) == day


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": -5}, "limit"),
        ({"warning_percent": 0}, "warning_percent"),
        ({"warning_percent": 101}, "warning_percent"),
        ({"action": "transfer"}, "transfer_number"),
        ({"action": "transfer", "transfer_number": OURS}, "transfer_number"),
        ({"action": "bot"}, "action"),
    ],
)
def test_bad_budgets_are_refused(shop: Bot, values: dict[str, Any], field: str) -> None:
    made = Budget(**{"limit": 10, **values})
    with pytest.raises(ValidationError) as error:
        made.full_clean()
    assert field in error.value.message_dict


def test_another_bot_must_be_another_one(shop: Bot) -> None:
    for other in (None, shop):
        made = Budget(limit=1, bot=shop, action="bot", other_bot=other)
        with pytest.raises(ValidationError) as error:
            made.full_clean()
        assert "other_bot" in error.value.message_dict


def test_there_is_one_budget_of_a_kind(shop: Bot) -> None:
    budget()
    with pytest.raises(ValidationError, match="already"):
        Budget(limit=5, period="day").full_clean()


def test_the_preview_of_a_number_says_that_a_budget_is_spent(shop: Bot) -> None:
    budget(bot=shop, message="Please call tomorrow.")
    spend("10", shop)
    found = preview(OURS)
    assert found.routing.because == "Budget of the bot Shop for each day is spent."
    assert not found.answers
    assert next(iter(found.first_texts.values())).startswith("Please call tomorrow.")
    assert preview(OURS, at=datetime(2026, 12, 24, 13)).answers


def test_budgets_cost_one_query_and_three_more_if_there_are_any(shop: Bot) -> None:
    answer = route(OURS)
    assert _queries(lambda: admit(answer, OURS, timezone.now())) == 1
    budget(bot=shop)
    spend("1", shop)
    # The time zone, what is set aside and what is spent.
    assert _queries(lambda: admit(answer, OURS, timezone.now())) == 4


def _queries(work: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as queries:
        work()
    return len(queries)
